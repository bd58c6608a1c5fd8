//! The scan of a body agrees with `serde_json`, and edits hit what they aim at.

use bytes::Bytes;
use serde_json::Value;
use vane_dialect::Dialect;
use vane_dialect::head::Head;
use vane_dialect::hosted::Hosted;

pub fn check(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    let read = serde_json::from_slice::<Value>(bytes);
    // The scan does not recurse, so it takes one level more than a tree does.
    if read
        .as_ref()
        .is_err_and(|error| error.to_string().starts_with("recursion limit"))
    {
        return;
    }
    let head = match Head::scan(&body) {
        Ok(head) => head,
        Err(fault) => return refused(&fault.message, read),
    };
    let Ok(Value::Object(value)) = read else {
        panic!("the scan took what is no object: {read:?}");
    };
    let keys: Vec<&str> = head.keys().collect();
    let expected: Vec<&String> = value.keys().collect();
    assert_eq!(keys, expected, "the scan saw other keys");
    for key in &keys {
        let raw = head.raw(key).map(|raw| serde_json::from_str(raw).ok());
        let expected = value.get(*key).filter(|value| !value.is_null());
        assert_eq!(
            raw,
            expected.map(|value| Some(value.clone())),
            "the value of {key}"
        );
    }
    // Reading typed values only ever fails with a fault.
    let _ = (head.model(), head.flag("stream"), head.count("max_tokens"));
    for dialect in Dialect::ALL {
        hosted(dialect, &head);
    }
    edits(&head, &value);
}

/// What a body asks providers to run is read or refused, and what it limits is not exceeded.
fn hosted(dialect: Dialect, head: &Head) {
    let Ok(hosted) = Hosted::of(dialect, head) else {
        return;
    };
    assert!(
        hosted
            .unpriced(|_| true)
            .is_none_or(|tool| tool.unit.is_none())
    );
    let used: u64 = hosted
        .uses_max()
        .iter()
        .map(|(_, count)| count)
        .fold(0, u64::saturating_add);
    assert!(!hosted.is_empty() || used == 0, "uses without a tool");
}

/// What the scan refuses is no object for `serde_json` either, or has a key twice, or nests too
/// deep.
fn refused(message: &str, read: serde_json::Result<Value>) {
    let known = ["stands twice", "levels of nesting"];
    if known.iter().any(|known| message.contains(known)) {
        return;
    }
    if let Ok(Value::Object(_)) = read {
        panic!("the scan refused an object: {message}");
    }
}

fn edits(head: &Head, value: &serde_json::Map<String, Value>) {
    let mut splices = head.splices();
    splices.set("model", "\"other\"".to_owned());
    splices.cut("provider");
    splices.cut("models");
    let edited = splices.apply().concat();
    let mut expected = value.clone();
    expected.shift_remove("provider");
    expected.shift_remove("models");
    expected.insert("model".to_owned(), "other".into());
    let edited: serde_json::Result<Value> = serde_json::from_slice(&edited);
    assert_eq!(
        edited.ok(),
        Some(Value::Object(expected)),
        "the edited body"
    );
}
