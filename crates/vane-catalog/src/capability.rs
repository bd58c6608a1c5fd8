//! What a model can do, as a small set.

use serde::{Deserialize, Deserializer};

/// One thing that a model can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    Streaming,
    Tools,
    Reasoning,
    StructuredOutput,
    Vision,
    Fim,
    Embeddings,
    PromptCaching,
}

impl Capability {
    /// Every capability, in the order of the enum.
    pub const ALL: [Self; 8] = [
        Self::Streaming,
        Self::Tools,
        Self::Reasoning,
        Self::StructuredOutput,
        Self::Vision,
        Self::Fim,
        Self::Embeddings,
        Self::PromptCaching,
    ];

    /// The word for it in data, pages and errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Streaming => "streaming",
            Self::Tools => "tools",
            Self::Reasoning => "reasoning",
            Self::StructuredOutput => "structured_output",
            Self::Vision => "vision",
            Self::Fim => "fim",
            Self::Embeddings => "embeddings",
            Self::PromptCaching => "prompt_caching",
        }
    }
}

/// A set of capabilities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities(u8);

impl Capabilities {
    #[must_use]
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & (1 << (capability as u8)) != 0
    }

    #[must_use]
    pub const fn with(self, capability: Capability) -> Self {
        Self(self.0 | (1 << (capability as u8)))
    }

    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL
            .into_iter()
            .filter(move |capability| self.has(*capability))
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        capabilities.into_iter().fold(Self::default(), Self::with)
    }
}

impl<'de> Deserialize<'de> for Capabilities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Capability>::deserialize(deserializer).map(Self::from_iter)
    }
}
