//! Whole answers.

use super::blocks::Blocks;
use super::counts::{self, Counts};
use super::error;
use super::waived::waive;
use super::wire::{
    Members, answer_id, answer_model, has_tools, list, object_text, read_stop, wrapped, write_stop,
};
use crate::answer::Answer;
use crate::block::{Block, Reasoning, ToolForm, ToolUse};
use crate::call::{Call, Show};
use crate::dialect::Dialect;
use crate::event::{Event, Sink, Stop};
use crate::exchange::{Asked, Reply, Seen};
use crate::fault::Fault;
use crate::json::Str;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::ops::Range;

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<Str<'a>>,
    #[serde(borrow, default)]
    model: Option<Str<'a>>,
    #[serde(borrow, default)]
    content: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    stop_reason: Option<Str<'a>>,
    #[serde(borrow, default)]
    stop_sequence: Option<Str<'a>>,
    #[serde(borrow, default)]
    stop_details: Option<&'a RawValue>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

pub(crate) fn decode(body: &[u8], asked: &Asked, sink: &mut dyn Sink) -> Result<Seen, Fault> {
    let message: Message<'_> = match serde_json::from_slice(body) {
        Ok(message) => message,
        Err(_) => return Err(error::not_an_answer(body)),
    };
    let (None, Some(content)) = (message.error, &message.content) else {
        return Err(error::decode(200, body));
    };
    let mut blocks = Blocks::new(asked.clone());
    let text = |member: &Option<Str<'_>>| member.clone().map_or(String::new(), |Str(t)| t.into());
    blocks
        .sequencer
        .start(&text(&message.id), &text(&message.model), 0, sink);
    for (index, raw) in (0..).zip(content) {
        blocks.begin(index, raw, sink)?;
        blocks.end(index, sink)?;
    }
    let sequence = message.stop_sequence.as_ref().map(|Str(s)| s.as_ref());
    let stop = match &message.stop_reason {
        Some(Str(reason)) => read_stop(reason, sequence),
        None if blocks.sequencer.has_tools() => Stop::ToolUse,
        None => Stop::End,
    };
    let mut counts = Counts::default();
    if let Some(usage) = message.usage {
        counts.merge(usage);
    }
    waive(&mut counts, &blocks, &stop, message.stop_details);
    if message.usage.is_some() || counts.waived {
        sink.event(Event::Usage(counts.usage()));
    }
    blocks.sequencer.finish(stop, sink)?;
    Ok(Seen {
        usage: message.usage.and_then(|usage| range(body, usage)),
        usage_only: false,
        last: true,
        ..Seen::default()
    })
}

/// Where an object stands in the text that it was read from.
pub(super) fn range(whole: &[u8], raw: &RawValue) -> Option<Range<usize>> {
    place(whole, raw).filter(|_| raw.get().starts_with('{'))
}

/// Where a value stands in the text that it was read from.
pub(super) fn place(whole: &[u8], raw: &RawValue) -> Option<Range<usize>> {
    let text = raw.get();
    let start = (text.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let range = start..start + text.len();
    (range.end <= whole.len()).then_some(range)
}

pub(crate) fn encode(answer: &Answer, reply: &Reply, cost: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    let mut members = Members::open(&mut out);
    members.text("id", answer_id(&answer.id, reply));
    members.raw("type", r#""message""#);
    members.raw("role", r#""assistant""#);
    members.text("model", answer_model(&answer.model, reply));
    let mut shown: Vec<&Block> = answer.blocks.iter().filter(|b| is_shown(b)).collect();
    // Readers take the last block for the answer.
    while shown.len() > 1 && shown.last().is_some_and(|block| is_silent(block)) {
        shown.pop();
    }
    list(members.key("content"), shown, |out, shown| {
        block(shown, reply, out);
    });
    let refused = |block: &Block| matches!(block, Block::Refusal(_));
    let stop = stop_of(&answer.stop, answer.blocks.iter().any(refused), reply);
    write_stop(&mut members, &stop, has_tools(answer));
    counts::write(members.key("usage"), &answer.usage, cost);
    members.close();
    out
}

/// The stop as this dialect knows it: with the stop string where the upstream does not say which
/// and there was only one; a refusal where only the words of the answer said so.
pub(super) fn stop_of(stop: &Stop, is_refused: bool, reply: &Reply) -> Stop {
    match (stop, &*reply.call) {
        (Stop::End, _) if is_refused => Stop::Refusal,
        (Stop::Sequence(None), Call::Chat(chat)) => match chat.sampling.stop.as_slice() {
            [only] => Stop::Sequence(Some(only.clone())),
            [] | [_, ..] => Stop::End,
        },
        _ => stop.clone(),
    }
}

/// Whether the client asked for signatures without the text of the thoughts.
pub(super) fn thoughts_are_omitted(reply: &Reply) -> bool {
    matches!(&*reply.call, Call::Chat(chat) if chat.reasoning.show == Some(Show::Omitted))
}

/// Whether a client of this dialect can be shown the block.
fn is_shown(block: &Block) -> bool {
    match block {
        Block::Opaque(opaque) => opaque.dialect == Dialect::AnthropicMessages,
        // A client that gave back an empty text would be refused.
        Block::Text(text) => !text.text.is_empty(),
        Block::Refusal(_) | Block::Reasoning(_) | Block::ToolUse(_) => true,
        Block::ToolResult(_) | Block::Image(_) | Block::Document(_) | Block::Audio(_) => false,
    }
}

/// Whether the block is state alone.
fn is_silent(block: &Block) -> bool {
    matches!(block, Block::Reasoning(Reasoning { text, state: Some(_) }) if text.is_empty())
}

fn block(block: &Block, reply: &Reply, out: &mut Vec<u8>) {
    let mut members = match block {
        Block::Opaque(opaque) => {
            out.extend_from_slice(opaque.raw.get().as_bytes());
            return;
        }
        Block::Text(_)
        | Block::Refusal(_)
        | Block::Reasoning(_)
        | Block::ToolUse(_)
        | Block::ToolResult(_)
        | Block::Image(_)
        | Block::Document(_)
        | Block::Audio(_) => Members::open(out),
    };
    match block {
        Block::Text(text) => plain(&text.text, &mut members),
        Block::Refusal(text) => plain(text, &mut members),
        Block::Reasoning(thought) => reasoning(thought, reply, &mut members),
        Block::ToolUse(tool) => tool_use(tool, &mut members),
        Block::ToolResult(_)
        | Block::Image(_)
        | Block::Document(_)
        | Block::Audio(_)
        | Block::Opaque(_) => {}
    }
    members.close();
}

fn plain(text: &str, members: &mut Members<'_>) {
    members.text("type", "text");
    members.text("text", text);
}

fn reasoning(thought: &Reasoning, reply: &Reply, members: &mut Members<'_>) {
    let state = thought.state.as_ref();
    let sealed = reply.seal(Dialect::AnthropicMessages, state, &thought.text);
    if state.is_some_and(|state| state.redacted) && thought.text.is_empty() {
        members.text("type", "redacted_thinking");
        members.text("data", &sealed);
        return;
    }
    members.text("type", "thinking");
    let shown = if thoughts_are_omitted(reply) {
        ""
    } else {
        &thought.text
    };
    members.text("thinking", shown);
    members.text("signature", &sealed);
}

fn tool_use(tool: &ToolUse, members: &mut Members<'_>) {
    members.text("type", "tool_use");
    members.text("id", &tool.id);
    members.text("name", &tool.name);
    match tool.form {
        ToolForm::Function => members.raw("input", &object_text(&tool.arguments)),
        ToolForm::Custom => {
            members.raw(
                "input",
                &wrapped(super::wire::CUSTOM_INPUT, &tool.arguments),
            );
        }
    }
}
