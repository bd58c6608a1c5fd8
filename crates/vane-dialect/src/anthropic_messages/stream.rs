//! Streams: named events; `message_stop` is the end, and nothing else is.

mod decoder;
mod encoder;
mod places;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub(crate) use encoder::cut;
