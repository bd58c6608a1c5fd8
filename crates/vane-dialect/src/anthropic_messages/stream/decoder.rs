//! Frames -> events.

use super::places::Places;
use crate::anthropic_messages::blocks::{Blocks, Growth};
use crate::anthropic_messages::counts::Counts;
use crate::anthropic_messages::error;
use crate::anthropic_messages::response::range;
use crate::anthropic_messages::waived::waive;
use crate::anthropic_messages::wire::read_stop;
use crate::event::{Sink, Stop};
use crate::exchange::{Asked, Seen};
use crate::fault::Fault;
use crate::frame::mould::Mould;
use crate::frame::sse::Frame;
use crate::json::Str;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Debug, Default)]
pub struct Decoder {
    blocks: Blocks,
    places: Places,
    counts: Counts,
    stop: Option<Stop>,
    has_last_counts: bool,
    /// The last delta, if it brought nothing but one text, to which block, and as what.
    mould: Mould,
    grown: (u64, Growth),
    is_done: bool,
}

/// The data of an event, of every type.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Str<'a>>,
    #[serde(borrow, default)]
    index: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<Begun<'a>>,
    #[serde(borrow, default)]
    content_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Begun<'a> {
    #[serde(borrow, default)]
    id: Option<Str<'a>>,
    #[serde(borrow, default)]
    model: Option<Str<'a>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    stop_reason: Option<Str<'a>>,
    #[serde(borrow, default)]
    stop_sequence: Option<Str<'a>>,
    #[serde(borrow, default)]
    stop_details: Option<&'a RawValue>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Ended<'a> {
    #[serde(borrow, default)]
    stop_reason: Option<Str<'a>>,
    #[serde(borrow, default)]
    stop_sequence: Option<Str<'a>>,
    #[serde(borrow, default)]
    stop_details: Option<&'a RawValue>,
}

impl Decoder {
    #[must_use]
    pub fn new(asked: Asked) -> Self {
        Self {
            blocks: Blocks::new(asked),
            ..Self::default()
        }
    }

    pub(crate) fn push(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) -> Result<Seen, Fault> {
        let Some(data) = frame.data.as_deref() else {
            return Ok(Seen::default());
        };
        // Some providers end this dialect as they end OpenAI's.
        if self.is_done || data.trim_ascii().is_empty() || data == b"[DONE]" {
            return Ok(Seen::default());
        }
        if self.places.are_told()
            && let Some(text) = self.mould.text(data)
        {
            let (index, by) = self.grown;
            self.blocks.grow_by(index, by, &text, sink)?;
            return Ok(Seen::default());
        }
        let Ok(wire) = serde_json::from_slice::<Wire<'_>>(data) else {
            return Err(error::not_an_answer(data));
        };
        let kind = match &wire.kind {
            Some(Str(kind)) => kind.as_bytes(),
            None => frame.event,
        };
        if kind == b"error" || (wire.error.is_some() && wire.message.is_none()) {
            return Err(error::decode(200, data));
        }
        let said = wire.index;
        let index = said.and_then(|raw| raw.get().parse().ok()).unwrap_or(0);
        match (kind, wire.content_block, wire.delta) {
            (b"message_start", ..) => self.begin(&wire, sink)?,
            (b"content_block_start", Some(block), _) => {
                self.blocks.begin(index, block, sink)?;
                return Ok(self.places.begin(index, said, data));
            }
            (b"content_block_delta", _, Some(delta)) => {
                let only = self.blocks.grow(index, delta, sink)?;
                if let (Some((by, Str(Cow::Borrowed(text)))), true) = (only, wire.kind.is_some()) {
                    self.grown = (index, by);
                    self.mould.cast(data, text);
                }
                return Ok(self.places.within(index, said, data));
            }
            (b"content_block_stop", ..) => {
                self.blocks.end(index, sink)?;
                return Ok(self.places.end(index, said, data));
            }
            (b"message_delta", ..) => return Ok(self.ended(&wire, data, sink)),
            (b"message_stop", ..) => {
                self.complete(sink)?;
                return Ok(Seen {
                    last: true,
                    ..Seen::default()
                });
            }
            // `ping`, and events of tomorrow.
            _ => {}
        }
        Ok(Seen::default())
    }

    /// The bytes ended: without `message_stop` the answer was cut, whatever came before.
    pub(crate) fn finish(&mut self, _: &mut dyn Sink) -> Result<(), Fault> {
        if self.is_done {
            return Ok(());
        }
        Err(Fault::protocol(if self.blocks.sequencer.is_started() {
            "the upstream's stream was cut: it ended without message_stop"
        } else {
            "the upstream's stream was cut before the answer began"
        }))
    }

    pub(crate) const fn has_last_counts(&self) -> bool {
        self.has_last_counts
    }

    fn begin(&mut self, wire: &Wire<'_>, sink: &mut dyn Sink) -> Result<(), Fault> {
        let Some(message) = &wire.message else {
            return Ok(());
        };
        let text = |member: &Option<Str<'_>>| match member {
            Some(Str(text)) => text.clone().into_owned(),
            None => String::new(),
        };
        let (id, model) = (text(&message.id), text(&message.model));
        self.blocks.sequencer.start(&id, &model, 0, sink);
        self.merge(message.usage);
        if let (Some(Str(reason)), false) = (&message.stop_reason, self.blocks.have_begun()) {
            // No frame follows but the last: the answer stands whole in its beginning.
            let content = message.content.map_or("[]", RawValue::get);
            let content: Vec<&RawValue> = serde_json::from_str(content).unwrap_or_default();
            for (index, raw) in (0..).zip(content) {
                self.blocks.begin(index, raw, sink)?;
                self.blocks.end(index, sink)?;
            }
            let sequence = message.stop_sequence.as_ref().map(|Str(s)| s.as_ref());
            self.stopped(reason, sequence, message.stop_details);
        }
        self.count(message.usage, sink);
        Ok(())
    }

    fn stopped(&mut self, reason: &str, sequence: Option<&str>, details: Option<&RawValue>) {
        let stop = read_stop(reason, sequence);
        waive(&mut self.counts, &self.blocks, &stop, details);
        self.stop = Some(stop);
    }

    fn ended(&mut self, wire: &Wire<'_>, data: &[u8], sink: &mut dyn Sink) -> Seen {
        self.merge(wire.usage);
        let delta = wire.delta.map(RawValue::get).unwrap_or_default();
        if let Ok(ended) = serde_json::from_str::<Ended<'_>>(delta) {
            let sequence = ended.stop_sequence.as_ref().map(|Str(s)| s.as_ref());
            if let Some(Str(reason)) = &ended.stop_reason {
                self.stopped(reason, sequence, ended.stop_details);
            }
        }
        self.count(wire.usage, sink);
        self.has_last_counts |= self.stop.is_some() && wire.usage.is_some();
        Seen {
            usage: wire.usage.and_then(|usage| range(data, usage)),
            ..Seen::default()
        }
    }

    fn merge(&mut self, usage: Option<&RawValue>) {
        if let Some(usage) = usage {
            self.counts.merge(usage);
        }
    }

    /// Tells the counts, if the frame has any, or says that they cost nothing.
    fn count(&mut self, usage: Option<&RawValue>, sink: &mut dyn Sink) {
        if usage.is_some() || self.counts.waived {
            let usage = self.counts.usage();
            self.blocks.sequencer.usage(usage, sink);
        }
    }

    fn complete(&mut self, sink: &mut dyn Sink) -> Result<(), Fault> {
        self.is_done = true;
        self.blocks.end_all(sink)?;
        let sequencer = &mut self.blocks.sequencer;
        let stop = self.stop.take().unwrap_or(if sequencer.has_tools() {
            Stop::ToolUse
        } else {
            Stop::End
        });
        sequencer.finish(stop, sink)
    }
}
