//! The wire formats Vane knows, by the names that configuration and catalogue use.

/// A wire format: what a client speaks to Vane, or Vane to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    OpenaiChat,
    OpenaiCompletions,
    OpenaiResponses,
    OpenaiEmbeddings,
    AnthropicMessages,
    MistralChat,
    MistralFim,
    MistralEmbeddings,
    LlamaInfill,
}

/// What a call asks for. Dialects of one task translate into each other; dialects of different
/// tasks never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    Chat,
    Fill,
    Embed,
}

impl Dialect {
    pub const ALL: [Self; 9] = [
        Self::OpenaiChat,
        Self::OpenaiCompletions,
        Self::OpenaiResponses,
        Self::OpenaiEmbeddings,
        Self::AnthropicMessages,
        Self::MistralChat,
        Self::MistralFim,
        Self::MistralEmbeddings,
        Self::LlamaInfill,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenaiChat => "openai_chat",
            Self::OpenaiCompletions => "openai_completions",
            Self::OpenaiResponses => "openai_responses",
            Self::OpenaiEmbeddings => "openai_embeddings",
            Self::AnthropicMessages => "anthropic_messages",
            Self::MistralChat => "mistral_chat",
            Self::MistralFim => "mistral_fim",
            Self::MistralEmbeddings => "mistral_embeddings",
            Self::LlamaInfill => "llama_infill",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }

    #[must_use]
    pub const fn task(self) -> Task {
        match self {
            Self::OpenaiChat
            | Self::OpenaiResponses
            | Self::AnthropicMessages
            | Self::MistralChat => Task::Chat,
            Self::OpenaiCompletions | Self::MistralFim | Self::LlamaInfill => Task::Fill,
            Self::OpenaiEmbeddings | Self::MistralEmbeddings => Task::Embed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::from_name(dialect.name()), Some(dialect));
        }
        assert_eq!(Dialect::from_name("smoke_signals"), None);
    }
}
