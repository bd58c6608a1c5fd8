mod answers;
mod calls;
mod errors;
mod properties;
mod requests;
mod streams;
mod taken;
mod thoughts;

use crate::answer::Answer;
use crate::call::{Call, Chat};
use crate::event::{Event, Sink};
use crate::exchange::{Asked, Reply, Seen, Target};
use crate::fault::Fault;
use crate::frame::sse::{Frame, Splitter};
use crate::notes::Notes;
use crate::openai_chat::{request, response, stream};
use crate::quirk::{Quirk, Quirks};
use crate::seal::Plain;
use bytes::Bytes;
use serde_json::Value;
use std::sync::Arc;

pub(super) fn chat(body: &str) -> Chat {
    match request::decode(body.as_bytes(), &Plain).unwrap() {
        Call::Chat(chat) => *chat,
        other => panic!("{other:?}"),
    }
}

pub(super) fn quirks(list: &[Quirk]) -> Quirks {
    list.iter().copied().collect()
}

pub(super) struct Sent {
    pub(super) text: String,
    pub(super) json: Value,
    pub(super) asked: Asked,
    pub(super) dropped: Vec<String>,
}

pub(super) fn target() -> Target<'static> {
    Target {
        model: "up",
        provider: "lab",
        quirks: Quirks::default(),
        max_output: None,
        seal: &Plain,
    }
}

pub(super) fn send(chat: &Chat, list: &[Quirk]) -> Sent {
    let quirks = quirks(list);
    send_to(chat, &Target { quirks, ..target() })
}

pub(super) fn send_to(chat: &Chat, target: &Target<'_>) -> Sent {
    let mut notes = Notes::default();
    let encoded = request::encode(chat, target, &mut notes).unwrap();
    let text = String::from_utf8(encoded.body).unwrap();
    Sent {
        json: serde_json::from_str(&text).unwrap(),
        text,
        asked: encoded.asked,
        dropped: notes.dropped().to_vec(),
    }
}

/// Events and what the byte path would learn, over any chunking of the bytes.
pub(super) fn run(
    chunks: &[&[u8]],
    asked: &Asked,
    sink: &mut dyn Sink,
) -> Result<Vec<Seen>, Fault> {
    let mut splitter = Splitter::new(1 << 20);
    let mut decoder = stream::Decoder::new(asked.clone());
    let mut seen = Vec::new();
    for chunk in chunks {
        splitter.push(Bytes::copy_from_slice(chunk)).unwrap();
        while let Some(range) = splitter.next_frame() {
            let buffer = splitter.buffer().clone();
            seen.push(decoder.push(&Frame::parse(&buffer[range]), sink)?);
        }
    }
    let rest = splitter.rest();
    seen.push(decoder.push(&Frame::parse(&rest), sink)?);
    decoder.finish(sink)?;
    Ok(seen)
}

pub(super) fn streamed(data: &[&str]) -> Result<Answer, Fault> {
    let bytes: String = data
        .iter()
        .map(|data| format!("data: {data}\n\n"))
        .collect();
    let mut answer = Answer::default();
    run(&[bytes.as_bytes()], &Asked::default(), &mut answer).map(|_| answer)
}

pub(super) fn whole(body: &str) -> Result<Answer, Fault> {
    let mut answer = Answer::default();
    response::decode(body.as_bytes(), &Asked::default(), &mut answer).map(|_| answer)
}

pub(super) fn reply(chat: Chat) -> Reply {
    Reply {
        call: Arc::new(Call::Chat(Box::new(chat))),
        id: "chatcmpl-1".into(),
        now: 7,
        provider: "lab".into(),
        seal: Arc::new(Plain),
    }
}

/// The `data` of each frame of the answer as a client would see it.
pub(super) fn encoded_stream(answer: &Answer, chat: Chat, cost: Option<&str>) -> Vec<String> {
    let mut encoder = stream::Encoder::new(reply(chat));
    let mut events: Vec<Event<'static>> = Vec::new();
    answer.replay(&mut events);
    let mut out = Vec::new();
    for event in &events {
        encoder.push(event, &mut out);
    }
    encoder.finish(cost, &mut out);
    let text = String::from_utf8(out).unwrap();
    let frames = text.split_terminator("\n\n");
    frames
        .map(|frame| frame.strip_prefix("data: ").unwrap().to_owned())
        .collect()
}
