//! Streamed answers of Mistral: chat and FIM have the same chunks.

mod decode;
mod encode;

pub use decode::Decoder;
pub use encode::Encoder;
pub(crate) use encode::cut;
