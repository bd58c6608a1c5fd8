//! Streamed chat: frames to events and events to frames.

mod decode;
mod encode;

pub use decode::Decoder;
pub use encode::Encoder;
