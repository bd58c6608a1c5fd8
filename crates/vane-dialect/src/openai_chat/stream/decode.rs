//! Chat chunks, and completion chunks too, to events.

use crate::event::Sink;
use crate::exchange::{Asked, Seen};
use crate::fault::Fault;
use crate::frame::sse::Frame;
use crate::openai_chat::error;
use crate::openai_chat::reading::{Form, Reading};

/// Decodes chat chunks, and completion chunks too.
#[derive(Debug, Default)]
pub struct Decoder {
    reading: Reading,
}

impl Decoder {
    #[must_use]
    pub fn new(asked: Asked) -> Self {
        Self {
            reading: Reading::new(asked, Form::Chunks),
        }
    }

    pub(crate) fn push(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) -> Result<Seen, Fault> {
        let Some(data) = frame.data.as_deref() else {
            return Ok(Seen::default());
        };
        if data.starts_with(b"[DONE]") {
            if !self.reading.has_choice() {
                return Err(Fault::protocol(
                    "the upstream's stream ended without an answer",
                ));
            }
            self.reading.end(sink)?;
            return Ok(Seen {
                last: true,
                ..Seen::default()
            });
        }
        if frame.event == b"error" {
            return Err(error::in_frame(data));
        }
        if data.trim_ascii().is_empty() || self.reading.is_finished() {
            return Ok(Seen::default());
        }
        self.reading.chunk(data, sink)
    }

    /// Whether a finish reason was read, even if more may follow it.
    pub(crate) const fn has_stop(&self) -> bool {
        self.reading.has_stop()
    }

    pub(crate) fn finish(&mut self, sink: &mut dyn Sink) -> Result<(), Fault> {
        if self.reading.is_finished() || self.reading.has_stop() {
            return self.reading.end(sink);
        }
        Err(Fault::protocol(
            "the upstream's answer was cut: it ended without a finish reason",
        ))
    }
}
