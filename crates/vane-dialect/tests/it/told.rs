//! Answers on their way through: bytes of an upstream -> events -> bytes for a client.

use bytes::Bytes;
use std::sync::Arc;
use vane_dialect::call::{Call, Chat, Fill, Stream};
use vane_dialect::codec::{self, Asked, Decoder, Encoder, Reply};
use vane_dialect::dialect::Task;
use vane_dialect::frame::sse::{Frame, Splitter};
use vane_dialect::seal::Plain;
use vane_dialect::{Answer, Dialect, Event, Fault, Sink};

pub(crate) type Events = Vec<Event<'static>>;

/// An exact decimal that no double holds, so that a detour through one shows.
pub(crate) const COST: &str = "0.000123456789";

const FRAME_BYTES_MAX: usize = 1 << 20;

/// The events of a stream that arrives in these chunks, and the fault that ended it.
pub(crate) fn read_stream<'a>(
    upstream: Dialect,
    chunks: impl Iterator<Item = &'a [u8]>,
) -> (Events, Option<Fault>) {
    let mut events = Events::new();
    let fault = push_all(upstream, chunks, &mut events).err();
    (events, fault)
}

fn push_all<'a>(
    upstream: Dialect,
    chunks: impl Iterator<Item = &'a [u8]>,
    events: &mut Events,
) -> Result<(), Fault> {
    let mut decoder = Decoder::new(upstream, Asked::default())?;
    let mut splitter = Splitter::new(FRAME_BYTES_MAX);
    for chunk in chunks {
        splitter.push(Bytes::copy_from_slice(chunk)).unwrap();
        while let Some(range) = splitter.next_frame() {
            decoder.push(&Frame::parse(&splitter.buffer()[range]), events)?;
        }
    }
    let rest = splitter.rest();
    if !rest.is_empty() {
        decoder.push(&Frame::parse(&rest), events)?;
    }
    decoder.finish(events)
}

/// The events of a whole answer.
pub(crate) fn read_whole(upstream: Dialect, body: &[u8]) -> Result<Events, Fault> {
    let mut events = Events::new();
    codec::decode_answer(upstream, body, &Asked::default(), &mut events)?;
    Ok(events)
}

pub(crate) fn collect(events: &[Event<'static>]) -> Answer {
    let mut answer = Answer::default();
    events.iter().cloned().for_each(|event| answer.event(event));
    answer
}

/// What a client of `door` reads of a stream that ended with `fault` or well.
pub(crate) fn tell_stream(
    door: Dialect,
    events: &[Event<'static>],
    fault: Option<&Fault>,
) -> String {
    let mut encoder = Encoder::new(door, reply(door)).unwrap();
    let mut out = Vec::new();
    events
        .iter()
        .for_each(|event| encoder.push(event, &mut out));
    match fault {
        Some(fault) => encoder.fault(fault, &mut out),
        None => encoder.finish(Some(COST), &mut out),
    }
    String::from_utf8(out).unwrap()
}

/// What a client of `door` reads of a whole answer.
pub(crate) fn tell_whole(door: Dialect, answer: &Answer) -> String {
    let body = codec::encode_answer(door, answer, &reply(door), Some(COST));
    String::from_utf8(body).unwrap()
}

fn reply(door: Dialect) -> Reply {
    let stream = Stream {
        on: true,
        include_usage: true,
    };
    let call = match door.task() {
        Task::Chat => Call::Chat(Box::new(Chat {
            stream,
            ..Chat::default()
        })),
        Task::Fill | Task::Embed => Call::Fill(Box::new(Fill {
            stream,
            ..Fill::default()
        })),
    };
    Reply {
        call: Arc::new(call),
        id: "0123456789abcdef".to_owned(),
        now: 1_790_000_001,
        provider: "upstream".to_owned(),
        seal: Arc::new(Plain),
    }
}
