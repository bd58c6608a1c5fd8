//! Mistral chat and fill-in-the-middle: the same shape for both.
//!
//! As recorded: a `finish_reason` key on every chunk, usage on the finish chunk without asking, a
//! padding field `p`, tool calls whole, reasoning as a list of parts inside `content`.

use super::{CREATED, Frame, Piece, Said, openai_chat::padding, pieces, quoted};
use crate::shape::{Tools, UsageAt};

pub(crate) fn unary(said: &Said<'_>) -> String {
    let (number, model, usage) = (said.number, said.model(), usage(said));
    let finish = said.finish("stop", "tool_calls");
    let (text, reasoning) = (said.text(), said.reasoning());
    let content = if reasoning.is_empty() && !said.answer.shape.unknown_block {
        quoted(&text)
    } else {
        let unknown = said
            .answer
            .shape
            .unknown_block
            .then(|| UNKNOWN_PART.to_owned());
        let thinking = (!reasoning.is_empty()).then(|| thinking(&reasoning, ",\"closed\":true"));
        let text = format!(r#"{{"type":"text","text":{}}}"#, quoted(&text));
        let parts = unknown.into_iter().chain(thinking).chain([text]);
        format!("[{}]", parts.collect::<Vec<_>>().join(","))
    };
    let calls = match said.tools().as_slice() {
        [] if said.answer.shape.empty_tool_calls => "[]".into(),
        [] => "null".into(),
        tools => {
            let calls = tools.iter().enumerate();
            let calls = calls.map(|(at, (id, name, text))| call(said, at, id, name, text));
            format!("[{}]", calls.collect::<Vec<_>>().join(","))
        }
    };
    format!(
        r#"{{"id":"{number:032x}","created":{CREATED},"model":{model},"usage":{usage},"object":"chat.completion","choices":[{{"index":0,"finish_reason":{finish},"message":{{"role":"assistant","tool_calls":{calls},"content":{content}}}}}]}}"#
    )
}

const UNKNOWN_PART: &str = r#"{"type":"hologram","data":"?"}"#;

pub(crate) fn frames(said: &Said<'_>) -> Vec<Frame> {
    let shape = &said.answer.shape;
    let finish = said.finish("stop", "tool_calls");
    let mut deltas = vec![r#"{"role":"assistant","content":""}"#.to_owned()];
    if shape.unknown_block {
        deltas.push(format!(r#"{{"content":[{}]}}"#, UNKNOWN_PART));
    }
    deltas.extend(content_deltas(said));
    deltas.extend(call_deltas(said));
    // The calls, or the last text where asked, share a chunk with the finish reason.
    let shared = !said.tools().is_empty() || shape.text_on_finish;
    let last = if shared { deltas.pop() } else { None };
    let mut frames: Vec<Frame> = deltas
        .iter()
        .map(|delta| chunk(said, delta, None))
        .collect();
    let last = last.unwrap_or_else(|| r#"{"content":""}"#.into());
    frames.push(chunk(said, &last, Some(&finish)));
    if shape.usage == UsageAt::OwnChunk {
        let (number, model, usage) = (said.number, said.model(), usage(said));
        frames.push(Frame::data(format!(
            r#"{{"id":"{number:032x}","object":"chat.completion.chunk","created":{CREATED},"model":{model},"choices":[],"usage":{usage}}}"#
        )));
    }
    if !shape.no_done {
        frames.push(Frame::data("[DONE]".into()));
    }
    frames
}

/// Text and reasoning. The first text after reasoning shares a list with the closing part.
fn content_deltas(said: &Said<'_>) -> Vec<String> {
    let mut closing = false;
    let mut deltas = Vec::new();
    for piece in pieces(&said.parts, Tools::Whole) {
        match piece {
            Piece::Reasoning(text) => {
                deltas.push(format!(r#"{{"content":[{}]}}"#, thinking(text, "")));
            }
            Piece::ReasoningEnd(_) => closing = true,
            Piece::Text(text) if closing => {
                closing = false;
                let end = thinking("", ",\"closed\":true");
                let text = quoted(text);
                deltas.push(format!(
                    r#"{{"content":[{end},{{"type":"text","text":{text}}}]}}"#
                ));
            }
            Piece::Text(text) if said.answer.shape.empty_tool_calls => {
                deltas.push(format!(r#"{{"content":{},"tool_calls":[]}}"#, quoted(text)));
            }
            Piece::Text(text) => deltas.push(format!(r#"{{"content":{}}}"#, quoted(text))),
            _ => {}
        }
    }
    deltas
}

/// All calls in one delta, as the real service sends them, unless a shape says otherwise.
fn call_deltas(said: &Said<'_>) -> Vec<String> {
    let mut whole = Vec::new();
    let mut deltas = Vec::new();
    let cut = said.answer.shape.tools;
    for piece in pieces(&said.parts, cut.unwrap_or(Tools::Whole)) {
        match piece {
            Piece::Call {
                call: at,
                id,
                name,
                arguments,
            } if cut.is_none() => {
                whole.push(call(said, at, id, name, arguments));
            }
            Piece::Call {
                call: at,
                id,
                name,
                arguments,
            } => {
                let call = call(said, at, id, name, arguments);
                deltas.push(format!(r#"{{"content":"","tool_calls":[{call}]}}"#));
            }
            Piece::Arguments { call: at, text } => {
                // Continuations carry an empty name: the official reader wants the key.
                let text = quoted(text);
                deltas.push(format!(
                    r#"{{"content":"","tool_calls":[{{"index":{at},"function":{{"name":"","arguments":{text}}}}}]}}"#
                ));
            }
            _ => {}
        }
    }
    if !whole.is_empty() {
        deltas.push(format!(
            r#"{{"content":"","tool_calls":[{}]}}"#,
            whole.join(",")
        ));
    }
    deltas
}

fn thinking(text: &str, closed: &str) -> String {
    let text = quoted(text);
    format!(r#"{{"type":"thinking","thinking":[{{"type":"text","text":{text}}}]{closed}}}"#)
}

fn call(said: &Said<'_>, at: usize, id: &str, name: &str, arguments: &str) -> String {
    let shape = &said.answer.shape;
    let kind = if shape.untyped_calls {
        ""
    } else {
        r#""type":"function","#
    };
    let arguments = if shape.object_arguments {
        arguments.to_owned()
    } else {
        quoted(arguments)
    };
    let (id, name) = (quoted(id), quoted(name));
    format!(
        r#"{{"id":{id},{kind}"function":{{"name":{name},"arguments":{arguments}}},"index":{at}}}"#
    )
}

fn chunk(said: &Said<'_>, delta: &str, finish: Option<&str>) -> Frame {
    let at = said.answer.shape.usage;
    let with_usage = finish.is_some() && matches!(at, UsageAt::Usual | UsageAt::OnFinish);
    let usage = if with_usage {
        format!(r#","usage":{}"#, usage(said))
    } else {
        String::new()
    };
    let (number, model, finish) = (said.number, said.model(), finish.unwrap_or("null"));
    let padding = padding(true, delta);
    Frame::data(format!(
        r#"{{"id":"{number:032x}","object":"chat.completion.chunk","created":{CREATED},"model":{model}{usage},"choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]{padding}}}"#
    ))
}

fn usage(said: &Said<'_>) -> String {
    let usage = said.usage;
    let (prompt, completion) = (usage.prompt, usage.completion);
    let total = prompt + completion;
    let cached = usage.cached;
    let details = if cached > 0 {
        format!(
            r#","prompt_tokens_details":{{"cached_tokens":{cached}}},"num_cached_tokens":{cached}"#
        )
    } else {
        String::new()
    };
    format!(
        r#"{{"prompt_tokens":{prompt},"total_tokens":{total},"completion_tokens":{completion}{details}}}"#
    )
}
