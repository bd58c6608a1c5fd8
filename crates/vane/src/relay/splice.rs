//! Splices into answer bytes: the cost inside the usage object, and what clients miss in a frame.

use bytes::{BufMut, Bytes, BytesMut};
use std::ops::Range;
use vane_dialect::exchange::Amend;
use vane_dialect::head::Head;

/// `bytes` with `cost` set inside the usage object at `usage`. A provider's own `cost` makes way.
pub(super) fn with_cost(bytes: &Bytes, usage: Range<usize>, cost: &str) -> Bytes {
    let mut out = BytesMut::with_capacity(bytes.len() + cost.len() + 16);
    out.put_slice(&bytes[..usage.start]);
    if let Some(members) = without_cost(&bytes[usage.clone()]) {
        out.put_slice(members);
        out.put_slice(b",\"cost\":");
        out.put_slice(cost.as_bytes());
        out.put_u8(b'}');
    } else {
        let Ok(head) = Head::scan(&bytes.slice(usage.clone())) else {
            return bytes.clone();
        };
        let mut splices = head.splices();
        splices.set("cost", cost.to_owned());
        for part in splices.apply() {
            out.put_slice(&part);
        }
    }
    out.put_slice(&bytes[usage.end..]);
    out.freeze()
}

/// A usage object without its closing brace, if it has members and none of them can be a cost:
/// then the cost goes behind them without a scan.
fn without_cost(usage: &[u8]) -> Option<&[u8]> {
    let members = usage.strip_suffix(b"}")?;
    let is_plain = memchr::memchr(b'\\', usage).is_none()
        && memchr::memmem::find(usage, b"\"cost\"").is_none();
    let is_empty = members.trim_ascii_end() == b"{";
    (is_plain && !is_empty).then_some(members)
}

/// A frame whose data, which begins at `at`, is amended.
pub(super) fn amended(frame: &Bytes, at: usize, amends: &[Amend]) -> Bytes {
    let more: usize = amends.iter().map(|amend| amend.text.len()).sum();
    let mut out = BytesMut::with_capacity(frame.len() + more);
    let mut done = 0;
    for Amend { range, text } in amends {
        out.put_slice(&frame[done..at + range.start]);
        out.put_slice(text.as_bytes());
        done = at + range.end;
    }
    out.put_slice(&frame[done..]);
    out.freeze()
}

/// Where the place is after these amends, which stands behind those before it.
pub(super) fn moved(amends: &[Amend], place: usize) -> usize {
    let mut moved = place;
    for amend in amends.iter().filter(|amend| amend.range.end <= place) {
        moved = moved + amend.text.len() - amend.range.len();
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::{amended, moved, with_cost};
    use bytes::Bytes;
    use vane_dialect::exchange::Amend;

    #[test]
    fn a_frame_is_amended_where_it_says_too_little_and_nowhere_else() {
        let frame = Bytes::from_static(b"data: {\"a\":{},\"b\":0,\"usage\":{}}\n\n");
        let amend = |range, text: &str| Amend {
            range,
            text: text.to_owned(),
        };
        let amends = [amend(6..6, "\"index\":1,"), amend(12..13, "\"stop\"")];
        let out = amended(&frame, 6, &amends);
        assert_eq!(
            out,
            "data: {\"a\":{\"index\":1,},\"b\":\"stop\",\"usage\":{}}\n\n"
        );
        let usage = 22;
        assert_eq!(&frame[6 + usage..6 + usage + 2], b"{}");
        let there = 6 + moved(&amends, usage);
        assert_eq!(&out[there..there + 2], b"{}");
    }

    fn check(body: &'static str, expected: &str) {
        let start = body.find("{\"p").unwrap();
        let end = body[start..].find('}').unwrap() + start + 1;
        let out = with_cost(&Bytes::from_static(body.as_bytes()), start..end, "0.00075");
        assert_eq!(out, expected);
    }

    #[test]
    fn cost_goes_into_the_usage_object_and_nothing_else_moves() {
        check(
            r#"{"a":1,"usage":{"p": 1}, "b":2}"#,
            r#"{"a":1,"usage":{"p": 1,"cost":0.00075}, "b":2}"#,
        );
        check(
            r#"{"usage":{"p":1,"cost":9}}"#,
            r#"{"usage":{"p":1,"cost":0.00075}}"#,
        );
        check(
            r#"{"usage":{"p":1,"c\u006fst":9}}"#,
            r#"{"usage":{"p":1,"c\u006fst":0.00075}}"#,
        );
    }
}
