//! Frames -> events. Only a completed, incomplete or failed response ends an answer: bytes that
//! end without one were cut.

use crate::event::Sink;
use crate::exchange::{Asked, Seen};
use crate::fault::Fault;
use crate::frame::sse::Frame;
use crate::openai_responses::error;
use crate::openai_responses::output::{ItemWire, Output, Part, Place};
use crate::openai_responses::response::{Ended, ResponseWire, readable};
use crate::openai_responses::wire;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Decodes one stream.
#[derive(Debug, Default)]
pub struct Decoder {
    output: Output,
}

#[derive(Deserialize)]
struct FrameWire<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(default)]
    output_index: Option<u64>,
    #[serde(default)]
    content_index: Option<u64>,
    #[serde(default)]
    summary_index: Option<u64>,
    #[serde(borrow, default)]
    item_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(borrow, default)]
    item: Option<&'a RawValue>,
    #[serde(borrow, default)]
    annotation: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl<'a> FrameWire<'a> {
    /// The part that a frame speaks of, its text, and whether that is the part's whole text.
    fn said(&self, kind: &str) -> Option<(Part, Option<&'a RawValue>, bool)> {
        let content = self.content_index.unwrap_or(0);
        let summary = self.summary_index.unwrap_or(0);
        Some(match kind {
            "response.output_text.delta" => (Part::Text(content), self.delta, false),
            "response.output_text.done" => (Part::Text(content), self.text, true),
            "response.refusal.delta" => (Part::Refusal(content), self.delta, false),
            "response.refusal.done" => (Part::Refusal(content), self.refusal, true),
            "response.reasoning_text.delta" => (Part::Thought(content), self.delta, false),
            "response.reasoning_text.done" => (Part::Thought(content), self.text, true),
            "response.reasoning_summary_text.delta" => (Part::Summary(summary), self.delta, false),
            "response.reasoning_summary_text.done" => (Part::Summary(summary), self.text, true),
            "response.function_call_arguments.delta" => (Part::Arguments, self.delta, false),
            "response.function_call_arguments.done" => (Part::Arguments, self.arguments, true),
            "response.custom_tool_call_input.delta" => (Part::Input, self.delta, false),
            "response.custom_tool_call_input.done" => (Part::Input, self.input, true),
            _ => return None,
        })
    }
}

impl Decoder {
    #[must_use]
    pub fn new(asked: Asked) -> Self {
        Self {
            output: Output::new(asked),
        }
    }

    pub(crate) fn push(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) -> Result<Seen, Fault> {
        let Some(data) = &frame.data else {
            return Ok(Seen::default());
        };
        if self.output.sequence.is_finished() || data.is_empty() || data.starts_with(b"[DONE]") {
            return Ok(Seen::default());
        }
        let data = readable(data)?;
        let wire: FrameWire<'_> = serde_json::from_str(data).map_err(|error| {
            Fault::protocol(format!("the upstream sent a malformed frame: {error}"))
        })?;
        let kind = wire::text(wire.kind).unwrap_or_else(|| String::from_utf8_lossy(frame.event));
        match &*kind {
            "response.completed" => self.end(Ended::Completed, &wire, data, sink),
            "response.incomplete" => self.end(Ended::Incomplete, &wire, data, sink),
            "response.failed" => self.end(Ended::Failed, &wire, data, sink),
            "error" => Err(declared(&wire, data)),
            _ if wire.error.is_some() => Err(declared(&wire, data)),
            kind => {
                self.step(kind, &wire, sink)?;
                Ok(Seen::default())
            }
        }
    }

    pub(crate) fn finish(&mut self, _: &mut dyn Sink) -> Result<(), Fault> {
        if self.output.sequence.is_finished() {
            return Ok(());
        }
        Err(Fault::protocol(
            "the upstream's answer was cut: it ended before the response was complete",
        ))
    }

    fn end(
        &mut self,
        ended: Ended,
        wire: &FrameWire<'_>,
        data: &str,
        sink: &mut dyn Sink,
    ) -> Result<Seen, Fault> {
        let response = response(wire)?;
        response.end(ended, &mut self.output, sink)?;
        Ok(Seen {
            usage: response.usage_at(data),
            usage_only: false,
            last: true,
            ..Seen::default()
        })
    }

    fn step(&mut self, kind: &str, wire: &FrameWire<'_>, sink: &mut dyn Sink) -> Result<(), Fault> {
        let id = wire::text(wire.item_id);
        let place = Place {
            output_index: wire.output_index,
            id: id.as_deref(),
        };
        match kind {
            "response.created" | "response.in_progress" | "response.queued" => {
                if !self.output.sequence.is_started() {
                    response(wire)?.start(&mut self.output, sink);
                }
                return Ok(());
            }
            "response.output_item.added" | "response.output_item.done" => {
                return self.item(kind, place, wire, sink);
            }
            "response.output_text.annotation.added" => {
                if let Some(raw) = wire.annotation {
                    let part = Part::Text(wire.content_index.unwrap_or(0));
                    self.output.annotation(place, part, raw, sink);
                }
                return Ok(());
            }
            _ => {}
        }
        // Frames of tomorrow, and those that only repeat or decorate, say nothing here.
        let Some((part, text, whole)) = wire.said(kind) else {
            return Ok(());
        };
        self.begin(sink);
        let text = wire::told(text)?;
        if whole {
            self.output.part_done(place, part, &text, sink)
        } else {
            self.output.more(place, part, &text, sink)
        }
    }

    fn item(
        &mut self,
        kind: &str,
        place: Place<'_>,
        wire: &FrameWire<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let Some(raw) = wire.item else {
            return Err(Fault::protocol(format!("`{kind}` came without an item")));
        };
        self.begin(sink);
        let id = item_id(raw);
        let place = Place {
            id: place.id.or(id.as_deref()),
            ..place
        };
        if kind == "response.output_item.added" {
            self.output.begin(place, &ItemWire::read(raw)?, sink)
        } else {
            self.output.done(place, raw, sink)
        }
    }

    /// Some upstreams never send `response.created`.
    fn begin(&mut self, sink: &mut dyn Sink) {
        self.output.sequence.start("", "", 0, sink);
    }
}

fn item_id(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Id<'a> {
        #[serde(borrow, default)]
        id: Option<&'a RawValue>,
    }
    let item: Id<'_> = serde_json::from_str(raw.get()).ok()?;
    wire::text(item.id)
}

fn response<'a>(wire: &FrameWire<'a>) -> Result<ResponseWire<'a>, Fault> {
    let Some(raw) = wire.response else {
        return Ok(ResponseWire::default());
    };
    serde_json::from_str(raw.get())
        .map_err(|error| Fault::protocol(format!("the upstream's response is malformed: {error}")))
}

/// An `error` event: the error stands in the frame itself or in its `error` member.
fn declared(wire: &FrameWire<'_>, data: &str) -> Fault {
    match wire.error {
        Some(error) => error::declared(error),
        None => serde_json::from_str(data).map_or_else(
            |_| Fault::protocol("the upstream sent a malformed error"),
            error::declared,
        ),
    }
}
