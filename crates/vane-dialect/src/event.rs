//! Events: an answer, step by step.
//!
//! Decoders make events only through [`crate::sequence::Sequencer`], which guarantees: one Start
//! first; block indices contiguous from 0; blocks never overlap; each has one Open and one Close
//! and every Delta lands between them; one Finish after the last Close. Encoders may rely on it.

use crate::block::{State, ToolForm};
use crate::cite::Citation;
use crate::dialect::Dialect;
use crate::json::Raw;
use crate::usage::Usage;
use std::borrow::Cow;

#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// The answer has begun. Says nothing about content: an attempt that only got here can still
    /// be replaced by another.
    Start {
        id: Cow<'a, str>,
        model: Cow<'a, str>,
        created: u64,
    },
    Open {
        index: u32,
        opening: Opening<'a>,
    },
    /// More of the open block: text, reasoning text or tool arguments. Never empty.
    Delta {
        index: u32,
        text: Cow<'a, str>,
    },
    /// Reasoning state of the open reasoning block.
    State {
        index: u32,
        state: State,
    },
    /// A page that the open text block names.
    Cite {
        index: u32,
        citation: Citation,
    },
    Close {
        index: u32,
    },
    /// All counts known so far. A later one replaces an earlier one.
    Usage(Usage),
    Finish(Stop),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Opening<'a> {
    Text,
    Refusal,
    Reasoning,
    ToolUse {
        id: Cow<'a, str>,
        name: Cow<'a, str>,
        namespace: Option<Cow<'a, str>>,
        form: ToolForm,
    },
    Opaque {
        dialect: Dialect,
        kind: Cow<'a, str>,
        raw: Raw,
    },
}

/// Why the answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    End,
    /// One of the call's stop strings, where the provider says which.
    Sequence(Option<String>),
    MaxOutput,
    /// The context is full.
    Context,
    ToolUse,
    /// Refused by the model or by a filter.
    Refusal,
    /// A hosted tool paused the turn (Anthropic).
    Pause,
    /// A native reason without a canonical name.
    Other(String),
}

impl Event<'_> {
    /// The same event, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Start { id, model, created } => Event::Start {
                id: own(id),
                model: own(model),
                created,
            },
            Self::Open { index, opening } => Event::Open {
                index,
                opening: opening.into_owned(),
            },
            Self::Delta { index, text } => Event::Delta {
                index,
                text: own(text),
            },
            Self::State { index, state } => Event::State { index, state },
            Self::Cite { index, citation } => Event::Cite { index, citation },
            Self::Close { index } => Event::Close { index },
            Self::Usage(usage) => Event::Usage(usage),
            Self::Finish(stop) => Event::Finish(stop),
        }
    }

    /// Whether the client would see something: the point of no return of a call.
    #[must_use]
    pub const fn is_content(&self) -> bool {
        matches!(
            self,
            Self::Open { .. } | Self::Delta { .. } | Self::State { .. }
        )
    }
}

impl Opening<'_> {
    #[must_use]
    pub fn into_owned(self) -> Opening<'static> {
        match self {
            Self::Text => Opening::Text,
            Self::Refusal => Opening::Refusal,
            Self::Reasoning => Opening::Reasoning,
            Self::ToolUse {
                id,
                name,
                namespace,
                form,
            } => Opening::ToolUse {
                id: Cow::Owned(id.into_owned()),
                name: Cow::Owned(name.into_owned()),
                namespace: namespace.map(|text| Cow::Owned(text.into_owned())),
                form,
            },
            Self::Opaque { dialect, kind, raw } => Opening::Opaque {
                dialect,
                kind: Cow::Owned(kind.into_owned()),
                raw,
            },
        }
    }
}

/// Takes the events of an answer as they are decoded.
pub trait Sink {
    fn event(&mut self, event: Event<'_>);
}

impl Sink for Vec<Event<'static>> {
    fn event(&mut self, event: Event<'_>) {
        self.push(event.into_owned());
    }
}
