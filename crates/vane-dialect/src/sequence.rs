//! The sequencer: loose pieces of an answer -> strict events.
//!
//! Upstreams interleave parallel tool calls, begin tools before they name them, send empty text
//! beside calls and forget to end what they began. Every decoder hands what it reads to a
//! [`Sequencer`], and only a sequencer makes block events. So the promise of [`crate::event`]
//! holds for every upstream, however it behaves.
//!
//! One block is open at a time. A tool's block stays open until its arguments are whole JSON;
//! pieces of other blocks wait meanwhile, in order.

mod arguments;
mod waiting;

pub(crate) use arguments::Completeness;

use crate::block::{State, ToolForm};
use crate::cite::Citation;
use crate::dialect::Dialect;
use crate::event::{Event, Opening, Sink, Stop};
use crate::fault::Fault;
use crate::json::Raw;
use crate::usage::Usage;
use std::borrow::Cow;
use std::collections::BTreeSet;
use waiting::{Piece, Waiting};

/// How much of an answer's id goes into the ids of its calls: providers take 64 bytes at most.
const STEM_MAX: usize = 32;

/// How many bytes may wait behind an unfinished tool call.
const WAITING_BYTES_MAX: usize = 16 << 20;

#[derive(Debug, Default)]
pub struct Sequencer {
    started: bool,
    finished: bool,
    next_index: u32,
    /// What tells this answer from others, for calls that the upstream gives no id.
    stem: String,
    open: Option<Open>,
    waiting: Waiting,
    /// Tools whose block was closed: more of their arguments would be a lie.
    closed_tools: BTreeSet<u64>,
    /// Citations that came before the text they belong to.
    cited: Vec<Citation>,
    /// The ids given out: clients match results to calls by them, so none stands twice.
    ids: BTreeSet<String>,
}

#[derive(Debug)]
struct Open {
    index: u32,
    slot: Slot,
    /// For tools: what of the arguments has been seen.
    completeness: Completeness,
    wrote: bool,
    /// For reasoning: its state is known, and another state begins another block.
    stated: bool,
}

/// Which block a piece belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Text,
    Refusal,
    Reasoning,
    /// A tool call, by the upstream's own index or key.
    Tool(u64),
    /// A custom tool's free text: complete whenever something else begins.
    FreeTool(u64),
}

/// A part of a tool call, as far as one frame tells it.
#[derive(Debug, Clone, Copy, Default)]
pub struct ToolPiece<'a> {
    pub id: Option<&'a str>,
    pub name: Option<&'a str>,
    pub namespace: Option<&'a str>,
    pub form: ToolForm,
    pub arguments: &'a str,
}

impl Sequencer {
    /// The answer has begun; later calls are ignored.
    pub fn start(&mut self, id: &str, model: &str, created: u64, sink: &mut dyn Sink) {
        if !self.started {
            self.started = true;
            let letters = id.chars().filter(char::is_ascii_alphanumeric);
            self.stem.reserve(STEM_MAX);
            self.stem.extend(letters.take(STEM_MAX));
            let (id, model) = (Cow::Borrowed(id), Cow::Borrowed(model));
            sink.event(Event::Start { id, model, created });
        }
    }

    /// # Errors
    /// If more waits behind an unfinished tool call than memory is set aside for.
    pub fn text(&mut self, text: &str, sink: &mut dyn Sink) -> Result<(), Fault> {
        self.plain(Slot::Text, text, sink)
    }

    /// A page that the text names: that of the open block, or the next one if none is open.
    pub fn cite(&mut self, citation: Citation, sink: &mut dyn Sink) {
        match &self.open {
            Some(open) if open.slot == Slot::Text => {
                let index = open.index;
                sink.event(Event::Cite { index, citation });
            }
            Some(_) | None => self.cited.push(citation),
        }
    }

    /// # Errors
    /// As [`Sequencer::text`].
    pub fn refusal(&mut self, text: &str, sink: &mut dyn Sink) -> Result<(), Fault> {
        self.plain(Slot::Refusal, text, sink)
    }

    /// # Errors
    /// As [`Sequencer::text`].
    pub fn reasoning(&mut self, text: &str, sink: &mut dyn Sink) -> Result<(), Fault> {
        self.plain(Slot::Reasoning, text, sink)
    }

    /// State of the reasoning so far; opens an empty reasoning block where none is open.
    ///
    /// # Errors
    /// As [`Sequencer::text`].
    pub fn reasoning_state(&mut self, state: State, sink: &mut dyn Sink) -> Result<(), Fault> {
        if self.must_wait(Slot::Reasoning) {
            return self.wait(Piece::State(state));
        }
        if self.open.as_ref().is_some_and(|open| open.stated) {
            self.close(sink);
        }
        let index = self.enter(Slot::Reasoning, Opening::Reasoning, sink);
        if let Some(open) = &mut self.open {
            open.stated = true;
        }
        sink.event(Event::State { index, state });
        Ok(())
    }

    /// A whole block that only its own dialect understands.
    ///
    /// # Errors
    /// As [`Sequencer::text`].
    pub fn opaque(
        &mut self,
        dialect: Dialect,
        kind: &str,
        raw: Raw,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        if self.tool_unfinished() {
            return self.wait(Piece::Opaque {
                dialect,
                kind: kind.to_owned(),
                raw,
            });
        }
        self.start("", "", 0, sink);
        self.close(sink);
        let index = self.next_index;
        self.next_index += 1;
        let opening = Opening::Opaque {
            dialect,
            kind: Cow::Borrowed(kind),
            raw,
        };
        sink.event(Event::Open { index, opening });
        sink.event(Event::Close { index });
        Ok(())
    }

    /// A part of the tool call that the upstream counts as `key`.
    ///
    /// # Errors
    /// If arguments come for a call that ended, or too much waits behind an unfinished call.
    pub fn tool(
        &mut self,
        key: u64,
        piece: ToolPiece<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        if self.closed_tools.contains(&key) {
            return match piece.arguments.trim() {
                "" => Ok(()),
                _ => Err(Fault::protocol(format!(
                    "the upstream sent more arguments for tool call {key} after they were whole"
                ))),
            };
        }
        let slot = match piece.form {
            ToolForm::Function => Slot::Tool(key),
            ToolForm::Custom => Slot::FreeTool(key),
        };
        if self.open.as_ref().is_some_and(|open| open.slot == slot) {
            self.delta(piece.arguments, sink);
            self.drain(false, sink);
            return Ok(());
        }
        // A call without a name cannot be opened yet.
        let named = piece.name.is_some_and(|name| !name.is_empty());
        if self.must_wait(slot) || self.waiting.has_tool(key) || !named {
            self.wait(Piece::tool(key, piece))?;
            self.drain(false, sink);
            return Ok(());
        }
        self.open_tool(key, piece, sink);
        Ok(())
    }

    /// The counts known so far.
    pub fn usage(&mut self, usage: Usage, sink: &mut dyn Sink) {
        self.start("", "", 0, sink);
        sink.event(Event::Usage(usage));
    }

    /// The upstream says that the block it was in ended.
    pub fn boundary(&mut self, sink: &mut dyn Sink) {
        if !self.tool_unfinished() {
            self.close(sink);
            self.drain(false, sink);
        }
    }

    /// The upstream says that tool call `key` is whole.
    pub fn tool_done(&mut self, key: u64, sink: &mut dyn Sink) {
        let open = self.open.as_ref().map(|open| open.slot);
        if open == Some(Slot::Tool(key)) || open == Some(Slot::FreeTool(key)) {
            self.close(sink);
            self.drain(false, sink);
        }
    }

    /// Ends every block and the answer; later calls are ignored.
    ///
    /// # Errors
    /// If a tool call never got a name.
    pub fn finish(&mut self, stop: Stop, sink: &mut dyn Sink) -> Result<(), Fault> {
        if self.finished {
            return Ok(());
        }
        self.start("", "", 0, sink);
        self.close(sink);
        self.drain(true, sink);
        if let Some(key) = self.waiting.nameless() {
            return Err(Fault::protocol(format!(
                "the upstream never named its tool call {key}"
            )));
        }
        self.finished = true;
        sink.event(Event::Finish(stop));
        Ok(())
    }

    #[must_use]
    pub const fn is_started(&self) -> bool {
        self.started
    }

    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether any block was opened so far.
    #[must_use]
    pub const fn has_content(&self) -> bool {
        self.next_index > 0
    }

    /// Whether a tool call was made so far.
    #[must_use]
    pub fn has_tools(&self) -> bool {
        !self.closed_tools.is_empty()
            || self.open.as_ref().is_some_and(Open::is_tool)
            || self.waiting.has_tools()
    }

    fn plain(&mut self, slot: Slot, text: &str, sink: &mut dyn Sink) -> Result<(), Fault> {
        if text.is_empty() {
            return Ok(());
        }
        if self.must_wait(slot) {
            return self.wait(Piece::Text(slot, text.to_owned()));
        }
        let opening = match slot {
            Slot::Refusal => Opening::Refusal,
            Slot::Reasoning => Opening::Reasoning,
            Slot::Text | Slot::Tool(_) | Slot::FreeTool(_) => Opening::Text,
        };
        self.enter(slot, opening, sink);
        self.delta(text, sink);
        Ok(())
    }

    fn open_tool(&mut self, key: u64, piece: ToolPiece<'_>, sink: &mut dyn Sink) {
        let slot = match piece.form {
            ToolForm::Function => Slot::Tool(key),
            ToolForm::Custom => Slot::FreeTool(key),
        };
        let mut id = match piece.id {
            Some(id) if !id.is_empty() && id != "null" => id.to_owned(),
            // The same in every answer, it would name the calls of two turns alike.
            _ if self.stem.is_empty() => format!("call_{key}"),
            _ => format!("call_{}_{key}", self.stem),
        };
        while self.ids.contains(&id) {
            id = format!("{id}_{key}");
        }
        self.ids.insert(id.clone());
        let opening = Opening::ToolUse {
            id: Cow::Owned(id),
            name: Cow::Borrowed(piece.name.unwrap_or_default()),
            namespace: piece.namespace.map(Cow::Borrowed),
            form: piece.form,
        };
        self.enter(slot, opening, sink);
        self.delta(piece.arguments, sink);
    }

    /// Makes `slot` the open block, closing another one; returns its index.
    fn enter(&mut self, slot: Slot, opening: Opening<'_>, sink: &mut dyn Sink) -> u32 {
        if let Some(open) = &self.open
            && open.slot == slot
        {
            return open.index;
        }
        // An upstream may forget to begin before it answers.
        self.start("", "", 0, sink);
        self.close(sink);
        let index = self.next_index;
        self.next_index += 1;
        sink.event(Event::Open { index, opening });
        self.open = Some(Open {
            index,
            slot,
            completeness: Completeness::default(),
            wrote: false,
            stated: false,
        });
        if slot == Slot::Text {
            for citation in std::mem::take(&mut self.cited) {
                sink.event(Event::Cite { index, citation });
            }
        }
        index
    }

    fn delta(&mut self, text: &str, sink: &mut dyn Sink) {
        let Some(open) = &mut self.open else { return };
        if text.is_empty() {
            return;
        }
        if matches!(open.slot, Slot::Tool(_)) {
            open.completeness.feed(text);
        }
        open.wrote = true;
        sink.event(Event::Delta {
            index: open.index,
            text: Cow::Borrowed(text),
        });
    }

    fn close(&mut self, sink: &mut dyn Sink) {
        let Some(open) = self.open.take() else { return };
        match open.slot {
            Slot::Tool(key) => {
                self.closed_tools.insert(key);
                // No arguments at all are an empty object in every dialect.
                if !open.wrote {
                    sink.event(Event::Delta {
                        index: open.index,
                        text: Cow::Borrowed("{}"),
                    });
                }
            }
            Slot::FreeTool(key) => {
                self.closed_tools.insert(key);
            }
            Slot::Text | Slot::Refusal | Slot::Reasoning => {}
        }
        sink.event(Event::Close { index: open.index });
    }

    fn tool_unfinished(&self) -> bool {
        self.open
            .as_ref()
            .is_some_and(|open| matches!(open.slot, Slot::Tool(_)) && !open.completeness.is_whole())
    }

    /// Whether a piece of `slot` has to wait for the open tool call to become whole.
    fn must_wait(&self, slot: Slot) -> bool {
        self.tool_unfinished() && self.open.as_ref().is_some_and(|open| open.slot != slot)
    }

    fn wait(&mut self, piece: Piece) -> Result<(), Fault> {
        self.waiting.push(piece);
        if self.waiting.bytes() > WAITING_BYTES_MAX {
            return Err(Fault::protocol(
                "the upstream sent too much beside an unfinished tool call",
            ));
        }
        Ok(())
    }

    /// Lets what waits go on, until a tool call is open again that is not whole. With `force`
    /// also behind that one.
    fn drain(&mut self, force: bool, sink: &mut dyn Sink) {
        while force || !self.tool_unfinished() {
            let Some(piece) = self.waiting.pop() else {
                return;
            };
            match piece {
                Piece::Text(slot, text) => {
                    let _ = self.plain(slot, &text, sink);
                }
                Piece::State(state) => {
                    let _ = self.reasoning_state(state, sink);
                }
                Piece::Opaque { dialect, kind, raw } => {
                    let _ = self.opaque(dialect, &kind, raw, sink);
                }
                Piece::Tool { key, tool } => self.open_tool(key, tool.piece(), sink),
            }
            if force {
                self.close(sink);
            }
        }
    }
}

impl Open {
    const fn is_tool(&self) -> bool {
        matches!(self.slot, Slot::Tool(_) | Slot::FreeTool(_))
    }
}

#[cfg(test)]
mod tests;
