//! Frames as writes: line styles, splits, and the faults that strike between frames.

use bytes::Bytes;

use super::Step;
use crate::answers::Frame;
use crate::faults::Fault;
use crate::shape::{Lines, Split};

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

/// What is done for `units`, with the fault among them; `error` makes an error event.
pub(super) fn steps(
    mut units: Vec<Bytes>,
    split: &Split,
    fault: Option<&Fault>,
    error: impl Fn() -> Bytes,
) -> Vec<Step> {
    let mut tail = Vec::new();
    match fault {
        Some(Fault::ErrorFirst) => units = vec![error()],
        Some(Fault::ErrorAfter(frames)) => {
            units.truncate(*frames);
            units.push(error());
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
        Some(Fault::StallInside { frames, bytes }) => {
            let next = units.get(*frames).cloned().unwrap_or_default();
            units.truncate(*frames);
            tail.push(Step::Send(next.slice(..next.len().min(*bytes))));
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
        Some(Fault::HalfChunk) => {
            units.truncate(1);
            tail.extend([Step::Raw(b"400\r\ndata: {\"cut"), Step::Cut]);
        }
        Some(Fault::LongLength(_)) => tail.push(Step::Cut),
        _ => {}
    }
    let mut steps = cut(&units, split);
    steps.extend(tail);
    steps
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
