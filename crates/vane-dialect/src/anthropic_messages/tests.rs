//! Cases from the contract, and properties over what the dialect can express.

use super::{request, response, stream};
use crate::answer::Answer;
use crate::call::{Call, Chat};
use crate::event::Event;
use crate::exchange::{Asked, Encoded, Reply, Target};
use crate::fault::Fault;
use crate::frame::sse::{Frame, Splitter};
use crate::notes::Notes;
use crate::quirk::{Quirk, Quirks};
use crate::seal::Plain;
use std::sync::Arc;

mod calls;
mod errors;
mod properties;
mod requests;
mod streams;

fn decode(body: &str) -> Chat {
    match request::decode(body.as_bytes(), &Plain) {
        Ok(Call::Chat(chat)) => *chat,
        other => panic!("{other:?}"),
    }
}

fn target(quirks: &[Quirk]) -> Target<'static> {
    Target {
        model: "claude",
        provider: "anthropic",
        quirks: quirks.iter().copied().collect::<Quirks>(),
        max_output: Some(8000),
        seal: &Plain,
    }
}

fn encode_for(chat: &Chat, target: &Target<'_>) -> (Encoded, String, Vec<String>) {
    let mut notes = Notes::default();
    let encoded = request::encode(chat, target, &mut notes).unwrap();
    let body = String::from_utf8(encoded.body.clone()).unwrap();
    let _: serde_json::Value = serde_json::from_str(&body).unwrap();
    (encoded, body, notes.dropped().to_vec())
}

/// The body for Anthropic, and what was dropped.
fn encode(chat: &Chat) -> (String, Vec<String>) {
    let (_, body, dropped) = encode_for(chat, &target(&[]));
    (body, dropped)
}

fn reply(body: &str) -> Reply {
    Reply {
        call: Arc::new(Call::Chat(Box::new(decode(body)))),
        id: "msg_ours".to_owned(),
        now: 1,
        provider: "lab".to_owned(),
        seal: Arc::new(Plain),
    }
}

fn plain_reply() -> Reply {
    reply(r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#)
}

/// Events of a stream whose bytes came in the given chunks.
fn events_of(chunks: &[&[u8]], asked: &Asked) -> Result<Vec<Event<'static>>, Fault> {
    let mut splitter = Splitter::new(1 << 20);
    let mut decoder = stream::Decoder::new(asked.clone());
    let mut events = Vec::new();
    for chunk in chunks {
        splitter
            .push(bytes::Bytes::copy_from_slice(chunk))
            .map_err(|_| Fault::protocol("too long"))?;
        while let Some(range) = splitter.next_frame() {
            decoder.push(&Frame::parse(&splitter.buffer()[range]), &mut events)?;
        }
    }
    let rest = splitter.rest();
    decoder.push(&Frame::parse(&rest), &mut events)?;
    decoder.finish(&mut events)?;
    Ok(events)
}

fn answer_of(events: Vec<Event<'static>>) -> Answer {
    use crate::event::Sink;
    let mut answer = Answer::default();
    for event in events {
        answer.event(event);
    }
    answer
}

fn streamed(text: &str) -> Result<Answer, Fault> {
    events_of(&[text.as_bytes()], &Asked::default()).map(answer_of)
}

fn whole(body: &str) -> Result<Answer, Fault> {
    let mut answer = Answer::default();
    response::decode(body.as_bytes(), &Asked::default(), &mut answer)?;
    Ok(answer)
}

/// The frames that tell a client of `answer`.
fn frames_of(answer: &Answer, reply: Reply, cost: Option<&str>) -> String {
    let mut encoder = stream::Encoder::new(reply);
    let mut events: Vec<Event<'static>> = Vec::new();
    answer.replay(&mut events);
    let mut out = Vec::new();
    for event in &events {
        encoder.push(event, &mut out);
    }
    encoder.finish(cost, &mut out);
    String::from_utf8(out).unwrap()
}
