//! From an answer to the bytes and pauses that are played on a socket.
//!
//! An `Exchange` is complete before its first byte is written: head, framing and steps. Only the
//! player (`play`) touches the socket.

mod steps;

use bytes::Bytes;

pub(crate) use steps::lines;

use crate::answers::Frame;
use crate::faults::{self, Fault};
use crate::route::Door;
use crate::script::{Answer, Recorded};

/// Everything that will happen on the wire.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) head: Head,
    pub(crate) framing: Framing,
    pub(crate) steps: Vec<Step>,
    pub(crate) delay_ms: u64,
    pub(crate) gate: Option<String>,
    pub(crate) head_gate: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    Whole,
    Half,
    /// A byte at a time, and never the end.
    Slow,
    /// No answer at all.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Chunked,
    Length(usize),
}

/// One thing done after the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Waits for the gate or the delay.
    Pause,
    /// Body bytes in one write.
    Send(Bytes),
    /// A frame is complete.
    FrameEnd,
    /// Bytes outside of the body framing.
    Raw(&'static [u8]),
    Stall,
    /// Sent again and again.
    Endless(Bytes),
    /// This many bytes of one line.
    Giant(usize),
    /// The connection closes here.
    Cut,
}

impl Exchange {
    /// A small answer with a body of known length.
    pub(crate) fn plain(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self {
            status,
            headers: vec![("content-type".into(), content_type.into())],
            head: Head::Whole,
            framing: Framing::Length(body.len()),
            steps: vec![Step::Pause, Step::Send(body), Step::FrameEnd],
            delay_ms: 0,
            gate: None,
            head_gate: None,
        }
    }

    pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::plain(status, "application/json", body)
    }

    /// An unstreamed answer; faults count the body as one frame.
    pub(crate) fn unary(answer: &Answer, door: &Door, body: String) -> Self {
        let mut exchange = Self::json(200, Bytes::new());
        exchange.body(answer, door, vec![body.into()]);
        exchange
    }

    /// A streamed answer.
    pub(crate) fn stream(answer: &Answer, door: &Door, frames: &[Frame]) -> Self {
        let mut exchange = Self::plain(200, "text/event-stream; charset=utf-8", Bytes::new());
        exchange
            .headers
            .push(("cache-control".into(), "no-cache".into()));
        exchange.framing = Framing::Chunked;
        exchange.body(answer, door, lines(frames, answer.lines));
        exchange
    }

    /// A recorded body; of a stream, each event is a frame.
    pub(crate) fn recorded(answer: &Answer, door: &Door, recorded: &Recorded) -> Self {
        let mut exchange = Self::plain(200, &recorded.content_type, Bytes::new());
        if recorded.content_type.contains("event-stream") {
            exchange.framing = Framing::Chunked;
        }
        let frames = recorded.body.split_inclusive("\n\n");
        exchange.body(
            answer,
            door,
            frames.map(|frame| Bytes::from(frame.to_owned())).collect(),
        );
        exchange
    }

    /// Sets the steps for `units` (the frames as bytes), with the answer's fault among them.
    fn body(&mut self, answer: &Answer, door: &Door, units: Vec<Bytes>) {
        let length: usize = units.iter().map(Bytes::len).sum();
        if self.framing != Framing::Chunked {
            self.framing = Framing::Length(length);
        }
        match &answer.fault {
            Some(Fault::LongLength(more)) => self.framing = Framing::Length(length + more),
            // These have no length that a head could promise.
            Some(
                Fault::Truncate { clean: true, .. }
                | Fault::BadChunk
                | Fault::HalfChunk
                | Fault::Endless
                | Fault::GiantFrame(_),
            ) => self.framing = Framing::Chunked,
            Some(Fault::ContentType(kind)) => self.headers[0].1.clone_from(kind),
            _ => {}
        }
        let error = || {
            lines(&[faults::in_stream(door)], answer.lines)
                .concat()
                .into()
        };
        self.steps = steps::steps(units, &answer.split, answer.fault.as_ref(), error);
    }

    /// Applies what every answer may ask for: pace, gates, headers.
    pub(crate) fn with(mut self, answer: &Answer) -> Self {
        self.delay_ms = answer.delay_ms;
        self.gate.clone_from(&answer.gate);
        self.head_gate.clone_from(&answer.head_gate);
        self.headers.extend(answer.headers.iter().cloned());
        match answer.fault {
            Some(Fault::HalfHead) => self.head = Head::Half,
            Some(Fault::SlowHead) => self.head = Head::Slow,
            Some(Fault::Close) => self.head = Head::None,
            _ => {}
        }
        self
    }
}
