//! A body that decodes can be asked of every dialect of its task, as valid JSON.

use crate::splits::{Draw, seed};
use vane_dialect::codec::{self, Target};
use vane_dialect::quirk::{Quirk, Quirks};
use vane_dialect::seal::Plain;
use vane_dialect::{Call, Dialect, Notes};

pub fn check(door: Dialect, body: &[u8]) {
    let Ok(call) = codec::decode_call(door, body, &Plain) else {
        return;
    };
    let quirks = some_quirks(seed(body));
    for upstream in Dialect::ALL {
        if upstream.task() == door.task() {
            ask(&call, upstream, Quirks::default());
            ask(&call, upstream, quirks);
        }
    }
}

/// Each quirk with one chance in eight.
fn some_quirks(mut draw: Draw) -> Quirks {
    let drawn = Quirk::ALL.iter().filter(|_| draw.below(8) == 0);
    drawn.copied().collect()
}

fn ask(call: &Call, upstream: Dialect, quirks: Quirks) {
    let target = Target {
        model: "upstream-model",
        provider: "somewhere",
        quirks,
        max_output: Some(4096),
        seal: &Plain,
    };
    let mut notes = Notes::default();
    let Ok(encoded) = codec::encode_call(upstream, call, &target, &mut notes) else {
        return;
    };
    let body = String::from_utf8(encoded.body);
    let Ok(body) = body else {
        panic!("{} is not UTF-8", upstream.name());
    };
    let valid: serde_json::Result<&serde_json::value::RawValue> = serde_json::from_str(&body);
    assert!(valid.is_ok(), "{} is not JSON: {body}", upstream.name());
    if let Err(fault) = codec::decode_call(upstream, body.as_bytes(), &Plain)
        // Of a call without any content no message may be left.
        && fault.param.as_deref() != Some("messages")
    {
        panic!(
            "{} cannot read what it wrote: {fault}\n{body}",
            upstream.name()
        );
    }
}
