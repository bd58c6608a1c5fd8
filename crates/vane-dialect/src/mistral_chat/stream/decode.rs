//! Chunks -> events.

use crate::event::Sink;
use crate::exchange::{Asked, Seen};
use crate::fault::Fault;
use crate::frame::mould::Mould;
use crate::frame::sse::Frame;
use crate::mistral_chat::message::Reading;
use crate::mistral_chat::response;

#[derive(Debug, Default)]
pub struct Decoder {
    reading: Reading,
    /// The last chunk, if it brought nothing but a piece of text.
    mould: Mould,
    done: bool,
}

impl Decoder {
    /// Whether a finish reason was read, even if more may follow it.
    pub(crate) const fn has_stop(&self) -> bool {
        self.reading.has_stop()
    }

    #[must_use]
    pub fn new(asked: Asked) -> Self {
        Self {
            reading: Reading::new(asked),
            ..Self::default()
        }
    }

    pub(crate) fn push(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) -> Result<Seen, Fault> {
        let data = match frame.data.as_deref() {
            Some(data) if !data.trim_ascii().is_empty() => data,
            Some(_) | None => return Ok(Seen::default()),
        };
        if data.trim_ascii() == b"[DONE]" {
            self.done = true;
            self.finish(sink)?;
            return Ok(Seen {
                last: true,
                ..Seen::default()
            });
        }
        if !self.reading.sequence.is_finished()
            && let Some(text) = self.mould.text(data)
        {
            self.reading.text(&text, sink)?;
            return Ok(Seen::default());
        }
        let (chunk, text) = response::read(data)?;
        self.reading.chunk(&chunk, text, sink)?;
        if let Some(text) = chunk.only_text() {
            self.mould.cast(data, text);
        }
        let empty = chunk.choices.as_ref().is_none_or(Vec::is_empty);
        Ok(Seen {
            usage: chunk.usage.and_then(|usage| response::range(text, usage)),
            usage_only: empty && chunk.usage.is_some(),
            last: false,
            ..Seen::default()
        })
    }

    pub(crate) fn finish(&mut self, sink: &mut dyn Sink) -> Result<(), Fault> {
        if !self.reading.sequence.is_started() {
            return Err(Fault::protocol("the upstream's stream is empty"));
        }
        if !self.done && !self.reading.has_stop() {
            return Err(Fault::protocol(
                "the upstream's stream was cut before its finish reason",
            ));
        }
        self.reading.end(sink)
    }
}
