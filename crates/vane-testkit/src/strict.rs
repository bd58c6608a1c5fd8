//! What the real providers refuse, refused here in their words.
//!
//! A translation that only works against a lenient server is no translation: each module knows
//! the closed bodies, message orders and pairings of one provider.

mod anthropic;
mod mistral;
mod openai;

use serde_json::Value;

use crate::http::Request;
use crate::route::{Door, Family};
use crate::server::State;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) body: String,
}

pub(crate) fn check(
    state: &State,
    door: &Door,
    request: &Request,
    body: &Value,
) -> Result<(), Refusal> {
    match door {
        Door::MistralChat => mistral::chat(body),
        Door::MistralFim => mistral::fim(body),
        Door::MistralEmbeddings => mistral::embeddings(body),
        Door::AnthropicMessages => anthropic::messages(state, request, body),
        Door::AnthropicCount => anthropic::count(state, request, body),
        Door::OpenAiChat => openai::chat(state, body),
        Door::OpenAiCompletions => openai::completions(body),
        Door::OpenAiEmbeddings => openai::embeddings(body),
        Door::Responses(Family::Mistral) => {
            openai::responses(state, body).and_then(|()| mistral::responses(body))
        }
        Door::Responses(_) => openai::responses(state, body),
        Door::InputTokens(_) | Door::LlamaInfill | Door::Models(..) => Ok(()),
    }
}

/// Why Mistral would refuse a chat, in the words of the fake; `None` if it takes it.
#[must_use]
pub fn refusal_of_mistral(body: &Value) -> Option<String> {
    mistral::chat(body).err().map(|refusal| refusal.body)
}

/// The keys of an object, in order; nothing for anything else.
fn keys(value: &Value) -> impl Iterator<Item = &str> {
    value
        .as_object()
        .into_iter()
        .flat_map(|fields| fields.keys().map(String::as_str))
}

/// The items of a list; nothing for anything else.
fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
