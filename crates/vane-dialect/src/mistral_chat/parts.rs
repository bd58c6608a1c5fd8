//! The pieces of an answer that its whole and its streamed form have in common.

use super::members::{Members, list};
use crate::block::Block;
use crate::call::Call;
use crate::event::Stop;
use crate::exchange::Reply;

pub(super) fn text_part(out: &mut Vec<u8>, text: &str) {
    let mut part = Members::open(out);
    part.text("type", "text");
    part.text("text", text);
    part.close();
}

pub(super) fn thinking_part(out: &mut Vec<u8>, text: &str, signature: Option<&str>) {
    let mut part = Members::open(out);
    part.text("type", "thinking");
    let text = Some(text).filter(|text| !text.is_empty());
    list(part.key("thinking"), text, text_part);
    part.maybe("signature", signature.as_ref());
    part.close();
}

pub(super) fn tool_call(out: &mut Vec<u8>, index: u64, id: &str, name: &str, arguments: &str) {
    let mut call = Members::open(out);
    call.text("id", id);
    call.text("type", "function");
    call.value("index", &index);
    let mut function = Members::open(call.key("function"));
    function.text("name", name);
    function.text("arguments", arguments);
    function.close();
    call.close();
}

/// The text that the client prefilled: its answer begins with it.
pub(super) fn prefill(reply: &Reply) -> String {
    let Call::Chat(chat) = &*reply.call else {
        return String::new();
    };
    match chat.turns.last() {
        Some(turn) if turn.prefill => turn.blocks.iter().filter_map(text).collect(),
        Some(_) | None => String::new(),
    }
}

pub(super) const fn finish_reason(stop: &Stop) -> &'static str {
    match stop {
        Stop::MaxOutput => "length",
        Stop::Context => "model_length",
        Stop::ToolUse => "tool_calls",
        // Mistral has no word for these, and its SDKs know a fixed set.
        Stop::End | Stop::Sequence(_) | Stop::Refusal | Stop::Pause | Stop::Other(_) => "stop",
    }
}

pub(super) fn created(created: u64, reply: &Reply) -> u64 {
    if created == 0 { reply.now } else { created }
}

pub(super) const fn or<'t>(text: &'t str, instead: &'t str) -> &'t str {
    if text.is_empty() { instead } else { text }
}

/// Writes a delta's content as a list of one part.
pub(super) fn content_part(delta: &mut Members<'_>, part: impl Fn(&mut Vec<u8>)) {
    list(delta.key("content"), [()], |out, ()| part(out));
}

/// The words of a block that is text to Mistral.
pub(super) fn text(block: &Block) -> Option<&str> {
    match block {
        Block::Text(text) => Some(&text.text),
        Block::Refusal(text) => Some(text),
        Block::Reasoning(_)
        | Block::ToolUse(_)
        | Block::ToolResult(_)
        | Block::Image(_)
        | Block::Document(_)
        | Block::Audio(_)
        | Block::Opaque(_) => None,
    }
}
