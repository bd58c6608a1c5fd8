//! Cases written from the contract and from captures, never from our own encoder's output.

mod answers;
mod frames;
mod property;
mod requests;
mod streams;
mod taken;

use crate::Answer;
use crate::block::{Block, Text};
use crate::call::{Call, Chat, Role, Turn};
use crate::event::{Event, Sink};
use crate::exchange::{Asked, Encoded, Reply, Seen, Target};
use crate::fault::Fault;
use crate::frame::sse::Frame;
use crate::notes::Notes;
use crate::openai_responses::{request, response, stream};
use crate::quirk::{Quirk, Quirks};
use crate::seal::Plain;
use serde_json::Value;
use std::sync::Arc;

fn decoded(body: &str) -> Chat {
    match request::decode(body.as_bytes(), &Plain).unwrap() {
        Call::Chat(chat) => *chat,
        other => panic!("{other:?}"),
    }
}

fn refused(body: &str) -> Fault {
    request::decode(body.as_bytes(), &Plain).unwrap_err()
}

fn target(quirks: &[Quirk]) -> Target<'static> {
    Target {
        model: "gpt-5",
        provider: "openai",
        quirks: quirks.iter().copied().collect::<Quirks>(),
        max_output: None,
        seal: &Plain,
    }
}

fn encoded(chat: &Chat, quirks: &[Quirk]) -> (String, Vec<String>) {
    let (sent, _, dropped) = encoded_for(chat, &target(quirks));
    (sent, dropped)
}

fn encoded_for(chat: &Chat, target: &Target<'_>) -> (String, Asked, Vec<String>) {
    let mut notes = Notes::default();
    let Encoded { body, asked, .. } = request::encode(chat, target, &mut notes).unwrap();
    let text = String::from_utf8(body).unwrap();
    let _: Value = serde_json::from_str(&text).expect(&text);
    (text, asked, notes.dropped().to_vec())
}

fn user(text: &str) -> Turn {
    Turn::new(Role::User, vec![Block::Text(Text::plain(text))])
}

fn reply(chat: Chat) -> Reply {
    Reply {
        call: Arc::new(Call::Chat(Box::new(chat))),
        id: "req1".into(),
        now: 1_700_000_000,
        provider: "up".into(),
        seal: Arc::new(Plain),
    }
}

/// What a stream of data lines decodes to; `finish` included.
fn run(frames: &[&str]) -> (Vec<Event<'static>>, Seen, Result<(), Fault>) {
    run_asked(frames, Asked::default())
}

fn run_asked(frames: &[&str], asked: Asked) -> (Vec<Event<'static>>, Seen, Result<(), Fault>) {
    let mut decoder = stream::Decoder::new(asked);
    let mut events = Vec::new();
    let mut last = Seen::default();
    for frame in frames {
        match decoder.push(&Frame::of_data(frame.as_bytes()), &mut events) {
            Ok(seen) if seen.last => last = seen,
            Ok(_) => {}
            Err(fault) => return (events, last, Err(fault)),
        }
    }
    let end = decoder.finish(&mut events);
    (events, last, end)
}

fn answer(frames: &[&str]) -> Answer {
    let (events, _, end) = run(frames);
    end.unwrap();
    collect(events)
}

fn collect(events: Vec<Event<'static>>) -> Answer {
    let mut answer = Answer::default();
    for event in events {
        answer.event(event);
    }
    answer
}
