//! Streamed answers: named events with increasing sequence numbers.

mod decoder;
mod encoder;

pub use decoder::Decoder;
pub use encoder::Encoder;
