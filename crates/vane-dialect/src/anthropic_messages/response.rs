use crate::answer::Answer;
use crate::codec::{Asked, Reply, Seen};
use crate::event::Sink;
use crate::fault::Fault;

pub(crate) fn decode(_body: &[u8], _asked: &Asked, _sink: &mut dyn Sink) -> Result<Seen, Fault> {
    Err(Fault::unsupported("", "not yet"))
}

pub(crate) fn encode(_: &Answer, _: &Reply, _cost: Option<&str>) -> Vec<u8> {
    Vec::new()
}
