//! Whole chat answers.

use super::error;
use super::reading::{Form, Reading};
use super::usage;
use crate::answer::Answer;
use crate::block::{Block, Reasoning, ToolForm, ToolUse};
use crate::call::Call;
use crate::cite::{self, Citation};
use crate::dialect::Dialect;
use crate::event::{Sink, Stop};
use crate::exchange::{Asked, Reply, Seen};
use crate::fault::Fault;
use crate::json;
use std::ops::Range;

pub(crate) fn decode(body: &[u8], asked: &Asked, sink: &mut dyn Sink) -> Result<Seen, Fault> {
    if body.trim_ascii().is_empty() {
        return Err(error::garbage(body));
    }
    let mut reading = Reading::new(asked.clone(), Form::Whole);
    let seen = reading.chunk(body, sink)?;
    if !reading.has_choice() {
        return Err(error::garbage(body));
    }
    reading.end(sink)?;
    Ok(Seen { last: true, ..seen })
}

pub(crate) fn encode(answer: &Answer, reply: &Reply, cost: Option<&str>) -> Vec<u8> {
    let old_functions = matches!(&*reply.call, Call::Chat(chat) if chat.old_functions);
    let (id, model) = (&answer.id, &answer.model);
    let mut out = head("chat.completion", id, model, answer.created, reply);
    out.extend_from_slice(br#""choices":[{"index":0,"message":{"role":"assistant","content":"#);
    let blocks = &answer.blocks;
    join(&mut out, blocks, |block| match block {
        Block::Text(text) => Some(&text.text),
        _ => None,
    });
    out.extend_from_slice(br#","refusal":"#);
    join(&mut out, blocks, |block| match block {
        Block::Refusal(text) => Some(text),
        _ => None,
    });
    write_annotations(&mut out, blocks);
    let thoughts = blocks.iter().filter_map(|block| match block {
        Block::Reasoning(reasoning) => Some(reasoning),
        _ => None,
    });
    write_thoughts(&mut out, &thoughts.collect::<Vec<_>>(), reply);
    let calls = blocks.iter().filter_map(|block| match block {
        Block::ToolUse(call) => Some(call),
        _ => None,
    });
    write_calls(&mut out, &calls.collect::<Vec<_>>(), old_functions);
    out.extend_from_slice(br#"},"logprobs":null,"finish_reason":"#);
    let refused = blocks
        .iter()
        .any(|block| matches!(block, Block::Refusal(_)));
    json::string(
        &mut out,
        finish_reason(&answer.stop, refused, old_functions),
    );
    out.extend_from_slice(br#"}],"usage":"#);
    usage::write(&mut out, &answer.usage, cost);
    if let Some(tier) = usage::tier_name(answer.usage.served) {
        out.extend_from_slice(br#","service_tier":"#);
        json::string(&mut out, tier);
    }
    out.push(b'}');
    out
}

/// An answer's members up to its choices.
pub(crate) fn head(object: &str, id: &str, model: &str, created: u64, reply: &Reply) -> Vec<u8> {
    fn or<'t>(text: &'t str, other: &'t str) -> &'t str {
        if text.is_empty() { other } else { text }
    }
    let created = if created == 0 { reply.now } else { created };
    let (id, model) = (or(id, &reply.id), or(model, reply.call.model()));
    head_of(object, id, model, created)
}

/// As [`head`], of what the upstream said.
pub(crate) fn head_of(object: &str, id: &str, model: &str, created: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(b"{\"id\":");
    json::string(&mut out, id);
    out.extend_from_slice(b",\"object\":");
    json::string(&mut out, object);
    out.extend_from_slice(b",\"created\":");
    json::number(&mut out, created);
    out.extend_from_slice(b",\"model\":");
    json::string(&mut out, model);
    out.push(b',');
    out
}

/// `refused`: the model declined in words, which in this dialect is a plain stop.
pub(crate) const fn finish_reason(stop: &Stop, refused: bool, old_functions: bool) -> &'static str {
    match stop {
        Stop::ToolUse if old_functions => "function_call",
        Stop::ToolUse => "tool_calls",
        Stop::MaxOutput | Stop::Context => "length",
        Stop::Refusal if !refused => "content_filter",
        // Typed clients know no other names.
        Stop::End | Stop::Sequence(_) | Stop::Pause | Stop::Refusal | Stop::Other(_) => "stop",
    }
}

/// An entry of `reasoning_details`.
pub(super) fn detail(out: &mut Vec<u8>, index: u64, data: &str) {
    out.extend_from_slice(b"{\"type\":\"reasoning.encrypted\",\"index\":");
    json::number(out, index);
    out.extend_from_slice(b",\"data\":");
    json::string(out, data);
    out.push(b'}');
}

/// The rest of a tool-call object after its brace (and its index, in a stream).
pub(super) fn tool_call(out: &mut Vec<u8>, id: &str, name: &str, form: ToolForm, arguments: &str) {
    out.extend_from_slice(b"\"id\":");
    json::string(out, id);
    match form {
        ToolForm::Function => {
            out.extend_from_slice(br#","type":"function","function":"#);
            named(out, "arguments", name, arguments);
        }
        ToolForm::Custom => {
            out.extend_from_slice(br#","type":"custom","custom":"#);
            named(out, "input", name, arguments);
        }
    }
    out.push(b'}');
}

/// A name and its arguments (or input) as an object.
pub(super) fn named(out: &mut Vec<u8>, key: &str, name: &str, arguments: &str) {
    out.extend_from_slice(b"{\"name\":");
    json::string(out, name);
    out.push(b',');
    json::string(out, key);
    out.push(b':');
    json::string(out, arguments);
    out.push(b'}');
}

/// Writes the texts that `pick` finds as one string, or `null`.
fn join<'a>(
    out: &mut Vec<u8>,
    blocks: &'a [Block],
    pick: impl Fn(&'a Block) -> Option<&'a String>,
) {
    let found: Vec<&str> = blocks.iter().filter_map(pick).map(String::as_str).collect();
    if found.is_empty() {
        return out.extend_from_slice(b"null");
    }
    json::string(out, &found.concat());
}

/// An annotation of the text that stands at these characters of the whole content.
/// Writes a citation of a text; in streams with its `number`, by which SDKs add deltas up.
pub(super) fn annotation(
    out: &mut Vec<u8>,
    number: Option<u64>,
    citation: &Citation,
    text: &Range<u64>,
) {
    out.push(b'{');
    if let Some(number) = number {
        out.extend_from_slice(format!("\"index\":{number},").as_bytes());
    }
    out.extend_from_slice(br#""type":"url_citation","url_citation":{"#);
    citation.write(out, text.start, text.end - text.start);
    out.extend_from_slice(b"}}");
}

fn write_annotations(out: &mut Vec<u8>, blocks: &[Block]) {
    let (mut from, mut first) = (0, true);
    for block in blocks {
        let Block::Text(text) = block else { continue };
        let at = from..from + cite::length(&text.text);
        from = at.end;
        for citation in &text.citations {
            out.extend_from_slice(if first { br#","annotations":["# } else { b"," });
            annotation(out, None, citation, &at);
            first = false;
        }
    }
    if !first {
        out.push(b']');
    }
}

fn write_thoughts(out: &mut Vec<u8>, thoughts: &[&Reasoning], reply: &Reply) {
    if thoughts.is_empty() {
        return;
    }
    let texts: String = thoughts
        .iter()
        .map(|thought| thought.text.as_str())
        .collect();
    if !texts.is_empty() {
        out.extend_from_slice(br#","reasoning_content":"#);
        json::string(out, &texts);
    }
    out.extend_from_slice(br#","reasoning_details":["#);
    for (index, thought) in (0_u64..).zip(thoughts) {
        if index > 0 {
            out.push(b',');
        }
        detail(
            out,
            index,
            &reply.seal(Dialect::OpenaiChat, thought.state.as_ref(), &thought.text),
        );
    }
    out.push(b']');
}

fn write_calls(out: &mut Vec<u8>, calls: &[&ToolUse], old_functions: bool) {
    let Some(first) = calls.first() else { return };
    if old_functions {
        out.extend_from_slice(br#","function_call":"#);
        return named(out, "arguments", &first.name, &first.arguments);
    }
    out.extend_from_slice(br#","tool_calls":["#);
    for (at, call) in calls.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b"{" } else { b",{" });
        tool_call(out, &call.id, &call.name, call.form, &call.arguments);
    }
    out.push(b']');
}
