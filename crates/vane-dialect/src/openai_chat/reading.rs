//! Reading an answer: messages and deltas become pieces for the sequencer.
//!
//! Whole answers and streams take this one way, so they cannot differ. Also serves the
//! completion shape (`text` instead of a message).

mod amend;
mod others;
mod sources;
mod tools;

use super::details::Details;
use super::signatures;
use super::think::{Piece, Think};
use super::wire::{Choice, Chunk, Function, Message, ToolCall, member};
use super::{error, usage};
use crate::block::State;
use crate::cite::Citation;
use crate::dialect::Dialect;
use crate::event::{Event, Sink, Stop};
use crate::exchange::{Asked, Seen};
use crate::fault::{Blame, Fault};
use crate::frame::mould::Mould;
use crate::json::{Json, Str};
use crate::sequence::Sequencer;
use crate::usage::{Served, Usage};
use amend::{Mending, Number, Sent, is_tier};
use others::Others;
use serde::Deserialize;
use serde_json::value::RawValue;
use sources::Sources;
use tools::Tool;

#[derive(Debug, Default)]
pub(super) struct Reading {
    asked: Asked,
    form: Form,
    sequencer: Sequencer,
    tools: Vec<Tool>,
    mending: Mending,
    details: Details,
    think: Think,
    sources: Sources,
    others: Others,
    /// The signature of the message's text: handed out when the text is over.
    signature: Option<State>,
    any_choice: bool,
    stop: Option<Stop>,
    usage: Option<Usage>,
    served: Option<Served>,
    /// The last chunk, if it brought nothing but a piece of text.
    mould: Mould,
    voice: Voice,
}

/// What a piece of text is a piece of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Voice {
    /// The content of a message.
    #[default]
    Words,
    /// The text of a completion.
    Text,
    Reasoning,
}

/// Which member of a choice counts: some providers send both in either form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Form {
    #[default]
    Chunks,
    Whole,
}

impl Reading {
    pub(super) fn new(asked: Asked, form: Form) -> Self {
        Self {
            asked,
            form,
            ..Self::default()
        }
    }

    pub(super) const fn is_finished(&self) -> bool {
        self.sequencer.is_finished()
    }

    /// Whether there was anything of an answer.
    pub(super) const fn has_choice(&self) -> bool {
        self.any_choice
    }

    /// Whether the upstream said of each answer why it stopped.
    pub(super) const fn has_stop(&self) -> bool {
        self.stop.is_some() && self.others.have_stopped()
    }

    /// Takes a chunk or a whole answer that was read from `data`.
    pub(super) fn chunk(&mut self, data: &[u8], sink: &mut dyn Sink) -> Result<Seen, Fault> {
        if let Some(text) = self.mould.text(data) {
            self.say(self.voice, &text, sink)?;
            return Ok(Seen::default());
        }
        // One check of the whole is cheaper than one for each string.
        let text = std::str::from_utf8(data).map_err(|_| error::garbage(data))?;
        let chunk = Chunk::read(text).map_err(|_| error::garbage(data))?;
        if let Some(fault) = error::in_answer(&chunk, data) {
            return Err(fault);
        }
        let any = chunk.choices.as_ref().is_some_and(|choices| choices.any);
        let in_choice = chunk.choices.as_ref().and_then(|choices| choices.usage());
        let found = chunk.usage.or(in_choice);
        let found = found.or_else(|| groq_usage(chunk.x_groq));
        let found = found.filter(|raw| raw.get().starts_with('{') && raw.get() != "{}");
        let tier = chunk.service_tier;
        if let Some(tier) = member(tier) {
            self.served = Some(usage::served(&tier));
        }
        self.any_choice |= any;
        self.sources.hear(&chunk);
        // Azure's first chunk has no choices, no id and no model: not the start yet.
        if any || found.is_some() {
            self.start(&chunk, sink);
        }
        let choices = chunk.choices.unwrap_or_default();
        let others_bytes = self.others.hear(&choices.others);
        let mut amends = Vec::new();
        if let Some(choice) = choices.first {
            let sent = Sent::from(&choice);
            let alone = found.is_none() && choices.others.is_empty();
            let piece = choice.only_text().filter(|_| alone && is_tier(tier));
            self.mending.begin_chunk();
            self.choice(choice, sink)?;
            amends = self.mending.amends(data, sent, self.form);
            if let Some((voice, text)) = piece.filter(|_| amends.is_empty()) {
                self.voice = voice;
                self.mould.cast(data, text);
            }
        }
        if let Some(tier) = tier.filter(|tier| !is_tier(Some(*tier))) {
            amends.push(amend::instead(data, tier, "null"));
            amends.sort_unstable_by_key(|amend| amend.range.start);
        }
        if let Some(raw) = found {
            self.count(raw, sink);
        }
        Ok(Seen {
            usage: found.map(|raw| range_in(data, raw)),
            usage_only: found.is_some() && !any,
            last: false,
            others_bytes,
            amends,
            before: String::new(),
        })
    }

    /// Ends the answer. Without a reason of the upstream's own, what it sent tells one.
    pub(super) fn end(&mut self, sink: &mut dyn Sink) -> Result<(), Fault> {
        if self.sequencer.is_finished() {
            return Ok(());
        }
        self.sequencer.start("", "", 0, sink);
        self.end_words(sink)?;
        for citation in self.sources.take() {
            self.sequencer.cite(citation, sink);
        }
        for key in 0..self.tools.len() {
            self.unwrap(key, true, sink)?;
        }
        self.keep_details(sink)?;
        self.keep_signature(sink)?;
        let called = self.sequencer.has_tools();
        let stop = match self.stop.take() {
            None | Some(Stop::End) if called => Stop::ToolUse,
            // A client told to run tools it was not given asks again and again.
            None => Stop::End,
            Some(Stop::ToolUse) if !called => Stop::End,
            Some(stop) => stop,
        };
        self.sequencer.finish(stop, sink)
    }

    fn say(&mut self, voice: Voice, text: &str, sink: &mut dyn Sink) -> Result<(), Fault> {
        match voice {
            Voice::Words => {
                self.keep_details(sink)?;
                self.words(text, sink)
            }
            Voice::Text => self.sequencer.text(text, sink),
            Voice::Reasoning => self.sequencer.reasoning(text, sink),
        }
    }

    fn start(&mut self, chunk: &Chunk<'_>, sink: &mut dyn Sink) {
        if !self.sequencer.is_started() {
            let id = chunk.id.as_deref().filter(|id| !id.is_empty());
            let id = id.unwrap_or(&self.asked.answer_id);
            let model = chunk.model.as_deref().unwrap_or_default();
            self.sequencer.start(id, model, chunk.created, sink);
        }
    }

    fn choice(&mut self, choice: Choice<'_>, sink: &mut dyn Sink) -> Result<(), Fault> {
        if let Some(raw) = choice.error {
            return Err(error::of_object(raw));
        }
        let message = match self.form {
            Form::Whole => choice.message.or(choice.delta),
            // A message among chunks says again what the deltas said.
            Form::Chunks => choice
                .delta
                .or(choice.message.filter(|_| !self.has_spoken())),
        };
        // Together says the text of a chat twice: in the delta, and as that of a completion.
        let is_chat = message
            .as_ref()
            .is_some_and(|message| is_said(message.content));
        if let Some(message) = message {
            self.message(&message, sink)?;
        }
        if let Some(text) = member(choice.text).filter(|_| !is_chat) {
            self.sequencer.text(&text, sink)?;
        }
        if let Some(reason) = member(choice.finish_reason).filter(|reason| !reason.is_empty()) {
            self.stop = Some(stop(&reason, choice.stop_reason)?);
        }
        Ok(())
    }

    fn has_spoken(&self) -> bool {
        self.sequencer.has_content() || self.sequencer.has_tools()
    }

    fn message(&mut self, message: &Message<'_>, sink: &mut dyn Sink) -> Result<(), Fault> {
        // Some providers send the same reasoning under both names.
        let spelled = member(message.reasoning_content).filter(|text| !text.is_empty());
        let spelled = spelled.or_else(|| member(message.reasoning));
        if let Some(raw) = message.reasoning_details {
            let told = self.details.add(raw);
            if spelled.is_none() {
                self.sequencer.reasoning(&told, sink)?;
            }
        }
        if let Some(text) = spelled {
            self.sequencer.reasoning(&text, sink)?;
        }
        let speaks = has_content(message);
        if speaks {
            self.keep_details(sink)?;
        }
        if let Some(raw) = message.content {
            self.content(raw, sink)?;
        }
        if let Some(raw) = message.annotations {
            let list: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
            for citation in list.into_iter().filter_map(Citation::read) {
                self.sources.are_told();
                self.sequencer.cite(citation, sink);
            }
        }
        if let Some(text) = member(message.refusal) {
            self.sequencer.refusal(&text, sink)?;
        }
        let signed = message.extra_content;
        if let Some(state) = signed.and_then(|raw| signatures::state(None, raw)) {
            self.signature = Some(state);
        }
        if let Some(raw) = message.tool_calls {
            let calls: Vec<Option<ToolCall<'_>>> = serde_json::from_str(raw.get())
                .map_err(|_| error::garbage(raw.get().as_bytes()))?;
            let is_bare =
                |call: &Option<ToolCall<'_>>| call.as_ref().is_some_and(ToolCall::is_bare);
            let mut bare = calls.iter().filter(|call| is_bare(call)).count();
            for call in &calls {
                let number = match call {
                    Some(call) => self.tool(call, bare, sink)?,
                    None => Number::Told,
                };
                bare -= usize::from(is_bare(call));
                self.mending.call(&number);
            }
        }
        if let Some(raw) = message.function_call {
            let function: Function<'_> = serde_json::from_str(raw.get())
                .map_err(|_| error::garbage(raw.get().as_bytes()))?;
            let call = ToolCall {
                index: Some(0),
                function: Some(function),
                ..ToolCall::default()
            };
            self.tool(&call, 0, sink)?;
        }
        Ok(())
    }

    /// Content is text or, at some providers, a list of parts. An object is what a schema asked
    /// for, which Cloudflare has read already: its own bytes are the text.
    fn content(&mut self, raw: Json<'_>, sink: &mut dyn Sink) -> Result<(), Fault> {
        if let Some(text) = raw.string() {
            return self.words(&text, sink);
        }
        if raw.get().starts_with('{') {
            return self.words(raw.get(), sink);
        }
        for part in serde_json::from_str::<Vec<Part<'_>>>(raw.get()).unwrap_or_default() {
            match part.kind.as_ref().map(|kind| &*kind.0) {
                Some("thinking") => {
                    let thought = part.thinking.map(thinking_text).unwrap_or_default();
                    self.sequencer.reasoning(&thought, sink)?;
                }
                // Databricks'.
                Some("reasoning") => {
                    let thought = part.summary.map(thinking_text).unwrap_or_default();
                    self.sequencer.reasoning(&thought, sink)?;
                }
                Some("refusal") => {
                    let words = member(part.refusal).unwrap_or_default();
                    self.sequencer.refusal(&words, sink)?;
                }
                _ => {
                    let text = member(part.text).unwrap_or_default();
                    self.sequencer.text(&text, sink)?;
                }
            }
        }
        Ok(())
    }

    /// Text of the content, where some providers put what was thought first.
    fn words(&mut self, text: &str, sink: &mut dyn Sink) -> Result<(), Fault> {
        let Some(tags) = self.asked.tags else {
            return self.sequencer.text(text, sink);
        };
        let mut pieces = self.think.take(tags, text).into_iter();
        pieces.try_for_each(|piece| self.piece(piece, sink))
    }

    fn piece(&mut self, piece: Piece, sink: &mut dyn Sink) -> Result<(), Fault> {
        match piece {
            Piece::Thought(thought) => self.sequencer.reasoning(&thought, sink),
            Piece::Text(text) => self.sequencer.text(&text, sink),
        }
    }

    /// The content is over, for tool calls begin or the answer ends.
    pub(super) fn end_words(&mut self, sink: &mut dyn Sink) -> Result<(), Fault> {
        let held = self.think.end();
        self.piece(held, sink)
    }

    /// Hands out reasoning state when the reasoning is over.
    fn keep_details(&mut self, sink: &mut dyn Sink) -> Result<(), Fault> {
        let Some(data) = self.details.take() else {
            return Ok(());
        };
        let state = State::native(Dialect::OpenaiChat, data);
        self.sequencer.reasoning_state(state, sink)
    }

    fn keep_signature(&mut self, sink: &mut dyn Sink) -> Result<(), Fault> {
        match self.signature.take() {
            Some(state) => self.sequencer.reasoning_state(state, sink),
            None => Ok(()),
        }
    }

    fn count(&mut self, raw: Json<'_>, sink: &mut dyn Sink) {
        let Some(mut usage) = usage::read(raw) else {
            return;
        };
        if let Some(served) = self.served {
            usage.served = served;
        }
        if self.usage != Some(usage) {
            self.usage = Some(usage);
            sink.event(Event::Usage(usage));
        }
    }
}

impl<'a> Choice<'a> {
    /// The one string it brings, if it brings nothing else. Taking such a choice again with
    /// another string changes nothing but what is said.
    fn only_text(&self) -> Option<(Voice, &'a str)> {
        let empty = Message::default();
        let message = self.delta.as_ref().unwrap_or(&empty);
        let texts = [
            (Voice::Words, message.content),
            (Voice::Text, self.text),
            (Voice::Reasoning, message.reasoning_content),
            (Voice::Reasoning, message.reasoning),
        ];
        let others = [
            message.refusal,
            message.reasoning_details,
            message.tool_calls,
            message.function_call,
            message.annotations,
            message.extra_content,
            self.finish_reason,
            self.error,
            self.usage,
        ];
        let mut texts = texts
            .into_iter()
            .filter_map(|(voice, raw)| Some((voice, raw.filter(|raw| is_said(Some(*raw)))?)));
        let (voice, raw) = texts.next()?;
        let alone = texts.next().is_none() && self.message.is_none();
        let text = raw.get().strip_prefix('"')?.strip_suffix('"')?;
        (alone && others.iter().all(Option::is_none)).then_some((voice, text))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Str<'a>>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow)]
    summary: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Groq<'a> {
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

fn groq_usage(x_groq: Option<Json<'_>>) -> Option<Json<'_>> {
    let groq: Groq<'_> = serde_json::from_str(x_groq?.get()).ok()?;
    groq.usage.map(Json::from)
}

fn thinking_text(raw: &RawValue) -> String {
    if let Some(text) = member(Some(raw)) {
        return text.into_owned();
    }
    let parts: Vec<Part<'_>> = serde_json::from_str(raw.get()).unwrap_or_default();
    parts.iter().filter_map(|part| member(part.text)).collect()
}

/// Whether the message has more than reasoning.
fn has_content(message: &Message<'_>) -> bool {
    is_said(message.content)
        || is_said(message.refusal)
        || is_said(message.tool_calls)
        || message.function_call.is_some()
}

fn is_said(raw: Option<Json<'_>>) -> bool {
    raw.is_some_and(|raw| !matches!(raw.get(), "\"\"" | "[]"))
}

/// Gemini puts its own name of a reason behind the one of this dialect:
/// `content_filter: PROHIBITED_CONTENT`.
fn stop(reason: &str, detail: Option<Json<'_>>) -> Result<Stop, Fault> {
    let (word, _) = reason.split_once(':').unwrap_or((reason, ""));
    Ok(match word.trim().to_ascii_lowercase().as_str() {
        "stop" | "stop_sequence" | "end_turn" | "eos" | "eos_token" | "complete" | "completed" => {
            match member(detail) {
                Some(text) => Stop::Sequence(Some(text.into_owned())),
                None => Stop::End,
            }
        }
        "length" | "max_tokens" | "max_output_tokens" => Stop::MaxOutput,
        "model_length" | "model_context_window_exceeded" => Stop::Context,
        "tool_calls" | "tool_call" | "tool_use" | "function_call" => Stop::ToolUse,
        "content_filter"
        | "refusal"
        | "safety"
        | "recitation"
        | "sensitive"
        | "blocklist"
        | "prohibited_content"
        | "spii"
        | "image_safety"
        | "image_prohibited_content"
        | "image_recitation" => Stop::Refusal,
        // The model wrote a call that is none.
        "function_call_filter" | "malformed_function_call" => {
            return Err(error::stopped(reason, Blame::Model));
        }
        // The last: vLLM, SGLang and LMDeploy, of a call that they dropped.
        "error" | "network_error" | "insufficient_system_resource" | "abort" => {
            return Err(error::stopped(reason, Blame::Upstream));
        }
        _ => Stop::Other(reason.to_owned()),
    })
}

/// Where `raw`, which was read from `data`, stands in it.
fn range_in(data: &[u8], raw: Json<'_>) -> std::ops::Range<usize> {
    let at = raw.get().as_ptr().addr() - data.as_ptr().addr();
    at..at + raw.get().len()
}
