//! What was given on of each item, and which item a frame speaks of.

use super::item_wire::ItemWire;
use crate::block::ToolForm;
use crate::openai_responses::wire;
use std::borrow::Cow;

#[derive(Debug, Default)]
pub(super) struct Tracks(Vec<Track>);

/// What was given on of one item.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) kind: Kind,
    output_index: Option<u64>,
    id: String,
    call_id: String,
    pub(super) written: Vec<Part>,
    /// Of each annotation that was given on, the part that it stands in.
    pub(super) annotated: Vec<Part>,
    /// Arguments that came with the item's beginning, used if no others come.
    pub(super) held: String,
    pub(super) done: bool,
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
pub(in crate::openai_responses) enum Part {
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
    pub(super) const fn kind(self) -> Kind {
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
pub(in crate::openai_responses) struct Place<'a> {
    pub(in crate::openai_responses) output_index: Option<u64>,
    pub(in crate::openai_responses) id: Option<&'a str>,
}

impl Kind {
    pub(super) const COUNT: usize = Self::Hosted as usize + 1;

    /// The part that holds a call's arguments.
    pub(super) const fn arguments(self) -> Part {
        match self {
            Self::Custom => Part::Input,
            Self::Message | Self::Reasoning | Self::Function | Self::Hosted => Part::Arguments,
        }
    }

    pub(super) const fn form(self) -> ToolForm {
        match self {
            Self::Custom => ToolForm::Custom,
            Self::Message | Self::Reasoning | Self::Function | Self::Hosted => ToolForm::Function,
        }
    }
}

impl Tracks {
    pub(super) fn at(&mut self, at: usize) -> &mut Track {
        &mut self.0[at]
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn add(&mut self, kind: Kind, place: Place<'_>, item: &ItemWire<'_>) -> usize {
        let id = wire::text(item.id).or_else(|| place.id.map(Cow::Borrowed));
        self.0.push(Track {
            kind,
            output_index: place.output_index,
            id: id.unwrap_or_default().into_owned(),
            call_id: wire::text(item.call_id).unwrap_or_default().into_owned(),
            written: Vec::new(),
            annotated: Vec::new(),
            held: String::new(),
            done: false,
        });
        self.0.len() - 1
    }

    /// The item a delta belongs to, begun by the delta itself if nothing else did.
    pub(super) fn of_part(&mut self, place: Place<'_>, part: Part) -> usize {
        match self.by_place(place, part.kind()) {
            Some(at) => at,
            None => self.add(part.kind(), place, &ItemWire::default()),
        }
    }

    /// The same item in an earlier frame. Some upstreams give every item the same index, so calls
    /// must not differ in what the client answers with.
    pub(super) fn of_item(&self, place: Place<'_>, item: &ItemWire<'_>) -> Option<usize> {
        self.by_ids(item)
            .or_else(|| self.by_place(place, item.kind()))
            .filter(|&at| self.agree(at, item))
    }

    /// The same item in a response that ended: by its ids, or else as the n-th of its kind.
    pub(super) fn of_final(&self, item: &ItemWire<'_>, ordinal: usize) -> Option<usize> {
        let kind = item.kind();
        let of_kind = (0..self.0.len()).filter(|&at| self.0[at].kind == kind);
        self.by_ids(item).or_else(|| {
            of_kind
                .clone()
                .nth(ordinal)
                .filter(|&at| self.agree(at, item))
        })
    }

    /// By index first: some upstreams give the same item another id in every frame.
    fn by_place(&self, place: Place<'_>, kind: Kind) -> Option<usize> {
        self.0.iter().rposition(|track| {
            track.kind == kind
                && match (place.output_index, place.id) {
                    (Some(_), _) => track.output_index == place.output_index,
                    (None, Some(id)) => track.id == id,
                    (None, None) => !track.done,
                }
        })
    }

    fn by_ids(&self, item: &ItemWire<'_>) -> Option<usize> {
        let id = wire::text(item.id).unwrap_or_default();
        let call_id = wire::text(item.call_id).unwrap_or_default();
        // Read once: an answer may have thousands of items.
        let kind = item.kind();
        self.0.iter().position(|track| {
            track.kind == kind
                && ((!id.is_empty() && track.id == *id)
                    || (!call_id.is_empty() && track.call_id == *call_id))
        })
    }

    fn agree(&self, at: usize, item: &ItemWire<'_>) -> bool {
        let call_id = wire::text(item.call_id).unwrap_or_default();
        let known = &self.0[at].call_id;
        call_id.is_empty() || known.is_empty() || *known == *call_id
    }
}
