//! The offers that calls are encoded for: real providers with the quirks of the catalogue.

use serde_json::Value;
use std::sync::LazyLock;
use vane_dialect::Dialect;
use vane_dialect::codec::Target;
use vane_dialect::quirk::Quirks;
use vane_dialect::seal::Plain;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Offer {
    /// What snapshots and the matrix call it.
    pub(crate) name: &'static str,
    pub(crate) dialect: Dialect,
    /// The provider's id in the catalogue.
    pub(crate) provider: &'static str,
}

const fn offer(name: &'static str, dialect: Dialect, provider: &'static str) -> Offer {
    Offer {
        name,
        dialect,
        provider,
    }
}

pub(crate) const OPENAI: Offer = offer("openai_chat", Dialect::OpenaiChat, "openai");
pub(crate) const DEEPSEEK: Offer = offer("deepseek", Dialect::OpenaiChat, "deepseek");
pub(crate) const GROQ: Offer = offer("groq", Dialect::OpenaiChat, "groq");
pub(crate) const GOOGLE: Offer = offer("google", Dialect::OpenaiChat, "google");
pub(crate) const ALIBABA: Offer = offer("alibaba", Dialect::OpenaiChat, "alibaba");
pub(crate) const MOONSHOT: Offer = offer("moonshotai", Dialect::OpenaiChat, "moonshotai");
pub(crate) const ZAI: Offer = offer("zai", Dialect::OpenaiChat, "zai");
pub(crate) const MINIMAX: Offer = offer("minimax", Dialect::OpenaiChat, "minimax");
pub(crate) const MINIMAX_RESPONSES: Offer =
    offer("minimax_responses", Dialect::OpenaiResponses, "minimax");
pub(crate) const RESPONSES: Offer = offer("openai_responses", Dialect::OpenaiResponses, "openai");
pub(crate) const ANTHROPIC: Offer = offer(
    "anthropic_messages",
    Dialect::AnthropicMessages,
    "anthropic",
);
pub(crate) const MISTRAL: Offer = offer("mistral_chat", Dialect::MistralChat, "mistral");
pub(crate) const COMPLETIONS: Offer =
    offer("openai_completions", Dialect::OpenaiCompletions, "deepseek");
pub(crate) const FIM: Offer = offer("mistral_fim", Dialect::MistralFim, "codestral");
pub(crate) const EMBEDDINGS: Offer =
    offer("openai_embeddings", Dialect::OpenaiEmbeddings, "openai");
pub(crate) const MISTRAL_EMBEDDINGS: Offer =
    offer("mistral_embeddings", Dialect::MistralEmbeddings, "mistral");

static PROVIDERS: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../catalog/providers.json")).unwrap()
});

impl Offer {
    /// One model of the provider, with the quirks that the catalogue has for it.
    pub(crate) fn model(&self, model: &'static str) -> Target<'static> {
        let target = self.target();
        let of_models = PROVIDERS["providers"][self.provider]["models"].as_object();
        let of_model = of_models
            .into_iter()
            .flatten()
            .filter(|(prefix, _)| model.starts_with(prefix.as_str()))
            .max_by_key(|(prefix, _)| prefix.len());
        let quirks = of_model.map_or(target.quirks, |(_, more)| {
            let more: Quirks = serde_json::from_str(&more.to_string()).unwrap();
            target.quirks.union(more)
        });
        Target {
            model,
            quirks,
            ..target
        }
    }

    pub(crate) fn target(&self) -> Target<'static> {
        let provider = &PROVIDERS["providers"][self.provider];
        assert!(
            provider.is_object(),
            "no provider {} in the catalogue",
            self.provider
        );
        let quirks = match &provider["quirks"] {
            Value::Null => Quirks::default(),
            quirks => serde_json::from_str(&quirks.to_string()).unwrap(),
        };
        Target {
            model: "upstream-model",
            provider: self.provider,
            quirks,
            max_output: Some(8192),
            seal: &Plain,
        }
    }
}
