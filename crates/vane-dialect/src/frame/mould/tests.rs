//! What fits a mould, and that no stream is read otherwise for it.

mod streams;

pub(super) use streams::is_off;

use super::Mould;
use proptest::prelude::*;

fn frame(text: &str, padding: Option<&str>) -> String {
    let text = serde_json::to_string(text).unwrap();
    let padding = padding.map_or(String::new(), |p| format!(r#","obfuscation":"{p}""#));
    format!(r#"{{"a":"x","delta":{{"content":{text}}},"finish_reason":null{padding}}}"#)
}

fn cast(frame: &str, text: &str) -> Mould {
    let text = serde_json::to_string(text).unwrap();
    let start = frame.find(r#""content":"#).unwrap() + r#""content":""#.len();
    let mut mould = Mould::default();
    mould.cast(frame.as_bytes(), &frame[start..start + text.len() - 2]);
    mould
}

proptest! {
    #[test]
    fn a_frame_that_differs_in_its_text_fits(
        first in ".{0,20}", second in "\\PC{0,20}|[\"\\\\{}:,a\n]{0,20}",
        padding in proptest::option::of("[a-zA-Z0-9]{0,12}"),
    ) {
        let mut mould = cast(&frame(&first, padding.as_deref()), &first);
        let other = frame(&second, padding.as_ref().map(|_| "other"));
        let text = mould.text(other.as_bytes());
        prop_assert_eq!(text.as_deref(), Some(&*second));
    }

    #[test]
    fn bytes_that_are_no_such_frame_do_not_fit(
        first in "\\PC{0,8}", second in "\\PC{0,8}", at in 0_usize..90, byte in any::<u8>(),
    ) {
        let mut mould = cast(&frame(&first, None), &first);
        let mut other = frame(&second, None).into_bytes();
        let at = at % other.len();
        other[at] = byte;
        // What fits is what a parser reads, in a frame whose other members are the same.
        if let Some(text) = mould.text(&other) {
            let read: serde_json::Value = serde_json::from_slice(&other).unwrap();
            prop_assert_eq!(read["delta"]["content"].as_str(), Some(&*text));
            prop_assert_eq!(&read["a"], "x");
            prop_assert!(read["finish_reason"].is_null());
        }
    }
}

#[test]
fn what_only_looks_alike_is_parsed() {
    for other in [
        r#"{"a":"x","delta":{"content":"Hi"},"finish_reason":"stop"}"#,
        r#"{"a":"x","delta":{"content":"Hi","b":""},"finish_reason":null}"#,
        r#"{"a":"x","delta":{"content":"Hi"},"finish_reason":null} "#,
        r#"{"a":"x","delta":{"content":"Hi"},"finish_reason":null"#,
        r#"{"a":"x","delta":{"content":null},"finish_reason":null}"#,
        "{\"a\":\"x\",\"delta\":{\"content\":\"\n\"},\"finish_reason\":null}",
        r#"{"a":"x","delta":{"content":"\ud800"},"finish_reason":null}"#,
        "",
    ] {
        let mut mould = cast(&frame("Hi", None), "Hi");
        assert_eq!(mould.text(other.as_bytes()), None, "{other}");
        // What was parsed may have changed what such a frame does.
        assert_eq!(mould.text(frame("Hi", None).as_bytes()), None, "{other}");
    }
    let mut empty = Mould::default();
    assert_eq!(empty.text(b"\"\""), None);
    // A text that was unescaped, or stands elsewhere, shows no place.
    empty.cast(b"{\"a\":\"b\"}", "b");
    assert_eq!(empty.text(b"{\"a\":\"b\"}"), None);
}
