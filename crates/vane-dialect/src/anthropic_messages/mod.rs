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
mod wire;

#[cfg(test)]
mod tests;

/// The `type` under which Claude Code's billing line, its first system block, travels: it differs
/// from one conversation to the next and is for Anthropic alone.
const BILLING: &str = "x-anthropic-billing-header";
