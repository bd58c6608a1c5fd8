//! Requests: a client's body -> [`Call`](crate::Call) and back to a provider's body.

mod decode;
mod encode;
mod items;
pub(super) mod parts;
mod tools;
mod write_items;
mod write_parts;
pub(super) mod write_settings;
pub(super) mod write_tools;

pub(crate) use decode::decode;
pub(crate) use encode::encode;
