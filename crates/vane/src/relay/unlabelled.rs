//! Whether an answer to a call that streams is a stream: some servers give streams another type, or
//! none, and what was generated must not be lost for that.
//!
//! Where the type does not say it, the first bytes do. Invariant: they stay in the body, but for
//! blank ones before them, which mean nothing in a stream nor in JSON.

use super::dispatch::{Asked, Walk, content_type};
use super::packing::Packing;
use super::whole;
use bytes::BytesMut;
use vane_dialect::Fault;

/// What a line of a stream begins with.
const FIELDS: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];

/// # Errors
/// If nothing comes in time, or the answer breaks.
pub(super) async fn is_stream(walk: &Walk, mut asked: Asked) -> Result<(bool, Asked), Fault> {
    if content_type(&asked.response).starts_with("text/event-stream") {
        return Ok((true, asked));
    }
    if Packing::of(asked.response.headers()) != Packing::Plain {
        return Ok((false, asked));
    }
    let idle = walk.state.config.timeouts.idle;
    let mut blank_bytes_left = walk.state.config.limits.answer_bytes_max;
    let mut begun = BytesMut::new();
    let is_stream = loop {
        if let Some(is_stream) = begins_stream(&begun) {
            break is_stream;
        }
        let Some(data) = whole::next(asked.response.body_mut(), idle).await? else {
            break false;
        };
        let blank = match begun.is_empty() {
            true => data.len() - data.trim_ascii_start().len(),
            false => 0,
        };
        blank_bytes_left = blank_bytes_left.saturating_sub(blank);
        begun.extend_from_slice(&data[blank..]);
        if blank_bytes_left == 0 {
            break false;
        }
    };
    asked.response = asked.response.map(|body| body.unread(begun.freeze()));
    Ok((is_stream, asked))
}

/// What some servers put before all text.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// Whether a stream begins so; `None`: too little came to know.
fn begins_stream(begun: &[u8]) -> Option<bool> {
    if begun.len() < MARK.len() && MARK.starts_with(begun) {
        return None;
    }
    let begun = begun.strip_prefix(MARK).unwrap_or(begun);
    let is_field = |field: &&[u8]| begun.starts_with(field);
    let may_become = |field: &&[u8]| field.starts_with(begun);
    match FIELDS.iter().any(is_field) {
        true => Some(true),
        false => (!FIELDS.iter().any(may_become)).then_some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::begins_stream;

    #[test]
    fn a_stream_is_known_by_its_first_field_at_every_split() {
        for (text, expected) in [
            ("data: {}", Some(true)),
            ("data:[DONE]", Some(true)),
            ("event: ping", Some(true)),
            ("id: 1", Some(true)),
            ("retry: 5", Some(true)),
            (": OPENROUTER PROCESSING", Some(true)),
            ("{\"data:\":1}", Some(false)),
            ("[{}]", Some(false)),
            ("<html>", Some(false)),
            ("data", None),
            ("database is down", Some(false)),
            ("i", None),
            ("in queue", Some(false)),
            ("", None),
            ("\u{feff}data: {}", Some(true)),
            ("\u{feff}", None),
            ("\u{feff}{\"data:\":1}", Some(false)),
        ] {
            assert_eq!(begins_stream(text.as_bytes()), expected, "{text}");
            for split in 0..text.len() {
                let early = begins_stream(&text.as_bytes()[..split]);
                assert!(early.is_none() || early == expected, "{text} at {split}");
            }
        }
    }
}
