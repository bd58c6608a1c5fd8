//! Mistral chat completions, strict: what Mistral's own hosts take and its own SDKs expect.
//!
//! The request body is closed at every level: an unknown key is a 422. So the encoder writes a
//! list of legal keys and notes the rest. The answer is lenient to read and strict to write.

pub mod error;
pub mod legal;
pub mod request;
pub mod response;
pub mod stream;

pub(crate) mod members;
mod message;
mod parts;
mod prefill;
mod tool_calls;
mod usage;
mod wire;

#[cfg(test)]
mod tests;
