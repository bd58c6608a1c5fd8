//! Streamed FIM answers: the chunks are those of chat, `delta.content` a string in each.

pub use crate::mistral_chat::stream::{Decoder, Encoder};
