//! A whole answer as Mistral's SDKs read it.

use crate::answer::Answer;
use crate::block::{Block, Reasoning, ToolUse};
use crate::dialect::Dialect;
use crate::exchange::Reply;
use crate::json;
use crate::mistral_chat::members::{Members, list};
use crate::mistral_chat::parts::{
    created, finish_reason, or, prefill, text, text_part, thinking_part, tool_call,
};
use crate::mistral_chat::usage;

pub(crate) fn encode(answer: &Answer, reply: &Reply, cost: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut members = Members::open(&mut out);
    members.text("id", or(&answer.id, &reply.id));
    members.text("object", "chat.completion");
    members.value("created", &created(answer.created, reply));
    members.text("model", or(&answer.model, reply.call.model()));
    list(members.key("choices"), [()], |out, ()| {
        let mut choice = Members::open(out);
        choice.value("index", &0);
        message(choice.key("message"), answer, reply);
        choice.text("finish_reason", finish_reason(&answer.stop));
        choice.close();
    });
    usage::write(members.key("usage"), &answer.usage, cost);
    members.close();
    out
}

fn message(out: &mut Vec<u8>, answer: &Answer, reply: &Reply) {
    let calls: Vec<&ToolUse> = answer.blocks.iter().filter_map(tool_use).collect();
    let mut message = Members::open(out);
    message.text("role", "assistant");
    content(message.key("content"), answer, reply);
    if calls.is_empty() {
        message.value("tool_calls", &None::<()>);
    } else {
        list(
            message.key("tool_calls"),
            (0_u64..).zip(calls),
            |out, (index, tool)| {
                tool_call(out, index, &tool.id, &tool.name, &tool.arguments);
            },
        );
    }
    message.value("prefix", &false);
    message.close();
}

/// A string where all is text, else a list of parts; it begins with the text that the client
/// prefilled.
fn content(out: &mut Vec<u8>, answer: &Answer, reply: &Reply) {
    let mut prefix = prefill(reply);
    let parts = answer.blocks.iter().any(|block| match block {
        Block::Reasoning(_) => true,
        Block::Opaque(opaque) => opaque.dialect == Dialect::MistralChat,
        Block::Text(_) | Block::Refusal(_) | Block::ToolUse(_) | Block::ToolResult(_) => false,
        Block::Image(_) | Block::Document(_) | Block::Audio(_) => false,
    });
    if !parts {
        let texts = answer.blocks.iter().filter_map(text);
        json::string(out, &(prefix + &texts.collect::<String>()));
        return;
    }
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    for block in &answer.blocks {
        let mut piece = Vec::new();
        if let Some(text) = text(block) {
            text_part(&mut piece, &(std::mem::take(&mut prefix) + text));
        } else if let Block::Reasoning(reasoning) = block {
            thinking(&mut piece, reasoning, reply);
        } else if let Block::Opaque(opaque) = block
            && opaque.dialect == Dialect::MistralChat
        {
            piece.extend_from_slice(opaque.raw.get().as_bytes());
        } else {
            continue;
        }
        pieces.push(piece);
    }
    if !prefix.is_empty() {
        let mut piece = Vec::new();
        text_part(&mut piece, &prefix);
        pieces.push(piece);
    }
    list(out, pieces, |out, piece| out.extend_from_slice(&piece));
}

fn thinking(out: &mut Vec<u8>, reasoning: &Reasoning, reply: &Reply) {
    let state = reasoning.state.as_ref();
    let signature =
        state.map(|state| reply.seal(Dialect::MistralChat, Some(state), &reasoning.text));
    thinking_part(out, &reasoning.text, signature.as_deref());
}

const fn tool_use(block: &Block) -> Option<&ToolUse> {
    match block {
        Block::ToolUse(tool) => Some(tool),
        Block::Text(_)
        | Block::Refusal(_)
        | Block::Reasoning(_)
        | Block::ToolResult(_)
        | Block::Image(_)
        | Block::Document(_)
        | Block::Audio(_)
        | Block::Opaque(_) => None,
    }
}
