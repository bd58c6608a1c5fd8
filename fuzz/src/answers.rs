//! Answers: the events keep their promise, at every split, and every client's encoder writes
//! what its own decoder reads.

use crate::events::promise;
use crate::frames::for_each;
use crate::splits::{pieces, seed};
use std::sync::Arc;
use vane_dialect::call::Call;
use vane_dialect::codec::{self, Asked, Decoder, Encoder, Reply, Seen};
use vane_dialect::dialect::Task;
use vane_dialect::embed::{Embed, Encoding};
use vane_dialect::seal::Plain;
use vane_dialect::{Answer, Dialect, Event, Fault, Sink, mistral_embeddings, openai_embeddings};

type Events = Vec<Event<'static>>;

pub fn whole(upstream: Dialect, body: &[u8]) {
    let mut events = Events::new();
    let decoded = codec::decode_answer(upstream, body, &Asked::default(), &mut events);
    promise(&events, decoded.is_ok());
    if let Ok(seen) = decoded {
        in_bounds(&seen, body);
        tell_all(upstream, events);
    }
}

pub fn streamed(upstream: Dialect, bytes: &[u8]) {
    let (events, fault) = read(upstream, &[bytes]);
    promise(&events, fault.is_none());
    let split = pieces(bytes, &mut seed(bytes));
    let again = read(upstream, &split);
    let whole = (events, fault);
    assert_eq!(again, whole, "another split, other events");
    if let (events, None) = whole {
        tell_all(upstream, events);
    }
}

/// The events of a stream, and the fault that ended it.
fn read(upstream: Dialect, chunks: &[&[u8]]) -> (Events, Option<Fault>) {
    let mut events = Events::new();
    let Ok(mut decoder) = Decoder::new(upstream, Asked::default()) else {
        panic!("{} has no streams", upstream.name());
    };
    let mut fault = None;
    for_each(chunks, |frame| match decoder.push(frame, &mut events) {
        Ok(seen) => {
            in_bounds(&seen, frame.data.as_deref().unwrap_or_default());
            !seen.last
        }
        Err(told) => {
            fault = Some(told);
            false
        }
    });
    let fault = fault.or_else(|| decoder.finish(&mut events).err());
    (events, fault)
}

/// The usage object stands where the decoder says.
fn in_bounds(seen: &Seen, data: &[u8]) {
    let Some(range) = seen.usage.clone() else {
        return;
    };
    let object = data.get(range.clone()).unwrap_or_default();
    let braces = object.first() == Some(&b'{') && object.last() == Some(&b'}');
    assert!(
        braces,
        "no object at {range:?} of {}",
        String::from_utf8_lossy(data)
    );
}

/// Gives the answer to a client of each dialect, whole and streamed, and reads it back.
fn tell_all(upstream: Dialect, events: Events) {
    let mut answer = Answer::default();
    events.iter().cloned().for_each(|event| answer.event(event));
    for door in Dialect::ALL {
        if door.task() != upstream.task() || door == Dialect::LlamaInfill {
            continue;
        }
        let body = codec::encode_answer(door, &answer, &reply(door.task()), Some("0.00075"));
        let mut back = Events::new();
        let read_back = codec::decode_answer(door, &body, &Asked::default(), &mut back);
        let shown = String::from_utf8_lossy(&body);
        assert!(
            read_back.is_ok(),
            "{} wrote {shown}: {read_back:?}",
            door.name()
        );
        tell_streamed(door, &events);
    }
}

fn tell_streamed(door: Dialect, events: &Events) {
    let Ok(mut encoder) = Encoder::new(door, reply(door.task())) else {
        return;
    };
    let mut out = Vec::new();
    events
        .iter()
        .for_each(|event| encoder.push(event, &mut out));
    encoder.finish(Some("0.00075"), &mut out);
    let (back, fault) = read(door, &[&out]);
    promise(&back, fault.is_none());
    let shown = String::from_utf8_lossy(&out);
    assert_eq!(fault, None, "{} streamed {shown}", door.name());
}

fn reply(task: Task) -> Reply {
    let call = match task {
        Task::Chat => Call::Chat(Box::default()),
        Task::Fill => Call::Fill(Box::default()),
        Task::Embed => Call::Embed(Box::default()),
    };
    Reply {
        call: Arc::new(call),
        id: "req_1".to_owned(),
        now: 1_800_000_000,
        provider: "somewhere".to_owned(),
        seal: Arc::new(Plain),
    }
}

/// Embeddings in both encodings (T16).
pub fn embeddings(body: &[u8]) {
    let decoded = [
        openai_embeddings::response::decode(body),
        mistral_embeddings::response::decode(body),
    ];
    for embedding in decoded.into_iter().flatten() {
        for encoding in [Encoding::Float, Encoding::Base64] {
            let asked = Embed {
                encoding: Some(encoding),
                ..Embed::default()
            };
            let bodies = [
                openai_embeddings::response::encode(&embedding, &asked, "req_1", Some("0.1")),
                mistral_embeddings::response::encode(&embedding, &asked, "req_1", Some("0.1")),
            ];
            for body in bodies.into_iter().flatten() {
                let valid: serde_json::Result<&serde_json::value::RawValue> =
                    serde_json::from_slice(&body);
                assert!(
                    valid.is_ok(),
                    "not JSON: {}",
                    String::from_utf8_lossy(&body)
                );
            }
        }
    }
}
