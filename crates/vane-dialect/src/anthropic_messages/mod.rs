//! Anthropic Messages: Claude Code and the Anthropic SDKs as a door, Anthropic and its likes
//! (MiniMax, Z.ai, DeepSeek) as an upstream.
//!
//! Facts of this dialect that the folder rests on: the system prompt stands beside the messages;
//! roles alternate, and the results of tools stand first in a user message; `input_tokens`
//! excludes what the cache gave; an answer never repeats its prefill.

pub mod error;
pub mod request;
pub mod response;
pub mod stream;

mod blocks;
mod counts;
mod waived;
mod wire;

#[cfg(test)]
mod tests;

use crate::head::{Head, Word};

/// The `type` under which Claude Code's billing line, its first system block, travels: it differs
/// from one conversation to the next and is for Anthropic alone.
const BILLING: &str = "x-anthropic-billing-header";

/// Whether a provider of this dialect is Anthropic itself, by its id.
#[must_use]
pub fn is_anthropic(provider: &str) -> bool {
    provider.starts_with("anthropic")
}

/// Whether a body may hold what is for Anthropic alone: the billing line, or a `system` role among
/// the messages, which others refuse. It says yes in doubt: to write a call anew is never wrong.
#[must_use]
pub fn is_for_anthropic_alone(head: &Head) -> bool {
    let own_key = u32::from(head.member("system").is_some());
    head.times(Word::System) > own_key
        || head.raw("system").is_some_and(|raw| raw.contains(BILLING))
}
