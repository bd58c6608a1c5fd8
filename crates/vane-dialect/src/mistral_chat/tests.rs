//! Cases of Mistral chat, written from the contract.

mod answers;
mod blocks;
mod door;
mod legal;
mod messages;
mod order;
mod properties;
mod replies;
mod requests;

use crate::answer::Answer;
use crate::call::{Call, Chat};
use crate::event::Event;
use crate::exchange::{Asked, Encoded, Reply, Target};
use crate::fault::Fault;
use crate::frame::sse::Frame;
use crate::notes::Notes;
use crate::quirk::{Quirk, Quirks};
use crate::seal::Plain;
use serde_json::Value;
use std::sync::Arc;

pub(super) fn target(quirks: &[Quirk]) -> Target<'static> {
    Target {
        model: "mistral-large",
        provider: "mistral",
        quirks: quirks.iter().copied().collect::<Quirks>(),
        max_output: None,
        seal: &Plain,
    }
}

/// Encodes, and gives the body as a value beside what was dropped.
pub(super) fn encode(chat: &Chat, quirks: &[Quirk]) -> (Value, Vec<String>, Encoded) {
    let mut notes = Notes::default();
    let encoded = super::request::encode(chat, &target(quirks), &mut notes).unwrap();
    let body = serde_json::from_slice(&encoded.body).unwrap();
    (body, notes.dropped().to_vec(), encoded)
}

pub(super) fn decode(body: &str) -> Chat {
    match super::request::decode(body.as_bytes(), &Plain).unwrap() {
        Call::Chat(chat) => *chat,
        Call::Fill(_) | Call::Embed(_) => panic!("not a chat"),
    }
}

pub(super) fn reply(call: Chat) -> Reply {
    Reply {
        call: Arc::new(Call::Chat(Box::new(call))),
        id: "vane-id".into(),
        now: 77,
        provider: "mistral".into(),
        seal: Arc::new(Plain),
    }
}

pub(super) fn unary(body: &str, asked: &Asked) -> Result<Answer, Fault> {
    let mut answer = Answer::default();
    super::response::decode(body.as_bytes(), asked, &mut answer)?;
    Ok(answer)
}

/// The events of a stream of data lines; `[DONE]` is the caller's to give.
pub(super) fn stream(frames: &[&str], asked: Asked) -> Result<Vec<Event<'static>>, Fault> {
    let mut decoder = super::stream::Decoder::new(asked);
    let mut events = Vec::new();
    for frame in frames {
        decoder.push(&Frame::of_data(frame.as_bytes()), &mut events)?;
    }
    decoder.finish(&mut events)?;
    Ok(events)
}

pub(super) fn collect(events: Vec<Event<'static>>) -> Answer {
    let mut answer = Answer::default();
    for event in events {
        crate::event::Sink::event(&mut answer, event);
    }
    answer
}
