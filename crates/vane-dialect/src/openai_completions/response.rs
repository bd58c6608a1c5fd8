//! Whole completions.

use crate::answer::Answer;
use crate::block::Block;
use crate::event::Sink;
use crate::exchange::{Asked, Reply, Seen};
use crate::fault::Fault;
use crate::json;
use crate::openai_chat::{response as chat, usage};

pub(crate) fn decode(body: &[u8], sink: &mut dyn Sink) -> Result<Seen, Fault> {
    chat::decode(body, &Asked::default(), sink)
}

pub(crate) fn encode(answer: &Answer, reply: &Reply, cost: Option<&str>) -> Vec<u8> {
    let (id, model) = (&answer.id, &answer.model);
    let mut out = chat::head("text_completion", id, model, answer.created, reply);
    let texts = answer.blocks.iter().filter_map(|block| match block {
        Block::Text(text) => Some(text.text.as_str()),
        _ => None,
    });
    out.extend_from_slice(br#""choices":[{"text":"#);
    json::string(&mut out, &texts.collect::<String>());
    out.extend_from_slice(br#","index":0,"logprobs":null,"finish_reason":"#);
    json::string(&mut out, chat::finish_reason(&answer.stop, false, false));
    out.extend_from_slice(br#"}],"usage":"#);
    usage::write(&mut out, &answer.usage, cost);
    out.push(b'}');
    out
}
