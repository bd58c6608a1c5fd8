//! The words by which providers say that a conversation does not fit the model's context.
//!
//! Whatever the dialect and the status: some say it with a 500, some in a stream that began well.
//! Clients make their conversation shorter when they hear so, and nobody else is to blame for it.

use crate::fault::{Blame, Kind};

/// What says nothing else.
const SURE: [&str; 16] = [
    "configured context size",
    "context length",
    "context size",
    "exceed context limit",
    "exceed_context_size",
    "exceeds max length",
    "input does not fit",
    "input is too long",
    "maximum model length",
    "maximum prompt length",
    "maximum sequence length",
    "model token limit",
    "prompt is too long",
    "range of input length",
    "tokens to keep from the initial prompt",
    "when context the overflows",
];

/// What may be said of another trouble than the call's own.
const OF_A_CALL: [&str; 5] = [
    "context window",
    "input token count",
    "max_new_tokens` must be",
    "reduce the length of the messages",
    "too many tokens",
];

/// Whether a failure of this kind is told in such words, in lower case.
pub(crate) fn is_told(kind: Kind, message: &str) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    match kind {
        Kind::Invalid | Kind::TooLarge => says(&SURE) || says(&OF_A_CALL),
        Kind::Upstream | Kind::Protocol => says(&SURE),
        _ => false,
    }
}

/// The kind and blame, made more exact by the words.
pub(crate) fn or(kind: Kind, blame: Blame, message: &str) -> (Kind, Blame) {
    match is_told(kind, &message.to_lowercase()) {
        true => (Kind::ContextLength, Blame::Caller),
        false => (kind, blame),
    }
}
