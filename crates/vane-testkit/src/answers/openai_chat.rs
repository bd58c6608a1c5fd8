//! OpenAI chat completions, with the variations that its imitators show.

use super::{CREATED, Frame, Piece, Said, call_signature, pieces, quoted, signs_calls};
use crate::script::Usage;
use crate::shape::{Tools, UsageAt};

/// `{"id":...,"object":"chat.completion",...}`
pub(crate) fn unary(said: &Said<'_>) -> String {
    let (id, model, usage) = (id(said), said.model(), usage(said.usage));
    let finish = said.finish("stop", "tool_calls");
    let message = message(said);
    format!(
        r#"{{"id":{id},"object":"chat.completion","created":{CREATED},"model":{model},"choices":[{{"index":0,"message":{message},"logprobs":null,"finish_reason":{finish}}}],"usage":{usage},"service_tier":"default","system_fingerprint":"fp_fake"}}"#
    )
}

pub(crate) fn frames(said: &Said<'_>) -> Vec<Frame> {
    let shape = &said.answer.shape;
    let usual = if signs_calls(&said.ask.model) {
        Tools::Whole
    } else {
        Tools::Pieces
    };
    let mut cut = pieces(&said.parts, shape.tools.unwrap_or(usual));
    let mut last = "{}".to_owned();
    if let (true, Some(Piece::Text(text))) = (shape.text_on_finish, cut.last().copied()) {
        last = format!(r#"{{"content":{}}}"#, quoted(text));
        cut.pop();
    }
    let mut frames = vec![chunk(
        said,
        r#"{"role":"assistant","content":"","refusal":null}"#,
        None,
    )];
    if shape.unknown_block {
        frames.push(chunk(
            said,
            r#"{"hologram":{"type":"x_unknown","data":"?"}}"#,
            None,
        ));
    }
    for piece in cut {
        if let Some(delta) = delta(said, piece) {
            frames.push(chunk(said, &delta, None));
        }
    }
    frames.push(chunk(said, &last, Some(&said.finish("stop", "tool_calls"))));
    let own =
        shape.usage == UsageAt::OwnChunk || shape.usage == UsageAt::Usual && said.ask.include_usage;
    if own {
        let (id, model, usage) = (id(said), said.model(), usage(said.usage));
        frames.push(Frame::data(format!(
            r#"{{"id":{id},"object":"chat.completion.chunk","created":{CREATED},"model":{model},"service_tier":"default","system_fingerprint":"fp_fake","choices":[],"usage":{usage}}}"#
        )));
    }
    if !shape.no_done {
        frames.push(Frame::data("[DONE]".into()));
    }
    frames
}

fn id(said: &Said<'_>) -> String {
    format!(r#""chatcmpl-fake{:08}""#, said.number)
}

fn message(said: &Said<'_>) -> String {
    let shape = &said.answer.shape;
    let (text, reasoning, tools) = (said.text(), said.reasoning(), said.tools());
    let content = if text.is_empty() && !tools.is_empty() {
        "null".into()
    } else {
        quoted(&text)
    };
    let mut message = format!(r#"{{"role":"assistant","content":{content},"refusal":null"#);
    if !reasoning.is_empty() {
        message += &format!(r#","{}":{}"#, reasoning_field(said), quoted(&reasoning));
    }
    if !tools.is_empty() || shape.empty_tool_calls {
        let calls = tools
            .iter()
            .enumerate()
            .map(|(at, (id, name, arguments))| call(said, id, name, arguments, (at, false)));
        message += &format!(r#","tool_calls":[{}]"#, calls.collect::<Vec<_>>().join(","));
    }
    message + r#","annotations":[]}"#
}

fn reasoning_field<'a>(said: &Said<'a>) -> &'a str {
    said.answer
        .shape
        .reasoning_field
        .as_deref()
        .unwrap_or("reasoning_content")
}

/// A call by its place, which the calls of a stream say.
fn call(
    said: &Said<'_>,
    id: &str,
    name: &str,
    arguments: &str,
    (at, streamed): (usize, bool),
) -> String {
    let shape = &said.answer.shape;
    let signature = call_signature(said.ask, &said.parts).filter(|_| at == 0);
    let signed = signature.map_or_else(String::new, |signature| {
        format!(r#""extra_content":{{"google":{{"thought_signature":"{signature}"}}}},"#)
    });
    let index = if streamed {
        format!(r#""index":{at},"#)
    } else {
        String::new()
    };
    let kind = if shape.untyped_calls {
        ""
    } else {
        r#""type":"function","#
    };
    let (id, name) = (quoted(id), quoted(name));
    let arguments = if shape.object_arguments {
        arguments.to_owned()
    } else {
        quoted(arguments)
    };
    format!(
        r#"{{{signed}{index}"id":{id},{kind}"function":{{"name":{name},"arguments":{arguments}}}}}"#
    )
}

/// The delta of one piece; `None` for pieces that this dialect has no words for.
fn delta(said: &Said<'_>, piece: Piece<'_>) -> Option<String> {
    Some(match piece {
        Piece::Text(text) if said.answer.shape.empty_tool_calls => {
            format!(r#"{{"content":{},"tool_calls":[]}}"#, quoted(text))
        }
        Piece::Text(text) => format!(r#"{{"content":{}}}"#, quoted(text)),
        Piece::Reasoning(text) => {
            format!(r#"{{"{}":{}}}"#, reasoning_field(said), quoted(text))
        }
        Piece::Call {
            call: index,
            id,
            name,
            arguments,
        } => {
            let call = call(said, id, name, arguments, (index, true));
            format!(r#"{{"tool_calls":[{call}]}}"#)
        }
        Piece::Arguments { call, text } => format!(
            r#"{{"tool_calls":[{{"index":{call},"function":{{"arguments":{}}}}}]}}"#,
            quoted(text)
        ),
        Piece::ReasoningEnd(_) | Piece::Redacted(_) | Piece::CallEnd { .. } => return None,
    })
}

/// A chunk; `finish` is set on the last one that has a choice.
fn chunk(said: &Said<'_>, delta: &str, finish: Option<&str>) -> Frame {
    let shape = &said.answer.shape;
    let usage = match (shape.usage, finish) {
        (UsageAt::OnFinish, Some(_)) => format!(r#","usage":{}"#, usage(said.usage)),
        (UsageAt::Usual, _) if said.ask.include_usage => r#","usage":null"#.into(),
        _ => String::new(),
    };
    let padding = padding(shape.padding, delta);
    let (id, model, finish) = (id(said), said.model(), finish.unwrap_or("null"));
    Frame::data(format!(
        r#"{{"id":{id},"object":"chat.completion.chunk","created":{CREATED},"model":{model},"service_tier":"default","system_fingerprint":"fp_fake","choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}]{usage}{padding}}}"#
    ))
}

/// `,"p":"abc"`: a length that varies with the content, as the real ones do.
pub(crate) fn padding(wanted: bool, delta: &str) -> String {
    let letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    let length = delta.bytes().map(usize::from).sum::<usize>() % letters.len();
    if wanted {
        format!(r#","p":"{}""#, &letters[..length])
    } else {
        String::new()
    }
}

pub(crate) fn usage(usage: Usage) -> String {
    let Usage {
        prompt,
        completion,
        cached,
        cache_write,
        reasoning,
    } = usage;
    let total = prompt + completion;
    let written = if cache_write > 0 {
        format!(r#","cache_write_tokens":{cache_write}"#)
    } else {
        String::new()
    };
    format!(
        r#"{{"prompt_tokens":{prompt},"completion_tokens":{completion},"total_tokens":{total},"prompt_tokens_details":{{"cached_tokens":{cached}{written},"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":{reasoning},"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}}"#
    )
}
