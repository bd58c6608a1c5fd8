//! Output items -> events.
//!
//! Upstreams differ in which frames they send: some only deltas, some only an item's `done`, some
//! nothing before the completed response (T1). Everything said of an item goes through one
//! [`Output`], which remembers what was given on already, so that nothing is lost or said twice.

use super::request::parts;
use super::wire;
use crate::block::{State, ToolForm};
use crate::dialect::Dialect;
use crate::event::Sink;
use crate::fault::Fault;
use crate::json::Raw;
use crate::sequence::{Sequencer, ToolPiece};
use crate::usage::Units;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) sequence: Sequencer,
    pub(super) units: Units,
    /// A refusal was said.
    pub(super) refused: bool,
    tracks: Vec<Track>,
    /// The item, and the part of its message, that was written last.
    last: Option<(usize, Option<Part>)>,
}

/// What was given on of one item.
#[derive(Debug)]
struct Track {
    kind: Kind,
    output_index: Option<u64>,
    id: String,
    call_id: String,
    written: Vec<Part>,
    /// Arguments that came with the item's beginning, used if no others come.
    held: String,
    done: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Reasoning,
    Function,
    Custom,
    Hosted,
}

/// A part of an item by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Text(u64),
    Refusal(u64),
    Thought(u64),
    Summary(u64),
    /// Arguments of a function.
    Arguments,
    /// Input of a custom tool.
    Input,
}

impl Part {
    const fn kind(self) -> Kind {
        match self {
            Self::Text(_) | Self::Refusal(_) => Kind::Message,
            Self::Thought(_) | Self::Summary(_) => Kind::Reasoning,
            Self::Arguments => Kind::Function,
            Self::Input => Kind::Custom,
        }
    }
}

/// Where a frame says that something belongs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place<'a> {
    pub(super) output_index: Option<u64>,
    pub(super) id: Option<&'a str>,
}

#[derive(Deserialize, Default)]
pub(super) struct ItemWire<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    call_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    namespace: Option<&'a RawValue>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    summary: Option<&'a RawValue>,
    #[serde(borrow, default)]
    encrypted_content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    action: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct PartWire<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refusal: Option<&'a RawValue>,
}

impl<'a> ItemWire<'a> {
    pub(super) fn read(raw: &'a RawValue) -> Result<Self, Fault> {
        serde_json::from_str(raw.get())
            .map_err(|error| Fault::protocol(format!("an output item is malformed: {error}")))
    }

    fn kind(&self) -> Kind {
        match wire::text(self.kind).as_deref() {
            Some("message") => Kind::Message,
            Some("reasoning") => Kind::Reasoning,
            Some("function_call") => Kind::Function,
            Some("custom_tool_call") => Kind::Custom,
            Some(_) | None => Kind::Hosted,
        }
    }

    /// The arguments; an object that some upstreams write in place of its text is taken as text.
    fn arguments(&self) -> Result<Cow<'a, str>, Fault> {
        let raw = match self.kind() {
            Kind::Custom => self.input,
            Kind::Message | Kind::Reasoning | Kind::Function | Kind::Hosted => self.arguments,
        };
        match raw {
            Some(object) if object.get().starts_with('{') => Ok(Cow::Borrowed(object.get())),
            _ => wire::told(raw),
        }
    }
}

impl Kind {
    const COUNT: usize = Self::Hosted as usize + 1;

    /// The part that holds a call's arguments.
    const fn arguments(self) -> Part {
        match self {
            Self::Custom => Part::Input,
            Self::Message | Self::Reasoning | Self::Function | Self::Hosted => Part::Arguments,
        }
    }

    const fn form(self) -> ToolForm {
        match self {
            Self::Custom => ToolForm::Custom,
            Self::Message | Self::Reasoning | Self::Function | Self::Hosted => ToolForm::Function,
        }
    }
}

impl Output {
    /// `output_item.added`.
    pub(super) fn begin(
        &mut self,
        place: Place<'_>,
        item: &ItemWire<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let kind = item.kind();
        if self.by_place(place, kind).is_some() {
            return Ok(());
        }
        let at = self.track(kind, place, item);
        if matches!(kind, Kind::Function | Kind::Custom) {
            self.tracks[at].held = item.arguments()?.into_owned();
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
        let at = self.enter(place, part.kind());
        self.write(at, part, text, sink)
    }

    /// The whole text of a part: news only if nothing of it came before.
    pub(super) fn part_done(
        &mut self,
        place: Place<'_>,
        part: Part,
        text: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let at = self.enter(place, part.kind());
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
        let kind = item.kind();
        let at = self
            .by_place(place, kind)
            .unwrap_or_else(|| self.track(kind, place, &item));
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
            let at = self
                .by_identity(&item, ordinal)
                .unwrap_or_else(|| self.track(kind, Place::default(), &item));
            self.whole(at, &item, raw, sink)?;
        }
        for at in 0..self.tracks.len() {
            let track = &mut self.tracks[at];
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
        if std::mem::replace(&mut self.tracks[at].done, true) {
            return Ok(());
        }
        match self.tracks[at].kind {
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
            redacted: self.tracks[at].written.is_empty(),
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
        // Opening a page that a search found is the same call kind, and not billed.
        let action: PartWire<'_> = item
            .action
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default();
        let searched = wire::text(action.kind).is_none_or(|action| action == "search");
        match &*kind {
            "web_search_call" if searched => self.units.web_searches += 1,
            "image_generation_call" => self.units.images += 1,
            _ => {}
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
        let track = &mut self.tracks[at];
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
        let track = &mut self.tracks[at];
        if !arguments.is_empty() {
            track.written.push(track.kind.arguments());
        }
        let (id, name) = (wire::text(item.call_id), wire::text(item.name));
        let namespace = wire::text(item.namespace);
        let piece = ToolPiece {
            id: id.as_deref(),
            name: name.as_deref(),
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
        if self.tracks[at].written.contains(&part) {
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
        let track = &mut self.tracks[at];
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

    fn track(&mut self, kind: Kind, place: Place<'_>, item: &ItemWire<'_>) -> usize {
        let id = wire::text(item.id).or_else(|| place.id.map(Cow::Borrowed));
        self.tracks.push(Track {
            kind,
            output_index: place.output_index,
            id: id.unwrap_or_default().into_owned(),
            call_id: wire::text(item.call_id).unwrap_or_default().into_owned(),
            written: Vec::new(),
            held: String::new(),
            done: false,
        });
        self.tracks.len() - 1
    }

    /// The item a delta belongs to, begun by the delta itself if nothing else did.
    fn enter(&mut self, place: Place<'_>, kind: Kind) -> usize {
        self.by_place(place, kind)
            .unwrap_or_else(|| self.track(kind, place, &ItemWire::default()))
    }

    /// By index first: some upstreams give the same item another id in every frame.
    fn by_place(&self, place: Place<'_>, kind: Kind) -> Option<usize> {
        let find = |is: &dyn Fn(&Track) -> bool| {
            self.tracks
                .iter()
                .rposition(|track| track.kind == kind && is(track))
        };
        if place.output_index.is_some() {
            return find(&|track| track.output_index == place.output_index);
        }
        match place.id {
            Some(id) => find(&|track| track.id == id),
            None => find(&|track| !track.done),
        }
    }

    /// The same item in a response that ended: by its ids, or for items that carry none of their
    /// own worth as the n-th of its kind.
    fn by_identity(&self, item: &ItemWire<'_>, ordinal: usize) -> Option<usize> {
        let kind = item.kind();
        let id = wire::text(item.id).unwrap_or_default();
        let call_id = wire::text(item.call_id).unwrap_or_default();
        let same = |track: &Track| {
            track.kind == kind
                && ((!id.is_empty() && track.id == *id)
                    || (!call_id.is_empty() && track.call_id == *call_id))
        };
        if let Some(at) = self.tracks.iter().position(same) {
            return Some(at);
        }
        let mut of_kind = (0..)
            .zip(&self.tracks)
            .filter(|(_, track)| track.kind == kind);
        let (at, track) = of_kind.nth(ordinal)?;
        (call_id.is_empty() || track.call_id.is_empty()).then_some(at)
    }
}

fn list(raw: Option<&RawValue>) -> Vec<&RawValue> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}
