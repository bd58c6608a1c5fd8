//! The end of a forwarded stream that its upstream did not end.

use crate::exchange::Cut;
use crate::frame::sse;
use crate::openai_chat::{response, usage};

pub(crate) fn cut(cut: &Cut<'_>, out: &mut Vec<u8>) {
    cut_at("chat.completion.chunk", br#""delta":{},"#, cut, out);
}

/// As [`cut`], of chunks of this kind and with this in their choice. Counts stand where the client
/// asked for them, and else the cost in a comment of the last frame, as at the end of any stream.
pub(crate) fn cut_at(object: &str, choice: &[u8], cut: &Cut<'_>, out: &mut Vec<u8>) {
    let head = response::head_of(object, cut.id, cut.model, cut.created);
    let chunk = |out: &mut Vec<u8>, rest: &[&[u8]]| {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&head);
        rest.iter().for_each(|part| out.extend_from_slice(part));
        out.extend_from_slice(b"}\n\n");
    };
    let stop = br#""choices":[{"index":0,"#;
    let length = br#""finish_reason":"length"}]"#;
    if cut.shows_usage {
        chunk(out, &[stop, choice, length, br#","usage":null"#]);
        let mut counts = Vec::with_capacity(256);
        usage::write(&mut counts, cut.usage, cut.cost);
        chunk(out, &[br#""choices":[],"usage":"#, &counts]);
    } else {
        chunk(out, &[stop, choice, length]);
        if let Some(cost) = cut.cost {
            out.extend_from_slice(b": vane-cost=");
            out.extend_from_slice(cost.as_bytes());
            out.extend_from_slice(b"\n");
        }
    }
    sse::write(out, b"[DONE]");
}
