//! Any error answer becomes a fault that a person can read and every client understands.

use vane_dialect::Dialect;
use vane_dialect::codec;

const STATUSES: [u16; 16] = [
    200, 400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 529, 599,
];

/// The first byte picks the status, the rest is the body.
pub fn check(upstream: Dialect, bytes: &[u8]) {
    let Some((&first, body)) = bytes.split_first() else {
        return;
    };
    let status = STATUSES[usize::from(first) % STATUSES.len()];
    let fault = codec::decode_error(upstream, status, body);
    assert!(!fault.message.trim().is_empty(), "a fault without words");
    // Not every angle is of a tag: "< 8192 tokens", "<400> InternalError".
    if let [b'<', next, ..] = body.trim_ascii_start()
        && (next.is_ascii_alphabetic() || b"!?/".contains(next))
    {
        assert!(
            !fault.message.contains('<'),
            "HTML in a message: {}",
            fault.message
        );
    }
    let kept = fault
        .upstream
        .as_ref()
        .map_or(0, |upstream| upstream.body.len());
    assert!(kept <= 64 << 10, "kept {kept} bytes of an error");
    for door in Dialect::ALL {
        let (status, body) = codec::encode_error(door, &fault, "req_1");
        assert!(
            (400..600).contains(&status),
            "{} answers {status}",
            door.name()
        );
        let valid: serde_json::Result<&serde_json::value::RawValue> = serde_json::from_slice(&body);
        assert!(
            valid.is_ok(),
            "{}: {}",
            door.name(),
            String::from_utf8_lossy(&body)
        );
        let mut out = Vec::new();
        codec::encode_stream_fault(door, &fault, "req_1", &mut out);
        assert!(
            out.ends_with(b"\n\n"),
            "{} leaves a frame open",
            door.name()
        );
    }
}
