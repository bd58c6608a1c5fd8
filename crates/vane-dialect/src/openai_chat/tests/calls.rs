//! Tool calls in a stream: which piece is of which call.

use super::streams::{deltas, tools};
use super::*;
use crate::block::{Block, Text};
use crate::event::Stop;

#[test]
fn t1_a_whole_call_in_one_chunk_keeps_its_arguments() {
    let answer = deltas(
        &[
            r#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]}"#,
        ],
        "tool_calls",
    );
    assert_eq!(tools(&answer), [("a", "f", r#"{"x":1}"#)]);
    assert_eq!(answer.stop, Stop::ToolUse);
}

#[test]
fn t2_empty_calls_beside_text_open_nothing() {
    let answer = deltas(
        &[
            r#"{"content":"Hi","function_call":{"name":"","arguments":""}}"#,
            r#"{"content":" you","tool_calls":[null]}"#,
            r#"{"content":"!","tool_calls":[{"index":0,"id":"","function":{"name":null,"arguments":""}}]}"#,
        ],
        "stop",
    );
    assert_eq!(tools(&answer), []);
    assert_eq!(answer.blocks, [Block::Text(Text::plain("Hi you!"))]);
    assert_eq!(answer.stop, Stop::End);
}

#[test]
fn t3_interleaved_parallel_calls() {
    let piece = |index: u8, text: &str| {
        format!(r#"{{"tool_calls":[{{"index":{index},"function":{{"arguments":"{text}"}}}}]}}"#)
    };
    let open = |index: u8| {
        format!(
            r#"{{"tool_calls":[{{"index":{index},"id":"t{index}","function":{{"name":"f{index}","arguments":""}}}}]}}"#
        )
    };
    let list = [
        open(0),
        open(1),
        piece(0, "{\\\"a\\\":"),
        piece(1, "{\\\"b\\\":"),
        r#"{"content":"text"}"#.to_owned(),
        piece(1, "2}"),
        piece(0, "1}"),
    ];
    let answer = deltas(
        &list.iter().map(String::as_str).collect::<Vec<_>>(),
        "tool_calls",
    );
    assert_eq!(
        tools(&answer),
        [("t0", "f0", r#"{"a":1}"#), ("t1", "f1", r#"{"b":2}"#)]
    );
    assert_eq!(answer.blocks.len(), 3);
}

#[test]
fn parallel_calls_that_all_claim_index_zero() {
    let answer = deltas(
        &[
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#,
            r#"{"tool_calls":[{"index":0,"id":"b","function":{"name":"f","arguments":"{\"x\":1}"}}]}"#,
        ],
        "stop",
    );
    assert_eq!(tools(&answer), [("a", "f", "{}"), ("b", "f", r#"{"x":1}"#)]);
    assert_eq!(answer.stop, Stop::ToolUse);
}

#[test]
fn arguments_that_are_said_once_more_in_full_are_no_more_of_them() {
    let open =
        r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"p\":"}}]}"#;
    let more = |text: &str| {
        let text = Value::from(text);
        format!(r#"{{"tool_calls":[{{"index":0,"function":{{"arguments":{text}}}}}]}}"#)
    };
    let check = |rest: &[&str], expected: &str| {
        let rest = rest.iter().map(|text| match *text {
            "text" => r#"{"content":"Done."}"#.to_owned(),
            text => more(text),
        });
        let list: Vec<String> = std::iter::once(open.to_owned()).chain(rest).collect();
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        let answer = deltas(&list, "tool_calls");
        assert_eq!(tools(&answer), [("a", "f", expected)], "{list:?}");
    };
    let said = r#"{"p":"\u00e9"}"#;
    check(&[r#""\u00e9"}"#, said], said);
    check(&[r#""\u00e9"}"#, r#"{"p": "é"}"#], said);
    check(&[r#""\u00e9"}"#, "", " ", said], said);
    // Also where the call was over.
    check(&[r#""\u00e9"}"#, "text", said, "\n"], said);
    // A repeat that brings the id and the name again.
    let again =
        r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"p\":1}"}}]}"#;
    let answer = deltas(&[open, &more("1}"), again], "tool_calls");
    assert_eq!(tools(&answer), [("a", "f", r#"{"p":1}"#)]);
    // What was whole and is said otherwise is not lost unseen.
    let answer = deltas(&[open, &more("1}"), &more(r#"{"p":2}"#)], "tool_calls");
    assert_eq!(tools(&answer), [("a", "f", r#"{"p":1}{"p":2}"#)]);
}

#[test]
fn a_name_that_comes_after_whole_arguments_still_names_the_call() {
    let answer = deltas(
        &[
            r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"p\":1}"}}]}"#,
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}"#,
        ],
        "tool_calls",
    );
    assert_eq!(tools(&answer), [("a", "f", r#"{"p":1}"#)]);
}

#[test]
fn pieces_that_name_no_call_go_to_the_calls_in_their_order() {
    // Moonshot's, in a fixture: two calls are opened together, and told of together.
    let open = r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":""}},{"id":"b","function":{"name":"g","arguments":""}}]}"#;
    let both = r#"{"tool_calls":[{"function":{"arguments":"{\"x\":"}},{"function":{"arguments":"{\"y\":"}}]}"#;
    let ends =
        r#"{"tool_calls":[{"function":{"arguments":"1}"}},{"function":{"arguments":"2}"}}]}"#;
    let answer = deltas(&[open, both, ends], "tool_calls");
    let calls = [("a", "f", r#"{"x":1}"#), ("b", "g", r#"{"y":2}"#)];
    assert_eq!(tools(&answer), calls);
    // Alone, a piece is of the call before it.
    let next = r#"{"tool_calls":[{"function":{"arguments":"{\"x\":1}"}},{"id":"b","function":{"name":"g","arguments":"{}"}}]}"#;
    let first = r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":""}}]}"#;
    let answer = deltas(&[first, next], "tool_calls");
    assert_eq!(tools(&answer), [("a", "f", r#"{"x":1}"#), ("b", "g", "{}")]);
}

#[test]
fn calls_without_index_or_type() {
    let answer = deltas(
        &[
            r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"x\""}}]}"#,
            r#"{"tool_calls":[{"function":{"arguments":":1}"}}]}"#,
            r#"{"tool_calls":[{"id":"b","function":{"name":"g","arguments":"{}"}}]}"#,
        ],
        "tool_calls",
    );
    assert_eq!(tools(&answer), [("a", "f", r#"{"x":1}"#), ("b", "g", "{}")]);
}
