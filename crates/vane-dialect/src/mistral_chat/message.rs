//! One message or delta of an answer -> events, for whole answers and streams alike.

use super::prefill::Prefill;
use super::tool_calls::ToolCalls;
use super::wire::{Choice, Chunk, Content, Part};
use super::{error, usage};
use crate::block::State;
use crate::dialect::Dialect;
use crate::event::{Event, Sink, Stop};
use crate::exchange::Asked;
use crate::fault::{Blame, Fault, Kind};
use crate::json::Raw;
use crate::sequence::Sequencer;
use serde_json::value::RawValue;

/// The state of an answer that is being read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    asked: Asked,
    pub(super) sequence: Sequencer,
    prefill: Prefill,
    calls: ToolCalls,
    /// Why the answer ended, as soon as it is said.
    stop: Option<Stop>,
    usage_known: bool,
}

impl Reading {
    pub(super) fn new(mut asked: Asked) -> Self {
        Self {
            prefill: Prefill::new(asked.prefill.take()),
            asked,
            ..Self::default()
        }
    }

    /// Takes a whole answer or a chunk of one; `text` is its JSON.
    pub(super) fn chunk(
        &mut self,
        chunk: &Chunk<'_>,
        text: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        if chunk.is_error() {
            return Err(error::declared(text.as_bytes()));
        }
        let field = |field: &Option<crate::json::Str<'_>>| {
            field
                .as_ref()
                .map(|text| text.0.to_string())
                .unwrap_or_default()
        };
        if !self.sequence.is_started() {
            let (id, model) = (field(&chunk.id), field(&chunk.model));
            let created = usage::count(chunk.created);
            self.sequence.start(&id, &model, created, sink);
        }
        if !self.sequence.is_finished() {
            // Calls ask for one answer; what else comes is not the client's.
            let ours = |choice: &&Choice<'_>| usage::count(choice.index) == 0;
            for choice in chunk.choices.iter().flatten().filter(ours) {
                self.choice(choice, sink)?;
            }
        }
        if let Some(usage) = chunk.usage.and_then(usage::read) {
            self.usage_known = true;
            sink.event(Event::Usage(usage));
        }
        if self.usage_known && self.stop.is_some() {
            self.end(sink)?;
        }
        Ok(())
    }

    fn choice(&mut self, choice: &Choice<'_>, sink: &mut dyn Sink) -> Result<(), Fault> {
        if let Some(message) = &choice.message {
            if let Some(content) = &message.content {
                self.content(content, sink)?;
            }
            if let Some(calls) = message.tool_calls.as_deref().filter(|c| !c.is_empty()) {
                self.release_prefill(sink)?;
                self.calls
                    .push(calls, &self.asked, &mut self.sequence, sink)?;
            }
        }
        if let Some(reason) = &choice.finish_reason {
            self.stop = Some(stop(&reason.0, self.sequence.has_tools())?);
        }
        Ok(())
    }

    fn content(&mut self, content: &Content<'_>, sink: &mut dyn Sink) -> Result<(), Fault> {
        match content {
            Content::Text(text) => self.text(text, sink),
            Content::Parts(parts) => parts.iter().try_for_each(|part| self.part(part, sink)),
        }
    }

    fn part(&mut self, raw: &RawValue, sink: &mut dyn Sink) -> Result<(), Fault> {
        let part: Option<Part<'_>> = serde_json::from_str(raw.get()).ok();
        let kind = part
            .as_ref()
            .and_then(|p| p.kind.as_ref())
            .map(|k| k.0.as_ref());
        match (kind, &part) {
            (
                Some("text"),
                Some(Part {
                    text: Some(text), ..
                }),
            ) => self.text(&text.0, sink),
            (Some("thinking"), Some(part)) => self.thinking(part, sink),
            (kind, _) => {
                let kind = kind.unwrap_or("unknown");
                self.release_prefill(sink)?;
                self.sequence
                    .opaque(Dialect::MistralChat, kind, Raw::from(raw), sink)
            }
        }
    }

    fn thinking(&mut self, part: &Part<'_>, sink: &mut dyn Sink) -> Result<(), Fault> {
        match &part.thinking {
            Some(Content::Text(text)) => self.sequence.reasoning(text, sink)?,
            Some(Content::Parts(parts)) => {
                for inner in parts {
                    let inner: Option<Part<'_>> = serde_json::from_str(inner.get()).ok();
                    if let Some(text) = inner.and_then(|inner| inner.text) {
                        self.sequence.reasoning(&text.0, sink)?;
                    }
                }
            }
            None => {}
        }
        let Some(signature) = part.signature.as_ref().filter(|s| !s.0.is_empty()) else {
            return Ok(());
        };
        let state = State::native(Dialect::MistralChat, signature.0.to_string());
        self.sequence.reasoning_state(state, sink)
    }

    pub(super) fn text(&mut self, text: &str, sink: &mut dyn Sink) -> Result<(), Fault> {
        let own = self.prefill.strip(text);
        self.sequence.text(&own, sink)
    }

    fn release_prefill(&mut self, sink: &mut dyn Sink) -> Result<(), Fault> {
        self.sequence.text(self.prefill.release(), sink)
    }

    /// Ends the answer. What the upstream did not say about why is told from what it sent.
    pub(super) fn end(&mut self, sink: &mut dyn Sink) -> Result<(), Fault> {
        if self.sequence.is_finished() {
            return Ok(());
        }
        self.release_prefill(sink)?;
        self.calls.finish(&self.asked, &mut self.sequence, sink)?;
        let stop = self.stop.take().unwrap_or(match self.sequence.has_tools() {
            true => Stop::ToolUse,
            false => Stop::End,
        });
        self.sequence.finish(stop, sink)
    }

    /// Whether the upstream said that the answer is over.
    pub(super) const fn has_stop(&self) -> bool {
        self.stop.is_some() || self.sequence.is_finished()
    }
}

fn stop(reason: &str, has_tools: bool) -> Result<Stop, Fault> {
    Ok(match reason {
        "stop" if has_tools => Stop::ToolUse,
        "stop" => Stop::End,
        "length" => Stop::MaxOutput,
        "model_length" => Stop::Context,
        "tool_calls" => Stop::ToolUse,
        "content_filter" => Stop::Refusal,
        "error" => {
            let message = "the upstream ended its answer with an error";
            return Err(Fault::new(Kind::Upstream, Blame::Upstream, message));
        }
        other => Stop::Other(other.to_owned()),
    })
}
