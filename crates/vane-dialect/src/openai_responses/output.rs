//! Output items -> events.
//!
//! Upstreams differ in which frames they send: some only deltas, some only an item's `done`, some
//! nothing before the completed response (T1). Everything said of an item goes through one
//! [`Output`], which remembers what was given on already, so that nothing is lost or said twice.

mod item_wire;
mod tracks;

pub(super) use item_wire::ItemWire;
pub(super) use tracks::{Part, Place};

use super::request::parts;
use super::wire;
use crate::block::State;
use crate::cite::Citation;
use crate::dialect::Dialect;
use crate::event::Sink;
use crate::exchange::Asked;
use crate::fault::Fault;
use crate::hosted;
use crate::json::Raw;
use crate::sequence::{Sequencer, ToolPiece};
use crate::usage::Units;
use item_wire::{PartWire, list};
use serde_json::value::RawValue;
use std::borrow::Cow;
use tracks::{Kind, Tracks};

#[derive(Debug, Default)]
pub(super) struct Output {
    asked: Asked,
    pub(super) sequence: Sequencer,
    pub(super) units: Units,
    /// A refusal was said.
    pub(super) refused: bool,
    tracks: Tracks,
    /// The item, and the part of its message, that was written last.
    last: Option<(usize, Option<Part>)>,
}

impl Output {
    pub(super) fn new(asked: Asked) -> Self {
        Self {
            asked,
            ..Self::default()
        }
    }

    /// `output_item.added`.
    pub(super) fn begin(
        &mut self,
        place: Place<'_>,
        item: &ItemWire<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        if self.tracks.of_item(place, item).is_some() {
            return Ok(());
        }
        let at = self.tracks.add(item.kind(), place, item);
        if matches!(item.kind(), Kind::Function | Kind::Custom) {
            self.tracks.at(at).held = item.arguments()?.into_owned();
            self.call(at, item, "", sink)?;
        }
        Ok(())
    }

    /// More of a part.
    pub(super) fn more(
        &mut self,
        place: Place<'_>,
        part: Part,
        text: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let at = self.tracks.of_part(place, part);
        self.write(at, part, text, sink)
    }

    /// `output_text.annotation.added`.
    pub(super) fn annotation(
        &mut self,
        place: Place<'_>,
        part: Part,
        raw: &RawValue,
        sink: &mut dyn Sink,
    ) {
        let at = self.tracks.of_part(place, part);
        self.annotate(at, part, raw, sink);
    }

    fn annotate(&mut self, at: usize, part: Part, raw: &RawValue, sink: &mut dyn Sink) {
        self.tracks.at(at).annotated.push(part);
        if let Some(citation) = Citation::read(raw) {
            self.sequence.cite(citation, sink);
        }
    }

    /// The whole text of a part: news only if nothing of it came before.
    pub(super) fn part_done(
        &mut self,
        place: Place<'_>,
        part: Part,
        text: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let at = self.tracks.of_part(place, part);
        self.write_once(at, part, text, sink)
    }

    /// `output_item.done`.
    pub(super) fn done(
        &mut self,
        place: Place<'_>,
        raw: &RawValue,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let item = ItemWire::read(raw)?;
        let at = match self.tracks.of_item(place, &item) {
            Some(at) => at,
            None => self.tracks.add(item.kind(), place, &item),
        };
        self.whole(at, &item, raw, sink)
    }

    /// The `output` of a response that ended: whatever no frame told before.
    pub(super) fn rest(&mut self, output: &[&RawValue], sink: &mut dyn Sink) -> Result<(), Fault> {
        let mut of_kind = [0_usize; Kind::COUNT];
        for raw in output {
            let item = ItemWire::read(raw)?;
            let kind = item.kind();
            let ordinal = of_kind[kind as usize];
            of_kind[kind as usize] += 1;
            let at = match self.tracks.of_final(&item, ordinal) {
                Some(at) => at,
                None => self.tracks.add(kind, Place::default(), &item),
            };
            self.whole(at, &item, raw, sink)?;
        }
        for at in 0..self.tracks.len() {
            let track = self.tracks.at(at);
            let (held, part) = (std::mem::take(&mut track.held), track.kind.arguments());
            if !track.done {
                self.write_once(at, part, &held, sink)?;
            }
        }
        Ok(())
    }

    fn whole(
        &mut self,
        at: usize,
        item: &ItemWire<'_>,
        raw: &RawValue,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        if std::mem::replace(&mut self.tracks.at(at).done, true) {
            return Ok(());
        }
        match self.tracks.at(at).kind {
            Kind::Message => self.message(at, item, sink),
            Kind::Reasoning => self.reasoning(at, item, sink),
            Kind::Function | Kind::Custom => {
                self.call_done(at, item, sink)?;
                self.sequence.tool_done(at as u64, sink);
                Ok(())
            }
            Kind::Hosted => self.hosted(at, item, raw, sink),
        }
    }

    fn message(
        &mut self,
        at: usize,
        item: &ItemWire<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        for (index, raw) in (0..).zip(list(item.content)) {
            let part: PartWire<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
            let kind = wire::text(part.kind).unwrap_or_default();
            match &*kind {
                "output_text" | "text" => {
                    let text = wire::told(part.text)?;
                    self.write_once(at, Part::Text(index), &text, sink)?;
                    let known = self.tracks.at(at).annotated.iter();
                    let known = known.filter(|part| **part == Part::Text(index)).count();
                    for raw in list(part.annotations).into_iter().skip(known) {
                        self.annotate(at, Part::Text(index), raw, sink);
                    }
                }
                "refusal" => {
                    let text = wire::told(part.refusal)?;
                    self.write_once(at, Part::Refusal(index), &text, sink)?;
                }
                other => {
                    let part = parts::wrap("assistant", other, raw.get());
                    self.sequence
                        .opaque(part.dialect, &part.kind, part.raw, sink)?;
                }
            }
        }
        Ok(())
    }

    fn reasoning(
        &mut self,
        at: usize,
        item: &ItemWire<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let thoughts = list(item.content).into_iter();
        let thoughts = (0..).map(Part::Thought).zip(thoughts);
        let summary = list(item.summary).into_iter();
        let summary = (0..).map(Part::Summary).zip(summary);
        for (part, raw) in thoughts.chain(summary) {
            let wire: PartWire<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
            self.write_once(at, part, &wire::told(wire.text)?, sink)?;
        }
        let data = wire::text(item.encrypted_content).unwrap_or_default();
        if data.is_empty() {
            return Ok(());
        }
        self.turn_to(at, None, sink);
        let state = State {
            dialect: Dialect::OpenaiResponses,
            provider: None,
            id: wire::text(item.id).map(Cow::into_owned),
            redacted: self.tracks.at(at).written.is_empty(),
            data: data.into_owned(),
        };
        self.sequence.reasoning_state(state, sink)
    }

    fn hosted(
        &mut self,
        at: usize,
        item: &ItemWire<'_>,
        raw: &RawValue,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let kind = wire::text(item.kind).unwrap_or_default();
        if let Some(unit) = hosted::used(Dialect::OpenaiResponses, &kind, raw.get()) {
            self.units.add(unit, 1);
        }
        self.last = Some((at, None));
        self.sequence
            .opaque(Dialect::OpenaiResponses, &kind, Raw::from(raw), sink)
    }

    fn call_done(
        &mut self,
        at: usize,
        item: &ItemWire<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let track = self.tracks.at(at);
        let held = std::mem::take(&mut track.held);
        let arguments = item.arguments()?;
        let news = match &*arguments {
            _ if track.written.contains(&track.kind.arguments()) => "",
            "" => &held,
            arguments => arguments,
        };
        self.call(at, item, news, sink)
    }

    /// Names a call; `arguments` are new ones.
    fn call(
        &mut self,
        at: usize,
        item: &ItemWire<'_>,
        arguments: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        self.turn_to(at, None, sink);
        let track = self.tracks.at(at);
        if !arguments.is_empty() {
            track.written.push(track.kind.arguments());
        }
        let (id, name) = (wire::text(item.call_id), wire::text(item.name));
        let namespace = wire::text(item.namespace);
        let piece = ToolPiece {
            id: id.as_deref(),
            name: name.as_deref().map(|sent| self.asked.tool(sent).1),
            namespace: namespace.as_deref(),
            form: track.kind.form(),
            arguments,
        };
        self.sequence.tool(at as u64, piece, sink)
    }

    fn write_once(
        &mut self,
        at: usize,
        part: Part,
        text: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        if self.tracks.at(at).written.contains(&part) {
            return Ok(());
        }
        self.write(at, part, text, sink)
    }

    fn write(
        &mut self,
        at: usize,
        part: Part,
        text: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        if text.is_empty() {
            return Ok(());
        }
        let track = self.tracks.at(at);
        let first_of_item = track.written.is_empty();
        let first_of_part = !track.written.contains(&part);
        if first_of_part {
            track.written.push(part);
        }
        let form = track.kind.form();
        match part {
            Part::Text(_) => {
                self.turn_to(at, Some(part), sink);
                self.sequence.text(text, sink)
            }
            Part::Refusal(_) => {
                self.refused = true;
                self.turn_to(at, Some(part), sink);
                self.sequence.refusal(text, sink)
            }
            Part::Thought(_) | Part::Summary(_) => {
                self.turn_to(at, None, sink);
                if first_of_part && !first_of_item {
                    self.sequence.reasoning("\n\n", sink)?;
                }
                self.sequence.reasoning(text, sink)
            }
            Part::Arguments | Part::Input => {
                self.turn_to(at, None, sink);
                let piece = ToolPiece {
                    form,
                    arguments: text,
                    ..ToolPiece::default()
                };
                self.sequence.tool(at as u64, piece, sink)
            }
        }
    }

    /// Ends the block of another item, or of another part of the same message.
    fn turn_to(&mut self, at: usize, part: Option<Part>, sink: &mut dyn Sink) {
        if self.last != Some((at, part)) {
            self.last = Some((at, part));
            self.sequence.boundary(sink);
        }
    }
}
