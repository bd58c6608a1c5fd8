//! What the playground can do with a model: chat, complete, fill in, embed.
//!
//! Invariant: each is one door of the playground, in the dialect that fits it best.

use crate::relay::Door;
use vane_catalog::{Capability, Kind, Offer};
use vane_dialect::Dialect;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    #[default]
    Chat,
    Completion,
    Fim,
    Embeddings,
}

impl Mode {
    pub const ALL: [Self; 4] = [Self::Chat, Self::Completion, Self::Fim, Self::Embeddings];

    /// Which is asked of a model that can do several, the likeliest first.
    pub const BY_USE: [Self; 4] = [Self::Chat, Self::Fim, Self::Completion, Self::Embeddings];

    /// As addresses and forms write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completion => "completion",
            Self::Fim => "fim",
            Self::Embeddings => "embeddings",
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Chat => "Chat",
            Self::Completion => "Completion",
            Self::Fim => "Fill in",
            Self::Embeddings => "Embeddings",
        }
    }

    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// The door that its calls go through.
    #[must_use]
    pub const fn door(self) -> Door {
        let (dialect, route) = match self {
            Self::Chat => (Dialect::OpenaiChat, "/playground/v1/chat/completions"),
            Self::Completion => (Dialect::OpenaiCompletions, "/playground/v1/completions"),
            Self::Fim => (Dialect::MistralFim, "/playground/v1/fim/completions"),
            Self::Embeddings => (Dialect::OpenaiEmbeddings, "/playground/v1/embeddings"),
        };
        Door { dialect, route }
    }

    /// Whether a model of this offer can do it.
    #[must_use]
    pub fn fits(self, offer: &Offer) -> bool {
        match self {
            Self::Chat => offer.kind == Kind::Chat,
            Self::Completion => offer.kind == Kind::Completion || offer.can(Capability::Fim),
            Self::Fim => offer.can(Capability::Fim),
            Self::Embeddings => offer.kind == Kind::Embedding,
        }
    }
}
