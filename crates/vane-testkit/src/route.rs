//! Which dialect a path speaks.
//!
//! `/openai`, `/mistral`, `/anthropic` and `/llama` in front of a path name the provider that the
//! fake plays. A bare path speaks the dialect it belongs to; where two share it (`/v1/models`,
//! `/v1/chat/completions`, `/v1/embeddings`) a setting decides.

use crate::http::Request;

/// The provider that is played: it decides error shapes and strictness.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Family {
    #[default]
    OpenAi,
    Anthropic,
    Mistral,
    Llama,
}

/// One endpoint in one dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Door {
    OpenAiChat,
    OpenAiCompletions,
    Responses(Family),
    InputTokens(Family),
    OpenAiEmbeddings,
    AnthropicMessages,
    AnthropicCount,
    MistralChat,
    MistralFim,
    MistralEmbeddings,
    LlamaInfill,
    /// The list, or one model.
    Models(Family, Option<String>),
}

impl Door {
    pub(crate) fn family(&self) -> Family {
        match self {
            Self::OpenAiChat | Self::OpenAiCompletions | Self::OpenAiEmbeddings => Family::OpenAi,
            Self::AnthropicMessages | Self::AnthropicCount => Family::Anthropic,
            Self::MistralChat | Self::MistralFim | Self::MistralEmbeddings => Family::Mistral,
            Self::LlamaInfill => Family::Llama,
            Self::Responses(family) | Self::InputTokens(family) | Self::Models(family, _) => {
                *family
            }
        }
    }
}

/// The provider named by the path's prefix, else by its own headers, else the setting.
pub(crate) fn family(request: &Request, bare: Family) -> (Family, &str) {
    let prefixes = [
        ("/openai", Family::OpenAi),
        ("/anthropic", Family::Anthropic),
        ("/mistral", Family::Mistral),
        ("/llama", Family::Llama),
    ];
    for (prefix, family) in prefixes {
        if let Some(rest) = request.path.strip_prefix(prefix) {
            return (family, rest);
        }
    }
    if request.header("anthropic-version").is_some() {
        return (Family::Anthropic, &request.path);
    }
    (bare, &request.path)
}

/// The door that a request knocks at; `None` is a 404.
pub(crate) fn door(method: &str, family: Family, path: &str) -> Option<Door> {
    let versioned = path.strip_prefix("/v1").or(path.strip_prefix("/beta"));
    let path = versioned.unwrap_or(path);
    if method == "GET" {
        let id = path.strip_prefix("/models")?;
        let id = id.strip_prefix('/').map(str::to_owned);
        return Some(Door::Models(family, id));
    }
    let mistral = family == Family::Mistral;
    Some(match path {
        "/chat/completions" if mistral => Door::MistralChat,
        "/chat/completions" => Door::OpenAiChat,
        "/completions" => Door::OpenAiCompletions,
        "/fim/completions" => Door::MistralFim,
        "/embeddings" if mistral => Door::MistralEmbeddings,
        "/embeddings" => Door::OpenAiEmbeddings,
        "/responses" => Door::Responses(family),
        "/responses/input_tokens" => Door::InputTokens(family),
        "/messages" => Door::AnthropicMessages,
        "/messages/count_tokens" => Door::AnthropicCount,
        "/infill" => Door::LlamaInfill,
        _ => return None,
    })
}
