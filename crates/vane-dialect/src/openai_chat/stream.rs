//! Streamed chat: frames to events and events to frames.

mod cut;
mod decode;
mod encode;

pub(crate) use cut::{cut, cut_at};
pub use decode::Decoder;
pub use encode::Encoder;
