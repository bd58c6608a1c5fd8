//! OpenAI's legacy completions, also with a suffix (fill in the middle).

use super::{CREATED, Frame, Piece, Said, openai_chat, pieces, quoted};
use crate::shape::{Tools, UsageAt};

pub(crate) fn unary(said: &Said<'_>) -> String {
    let usage = format!(r#","usage":{}"#, openai_chat::usage(said.usage));
    object(
        said,
        &choice(&said.text(), &said.finish("stop", "stop")),
        &usage,
    )
}

pub(crate) fn frames(said: &Said<'_>) -> Vec<Frame> {
    let shape = &said.answer.shape;
    let pending = if said.ask.include_usage {
        r#","usage":null"#
    } else {
        ""
    };
    let mut frames: Vec<Frame> = pieces(&said.parts, Tools::Whole)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Text(text) => Some(object(said, &choice(text, "null"), pending)),
            _ => None,
        })
        .map(Frame::data)
        .collect();
    let usage = format!(r#","usage":{}"#, openai_chat::usage(said.usage));
    let on_finish = if shape.usage == UsageAt::OnFinish {
        usage.as_str()
    } else {
        pending
    };
    let finish = choice("", &said.finish("stop", "stop"));
    frames.push(Frame::data(object(said, &finish, on_finish)));
    let own =
        shape.usage == UsageAt::OwnChunk || shape.usage == UsageAt::Usual && said.ask.include_usage;
    if own {
        frames.push(Frame::data(object(said, "", &usage)));
    }
    if !shape.no_done {
        frames.push(Frame::data("[DONE]".into()));
    }
    frames
}

fn choice(text: &str, finish: &str) -> String {
    let text = quoted(text);
    format!(r#"{{"text":{text},"index":0,"logprobs":null,"finish_reason":{finish}}}"#)
}

fn object(said: &Said<'_>, choice: &str, usage: &str) -> String {
    let (number, model) = (said.number, said.model());
    format!(
        r#"{{"id":"cmpl-fake{number:08}","object":"text_completion","created":{CREATED},"model":{model},"choices":[{choice}]{usage}}}"#
    )
}
