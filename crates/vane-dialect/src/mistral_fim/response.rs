//! Whole FIM answers: the shape is that of chat.

use crate::answer::Answer;
use crate::event::Sink;
use crate::exchange::{Asked, Reply, Seen};
use crate::fault::Fault;
use crate::mistral_chat::response;

pub(crate) fn decode(body: &[u8], sink: &mut dyn Sink) -> Result<Seen, Fault> {
    response::decode(body, &Asked::default(), sink)
}

pub(crate) fn encode(answer: &Answer, reply: &Reply, cost: Option<&str>) -> Vec<u8> {
    response::encode(answer, reply, cost)
}
