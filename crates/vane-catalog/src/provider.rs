//! A provider: a row of data, never a type.
//!
//! Invariant: a provider that speaks no dialect of ours stays in the catalogue, so that its
//! models and prices are known, and is not callable.

use serde::Deserialize;
use vane_dialect::Dialect;

use crate::text::Text;
use vane_dialect::quirk::Quirks;

/// Who serves models, where, and how it differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    pub id: Text,
    pub name: Text,
    /// Without one, the operator must set it.
    pub base_url: Option<Text>,
    /// Variables that may hold the key; the first one that is set wins.
    pub key_env: Vec<Text>,
    pub auth: Auth,
    /// Dialect -> path below the base URL.
    pub speaks: Vec<(Dialect, Text)>,
    /// Words before a slash in a model id that mean this provider.
    pub prefixes: Vec<Text>,
    /// Its offers are reached by a prefix only, because its keys are of another kind.
    pub only_by_prefix: bool,
    /// Makers whose models it serves at an address that `speaks` does not cover.
    pub without_makers: Vec<Text>,
    pub quirks: Quirks,
    /// Prefix of an upstream model id -> further quirks. The longest prefix wins.
    pub model_quirks: Vec<(Text, Quirks)>,
}

/// How a provider's key travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    #[default]
    #[serde(rename = "bearer")]
    Bearer,
    /// `x-api-key: KEY`, as Anthropic has it.
    #[serde(rename = "x-api-key")]
    XApiKey,
    /// `api-key: KEY`, as Azure has it.
    #[serde(rename = "api-key")]
    ApiKey,
    /// No key: a server of the operator's own.
    #[serde(rename = "none")]
    None,
}

impl Provider {
    /// The path of a dialect below the base URL, if the provider speaks it.
    #[must_use]
    pub fn path(&self, dialect: Dialect) -> Option<&str> {
        let spoken = self.speaks.iter().find(|(spoken, _)| *spoken == dialect);
        spoken.map(|(_, path)| path.as_ref())
    }

    /// Whether any of its dialects is one that Vane speaks.
    #[must_use]
    pub fn is_callable(&self) -> bool {
        !self.speaks.is_empty()
    }

    /// The quirks of one of its models: the provider's own and the model's.
    #[must_use]
    pub fn quirks_of(&self, upstream_model: &str) -> Quirks {
        let of_model = self
            .model_quirks
            .iter()
            .filter(|(prefix, _)| upstream_model.starts_with(prefix.as_ref()))
            .max_by_key(|(prefix, _)| prefix.len());
        of_model.map_or(self.quirks, |(_, quirks)| self.quirks.union(*quirks))
    }

    /// The paths that `dialect = "openai"` stands for in a configuration.
    #[must_use]
    pub fn openai_paths() -> Vec<(Dialect, Text)> {
        vec![
            (Dialect::OpenaiChat, Text::Borrowed("/chat/completions")),
            (Dialect::OpenaiCompletions, Text::Borrowed("/completions")),
            (Dialect::OpenaiEmbeddings, Text::Borrowed("/embeddings")),
        ]
    }
}
