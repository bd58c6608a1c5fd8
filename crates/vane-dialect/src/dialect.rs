//! The wire formats, by name.
//!
//! A name is the same in the catalogue's data, in a configuration, in a log and in a header.

/// A wire format that Vane reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

impl Dialect {
    /// Every dialect, in the order of the enum.
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

    /// The name used in data, configuration and logs.
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

    /// The dialect of that name, if Vane speaks it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::Dialect;

    #[test]
    fn every_name_leads_back_to_its_dialect() {
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::from_name(dialect.name()), Some(dialect));
        }
        assert_eq!(Dialect::from_name("gemini_content"), None);
    }
}
