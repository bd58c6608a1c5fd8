use crate::codec::{Asked, Reply, Seen};
use crate::event::{Event, Sink};
use crate::fault::Fault;
use crate::frame::sse::Frame;

#[derive(Debug)]
pub struct Decoder {
    _asked: Asked,
}

impl Decoder {
    #[must_use]
    pub const fn new(asked: Asked) -> Self {
        Self { _asked: asked }
    }

    pub(crate) fn push(&mut self, _: &Frame<'_>, _: &mut dyn Sink) -> Result<Seen, Fault> {
        Err(Fault::unsupported("", "not yet"))
    }

    pub(crate) fn finish(&mut self, _: &mut dyn Sink) -> Result<(), Fault> {
        Ok(())
    }
}

pub struct Encoder {
    reply: Reply,
}

impl Encoder {
    #[must_use]
    pub const fn new(reply: Reply) -> Self {
        Self { reply }
    }

    pub(crate) fn push(&mut self, _event: &Event<'_>, _out: &mut Vec<u8>) {}

    pub(crate) fn finish(&mut self, _cost: Option<&str>, _out: &mut Vec<u8>) {}

    pub(crate) fn id(&self) -> &str {
        &self.reply.id
    }
}
