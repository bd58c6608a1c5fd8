//! Chat requests: the union door in, every provider of the dialect out.

mod decode;
mod encode;
mod grammar;
mod message_in;
mod message_out;
mod part_in;
mod part_out;
mod sampling;
mod tool_in;
mod tool_out;

pub(crate) use decode::decode;
pub(crate) use decode::{extras, sampling, stream};
pub(crate) use encode::{Body, encode};
