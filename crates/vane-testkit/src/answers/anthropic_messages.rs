//! Anthropic messages, and its token counter.

use super::{Frame, Piece, Said, pieces, quoted, signature};
use crate::script::Part;
use crate::shape::Tools;

pub(crate) fn unary(said: &Said<'_>) -> String {
    let blocks: Vec<String> = said.parts.iter().map(block).collect();
    let unknown = if said.answer.shape.unknown_block {
        UNKNOWN_BLOCK
    } else {
        ""
    };
    let content = format!("{unknown}{}", blocks.join(","));
    message(
        said,
        &content,
        &said.finish("end_turn", "tool_use"),
        &usage(said, said.usage.completion),
    )
}

pub(crate) fn count(said: &Said<'_>) -> String {
    format!(r#"{{"input_tokens":{}}}"#, said.usage.prompt)
}

const UNKNOWN_BLOCK: &str = r#"{"type":"hologram","data":"?"},"#;

fn block(part: &Part) -> String {
    match part {
        Part::Text(text) => format!(r#"{{"type":"text","text":{}}}"#, quoted(text)),
        Part::Reasoning(text) => format!(
            r#"{{"type":"thinking","thinking":{},"signature":{}}}"#,
            quoted(text),
            quoted(&signature(text))
        ),
        Part::Redacted(data) => {
            format!(r#"{{"type":"redacted_thinking","data":{}}}"#, quoted(data))
        }
        Part::Tool {
            id,
            name,
            arguments,
        } => {
            let (id, name) = (quoted(id), quoted(name));
            format!(r#"{{"type":"tool_use","id":{id},"name":{name},"input":{arguments}}}"#)
        }
    }
}

fn message(said: &Said<'_>, content: &str, stop: &str, usage: &str) -> String {
    let (number, model) = (said.number, said.model());
    format!(
        r#"{{"id":"msg_fake{number:016}","type":"message","role":"assistant","model":{model},"content":[{content}],"stop_reason":{stop},"stop_sequence":null,"stop_details":null,"usage":{usage}}}"#
    )
}

pub(crate) fn frames(said: &Said<'_>) -> Vec<Frame> {
    let start = message(said, "", "null", &usage(said, 1));
    let mut frames = vec![
        Frame::named(
            "message_start",
            format!(r#"{{"type":"message_start","message":{start}}}"#),
        ),
        Frame::named("ping", r#"{"type":"ping"}"#.into()),
    ];
    let mut index = 0;
    if said.answer.shape.unknown_block {
        frames.push(started(index, UNKNOWN_BLOCK.trim_end_matches(',')));
        frames.push(delta(index, r#"{"type":"hologram_delta","data":"!"}"#));
        frames.push(stopped(index));
        index += 1;
    }
    for part in &said.parts {
        frames.extend(block_frames(said, part, index));
        index += 1;
    }
    let stop = said.finish("end_turn", "tool_use");
    let usage = usage(said, said.usage.completion);
    frames.push(Frame::named(
        "message_delta",
        format!(
            r#"{{"type":"message_delta","delta":{{"stop_reason":{stop},"stop_sequence":null,"stop_details":null}},"usage":{usage}}}"#
        ),
    ));
    if !said.answer.shape.no_done {
        frames.push(Frame::named(
            "message_stop",
            r#"{"type":"message_stop"}"#.into(),
        ));
    }
    frames
}

/// One block from its start to its stop. Blocks never overlap here, whatever the shape.
fn block_frames(said: &Said<'_>, part: &Part, index: usize) -> Vec<Frame> {
    let tools = match said.answer.shape.tools {
        Some(Tools::Whole | Tools::FinalOnly) => Tools::Whole,
        Some(Tools::Pieces | Tools::Interleaved) | None => Tools::Pieces,
    };
    let mut frames = Vec::new();
    match part {
        Part::Text(_) => frames.push(started(index, r#"{"type":"text","text":""}"#)),
        Part::Reasoning(_) => {
            frames.push(started(
                index,
                r#"{"type":"thinking","thinking":"","signature":""}"#,
            ));
        }
        Part::Redacted(_) => frames.push(started(index, &block(part))),
        Part::Tool { id, name, .. } => {
            let (id, name) = (quoted(id), quoted(name));
            let block = format!(r#"{{"type":"tool_use","id":{id},"name":{name},"input":{{}}}}"#);
            frames.push(started(index, &block));
        }
    }
    for piece in pieces(std::slice::from_ref(part), tools) {
        let body = match piece {
            Piece::Text(text) => format!(r#"{{"type":"text_delta","text":{}}}"#, quoted(text)),
            Piece::Reasoning(text) => {
                format!(r#"{{"type":"thinking_delta","thinking":{}}}"#, quoted(text))
            }
            Piece::ReasoningEnd(text) => format!(
                r#"{{"type":"signature_delta","signature":{}}}"#,
                quoted(&signature(text))
            ),
            // The start is followed by an empty delta, as the real service sends it.
            Piece::Call {
                arguments: text, ..
            }
            | Piece::Arguments { text, .. } => {
                format!(
                    r#"{{"type":"input_json_delta","partial_json":{}}}"#,
                    quoted(text)
                )
            }
            Piece::Redacted(_) | Piece::CallEnd { .. } => continue,
        };
        frames.push(delta(index, &body));
    }
    frames.push(stopped(index));
    frames
}

fn started(index: usize, block: &str) -> Frame {
    let data =
        format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#);
    Frame::named("content_block_start", data)
}

fn delta(index: usize, delta: &str) -> Frame {
    let data = format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#);
    Frame::named("content_block_delta", data)
}

fn stopped(index: usize) -> Frame {
    let data = format!(r#"{{"type":"content_block_stop","index":{index}}}"#);
    Frame::named("content_block_stop", data)
}

/// Exclusive counts: `input_tokens` is what neither came from nor went to the cache.
fn usage(said: &Said<'_>, output: u64) -> String {
    let usage = said.usage;
    let (read, write) = (usage.cached, usage.cache_write);
    let input = usage.prompt.saturating_sub(read).saturating_sub(write);
    let thinking = usage.reasoning.min(output);
    format!(
        r#"{{"input_tokens":{input},"cache_creation_input_tokens":{write},"cache_read_input_tokens":{read},"cache_creation":{{"ephemeral_5m_input_tokens":{write},"ephemeral_1h_input_tokens":0}},"output_tokens":{output},"output_tokens_details":{{"thinking_tokens":{thinking}}},"service_tier":"standard"}}"#
    )
}
