//! Requests of Mistral chat.

mod decode;
pub(super) mod encode;
pub(crate) mod sampling;

pub(crate) use decode::decode;
pub(crate) use encode::encode;
