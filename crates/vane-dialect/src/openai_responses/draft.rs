//! The response object that is being written: the call's echo, the items so far, the end.

use super::echo;
use super::error;
use super::item::Item;
use super::wire::{self, Fields};
use crate::block::State;
use crate::call::Call;
use crate::cite::Citation;
use crate::dialect::Dialect;
use crate::event::{Event, Opening, Sink, Stop};
use crate::exchange::Reply;
use crate::fault::Fault;
use crate::usage::Usage;

/// What a refusal says where the model gave no words of its own. An answer that ended `incomplete`
/// for a content filter is asked for again and again: Codex takes it for a line that broke.
const REFUSED: &str = "The model refused to answer.";

/// Ids of items are sent back to providers, which take at most 64 bytes of them.
const STEM_MAX: usize = 40;

pub(super) struct Draft {
    reply: Reply,
    id: String,
    model: String,
    created: u64,
    stem: String,
    /// Members that repeat the call, in every response object alike.
    echo: Vec<u8>,
    /// The items that ended, joined.
    output: Vec<u8>,
    next_index: u32,
    open: Option<Item>,
    usage: Usage,
    stop: Option<Stop>,
    refused: bool,
}

/// What a response object says of its own state.
enum Status<'a> {
    InProgress,
    Completed,
    Incomplete(&'static str),
    Failed(&'a Fault),
}

impl Draft {
    pub(super) fn new(reply: Reply) -> Self {
        let mut draft = Self {
            id: String::new(),
            model: reply.call.model().to_owned(),
            created: reply.now,
            stem: String::new(),
            echo: Vec::new(),
            output: Vec::new(),
            next_index: 0,
            open: None,
            usage: Usage::default(),
            stop: None,
            refused: false,
            reply,
        };
        draft.start("", "", 0);
        draft
    }

    /// What the upstream says of itself; what it does not say is ours.
    pub(super) fn start(&mut self, id: &str, model: &str, created: u64) {
        let id = if id.is_empty() { &self.reply.id } else { id };
        let bare = id.strip_prefix("resp_").unwrap_or(id);
        self.id = format!("resp_{bare}");
        self.stem = bare
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
            .take(STEM_MAX)
            .collect();
        if !model.is_empty() {
            model.clone_into(&mut self.model);
        }
        if created != 0 {
            self.created = created;
        }
    }

    pub(super) fn open(&mut self, opening: &Opening<'_>) -> Option<&Item> {
        self.close();
        self.refused |= matches!(opening, Opening::Refusal);
        let opening = opening.clone().into_owned();
        self.open = Item::new(opening, &self.stem, self.next_index);
        self.next_index += u32::from(self.open.is_some());
        self.open.as_ref()
    }

    pub(super) fn delta(&mut self, text: &str) -> Option<&Item> {
        let item = self.open.as_mut()?;
        item.text.push_str(text);
        Some(item)
    }

    pub(super) fn state(&mut self, state: &State) {
        if let Some(item) = &mut self.open {
            item.state = Some(state.clone());
        }
    }

    pub(super) fn cite(&mut self, citation: &Citation) {
        if let Some(item) = &mut self.open {
            item.citations.push(citation.clone());
        }
    }

    /// Ends the open item and keeps it for the response object. The last one is ended after the
    /// stop is known: an answer that was cut was cut in it.
    pub(super) fn close(&mut self) -> Option<Item> {
        let mut item = self.open.take()?;
        item.cut = self.incomplete().is_some();
        if matches!(item.opening, Opening::Reasoning) {
            let door = Dialect::OpenaiResponses;
            item.sealed = Some(self.reply.seal(door, item.state.as_ref(), &item.text));
        }
        if !self.output.is_empty() {
            self.output.push(b',');
        }
        item.write(true, &mut self.output);
        Some(item)
    }

    pub(super) fn write_begun(&mut self, out: &mut Vec<u8>) {
        self.write(&Status::InProgress, None, out);
    }

    /// Opens the refusal that an answer ends with which was refused without a word of it.
    pub(super) fn refuse(&mut self) -> Option<(&Item, &'static str)> {
        if self.refused || !matches!(self.stop, Some(Stop::Refusal)) {
            return None;
        }
        self.open(&Opening::Refusal)?;
        Some((self.delta(REFUSED)?, REFUSED))
    }

    /// Writes the response that ended, complete or not.
    pub(super) fn write_ended(&mut self, cost: Option<&str>, out: &mut Vec<u8>) {
        self.refuse();
        self.close();
        let status = match self.incomplete() {
            Some(reason) => Status::Incomplete(reason),
            None => Status::Completed,
        };
        self.write(&status, cost, out);
    }

    pub(super) fn write_failed(&mut self, fault: &Fault, out: &mut Vec<u8>) {
        self.write(&Status::Failed(fault), None, out);
    }

    /// Why the answer is incomplete, if it is.
    pub(super) const fn incomplete(&self) -> Option<&'static str> {
        match &self.stop {
            Some(Stop::MaxOutput | Stop::Context) => Some("max_output_tokens"),
            Some(
                Stop::End
                | Stop::Sequence(_)
                | Stop::ToolUse
                // Said in words, of the model's own or not, it is a complete answer.
                | Stop::Refusal
                | Stop::Pause
                | Stop::Other(_),
            )
            | None => None,
        }
    }

    fn write(&mut self, status: &Status<'_>, cost: Option<&str>, out: &mut Vec<u8>) {
        if self.echo.is_empty()
            && let Call::Chat(chat) = &*self.reply.call
        {
            echo::write(chat, &mut self.echo);
        }
        let mut fields = Fields::open(out);
        fields.text("id", &self.id).text("object", "response");
        fields.value("created_at", &self.created);
        status.write(&mut fields);
        fields.json("background", "false");
        fields.text("model", &self.model);
        let ended = !matches!(status, Status::InProgress);
        let output = fields.key("output");
        output.push(b'[');
        if ended {
            output.extend_from_slice(&self.output);
        }
        output.push(b']');
        fields.json("previous_response_id", "null");
        fields.json("store", "false");
        let tier = if ended {
            wire::tier_name(self.usage.served)
        } else {
            "auto"
        };
        fields.text("service_tier", tier);
        let failed = matches!(status, Status::Failed(_));
        if ended && !(failed && self.usage == Usage::default()) {
            wire::write_usage(fields.key("usage"), &self.usage, cost);
        } else {
            fields.json("usage", "null");
        }
        fields.members(&self.echo);
        fields.close();
    }
}

impl Status<'_> {
    /// The three members that tell of it.
    fn write(&self, fields: &mut Fields<'_>) {
        let name = match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed(_) => "failed",
        };
        fields.text("status", name);
        if let Self::Failed(fault) = self {
            error::write(fault, fields.key("error"));
        } else {
            fields.json("error", "null");
        }
        if let Self::Incomplete(reason) = self {
            let mut details = Fields::open(fields.key("incomplete_details"));
            details.text("reason", reason);
            details.close();
        } else {
            fields.json("incomplete_details", "null");
        }
    }
}

impl Sink for Draft {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start { id, model, created } => self.start(&id, &model, created),
            Event::Open { opening, .. } => {
                self.open(&opening);
            }
            Event::Delta { text, .. } => {
                self.delta(&text);
            }
            Event::State { state, .. } => self.state(&state),
            Event::Cite { citation, .. } => self.cite(&citation),
            // The next block, or the end of the answer, ends it.
            Event::Close { .. } => {}
            Event::Usage(usage) => self.usage = usage,
            Event::Finish(stop) => self.stop = Some(stop),
        }
    }
}
