//! From an answer to the bytes and pauses that are played on a socket.
//!
//! An `Exchange` is complete before its first byte is written: head, framing and steps. Only the
//! player (`play`) touches the socket.

use bytes::Bytes;

use crate::answers::Frame;
use crate::faults::{self, Fault};
use crate::route::Family;
use crate::script::Answer;
use crate::shape::{Lines, Split};

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
    pub(crate) fn unary(answer: &Answer, family: Family, body: String) -> Self {
        let mut exchange = Self::json(200, Bytes::new());
        exchange.body(answer, family, vec![body.into()]);
        exchange
    }

    /// A streamed answer.
    pub(crate) fn stream(answer: &Answer, family: Family, frames: &[Frame]) -> Self {
        let mut exchange = Self::plain(200, "text/event-stream; charset=utf-8", Bytes::new());
        exchange
            .headers
            .push(("cache-control".into(), "no-cache".into()));
        exchange.framing = Framing::Chunked;
        exchange.body(answer, family, lines(frames, answer.lines));
        exchange
    }

    /// Sets the steps for `units` (the frames as bytes), with the answer's fault among them.
    fn body(&mut self, answer: &Answer, family: Family, units: Vec<Bytes>) {
        let length: usize = units.iter().map(Bytes::len).sum();
        if self.framing != Framing::Chunked {
            self.framing = Framing::Length(length);
        }
        match &answer.fault {
            Some(Fault::LongLength(more)) => self.framing = Framing::Length(length + more),
            Some(Fault::Truncate { clean: true, .. }) => self.framing = Framing::Chunked,
            Some(Fault::ContentType(kind)) => self.headers[0].1.clone_from(kind),
            _ => {}
        }
        self.steps = steps(
            units,
            &answer.split,
            answer.fault.as_ref(),
            family,
            answer.lines,
        );
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

/// Frames as lines of a server-sent event stream.
pub(crate) fn lines(frames: &[Frame], lines: Lines) -> Vec<Bytes> {
    let end = if lines.crlf { "\r\n" } else { "\n" };
    let space = if lines.no_space { "" } else { " " };
    let last = frames.len().saturating_sub(1);
    let written = frames.iter().enumerate().map(|(at, frame)| {
        let comment = if lines.comments {
            format!(": keep-alive{end}{end}")
        } else {
            String::new()
        };
        let event = frame.event.map(|name| format!("event:{space}{name}{end}"));
        let blank = if lines.no_final_blank && at == last {
            ""
        } else {
            end
        };
        let event = event.unwrap_or_default();
        Bytes::from(format!(
            "{comment}{event}data:{space}{}{end}{blank}",
            frame.data
        ))
    });
    written.collect()
}

fn steps(
    mut units: Vec<Bytes>,
    split: &Split,
    fault: Option<&Fault>,
    family: Family,
    style: Lines,
) -> Vec<Step> {
    let mut tail = Vec::new();
    match fault {
        Some(Fault::ErrorFirst) => units = vec![error_unit(family, style)],
        Some(Fault::ErrorAfter(frames)) => {
            units.truncate(*frames);
            units.push(error_unit(family, style));
        }
        Some(Fault::Truncate {
            frames,
            bytes,
            clean,
        }) => {
            let next = units.get(*frames).cloned().unwrap_or_default();
            units.truncate(*frames);
            tail.push(Step::Send(next.slice(..next.len().min(*bytes))));
            if !clean {
                tail.push(Step::Cut);
            }
        }
        Some(Fault::Stall(frames)) => {
            units.truncate(*frames);
            tail.push(Step::Stall);
        }
        Some(Fault::Endless) => {
            units.truncate(2);
            tail.extend(units.last().cloned().map(Step::Endless));
        }
        Some(Fault::GiantFrame(bytes)) => {
            units.truncate(1);
            tail.push(Step::Giant(*bytes));
        }
        Some(Fault::BadChunk) => {
            units.truncate(1);
            tail.extend([Step::Raw(b"zz\r\nnot a chunk\r\n"), Step::Cut]);
        }
        Some(Fault::LongLength(_)) => tail.push(Step::Cut),
        _ => {}
    }
    let mut steps = cut(&units, split);
    steps.extend(tail);
    steps
}

fn error_unit(family: Family, style: Lines) -> Bytes {
    let (event, data) = faults::in_stream(family);
    lines(&[Frame { event, data }], style).concat().into()
}

/// The units as writes, split where the script says.
fn cut(units: &[Bytes], split: &Split) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut offset = 0;
    let mut seed = match split {
        Split::Random(seed) => *seed,
        Split::Frames | Split::EveryByte | Split::At(_) => 0,
    };
    for unit in units {
        steps.push(Step::Pause);
        let mut start = 0;
        for at in 1..unit.len() {
            let here = match split {
                Split::Frames => false,
                Split::EveryByte => true,
                Split::At(places) => places.contains(&(offset + at)),
                Split::Random(_) => crate::split::draw(&mut seed).is_multiple_of(9),
            };
            if here {
                steps.push(Step::Send(unit.slice(start..at)));
                start = at;
            }
        }
        steps.extend([Step::Send(unit.slice(start..)), Step::FrameEnd]);
        offset += unit.len();
    }
    steps
}
