//! Answers of Mistral's hosts, whole and streamed.

use super::{collect, stream, unary};
use crate::answer::Answer;
use crate::block::{Block, ToolForm};
use crate::event::{Event, Stop};
use crate::exchange::{Asked, Seen};
use crate::fault::Kind;
use crate::frame::sse::Frame;
use crate::usage::{Tier, Unit, Units};

const WHOLE: &str = r#"{"id":"9f3c","object":"chat.completion","created":1796000000,"model":"codestral-latest","p":"abc","choices":[{"index":0,"message":{"role":"assistant","content":"hi","tool_calls":null,"prefix":false},"finish_reason":"stop"}],"usage":{"prompt_tokens":120,"completion_tokens":14,"total_tokens":134,"prompt_tokens_details":{"cached_tokens":64}}}"#;

fn chunk(delta: &str, finish: &str, usage: &str) -> String {
    format!(
        r#"{{"id":"9f3c","object":"chat.completion.chunk","created":1796000000,"model":"codestral-latest","p":"xyz","choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]{usage}}}"#
    )
}

const USAGE: &str = r#","usage":{"prompt_tokens":120,"completion_tokens":14,"total_tokens":134,"prompt_tokens_details":{"cached_tokens":64}}"#;

fn text(answer: &Answer) -> String {
    let texts = answer.blocks.iter().filter_map(|block| match block {
        Block::Text(text) => Some(text.text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn calls(answer: &Answer) -> Vec<(&str, &str, &str)> {
    let calls = answer.blocks.iter().filter_map(|block| match block {
        Block::ToolUse(tool) => Some((&*tool.id, &*tool.name, &*tool.arguments)),
        _ => None,
    });
    calls.collect()
}

/// Beside `prompt_tokens`, which are those of the text.
#[test]
fn m8_seconds_that_were_heard_are_counted() {
    for (said, heard) in [
        (r#""prompt_audio_seconds":203"#, 203),
        (r#""prompt_audio_seconds":null"#, 0),
        (
            r#""prompt_audio_seconds":7,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":88}"#,
            7,
        ),
        (r#""prompt_tokens_details":{"audio_tokens":88}"#, 88),
    ] {
        let body = WHOLE.replace(r#""prompt_tokens_details":{"cached_tokens":64}"#, said);
        let usage = unary(&body, &Asked::default()).unwrap().usage;
        assert_eq!(usage.units, Units::of(Unit::Audio, heard), "{said}");
        assert_eq!((usage.input_uncached, usage.output), (120, 14));
    }
}

#[test]
fn m1_cached_tokens_are_not_priced_twice() {
    for usage in [
        r#""prompt_tokens_details":{"cached_tokens":64}"#,
        r#""prompt_token_details":{"cached_tokens":64}"#,
        r#""num_cached_tokens":64"#,
    ] {
        let body = WHOLE.replace(r#""prompt_tokens_details":{"cached_tokens":64}"#, usage);
        let answer = unary(&body, &Asked::default()).unwrap();
        assert_eq!(
            (answer.usage.input_uncached, answer.usage.cache_read),
            (56, 64),
            "{usage}"
        );
        assert_eq!(answer.usage.output, 14);
    }
}

#[test]
fn m2_absurd_counts_are_zero() {
    let body = WHOLE.replace("\"prompt_tokens\":120", "\"prompt_tokens\":-3");
    let body = body.replace(
        "\"completion_tokens\":14",
        "\"completion_tokens\":9007199254740993",
    );
    let usage = unary(&body, &Asked::default()).unwrap().usage;
    assert_eq!((usage.input_total(), usage.output), (0, 0));
}

#[test]
fn the_service_tier_of_the_answer_is_kept() {
    let body = WHOLE.replace(
        "\"total_tokens\"",
        r#""service_tier":"priority","total_tokens""#,
    );
    let usage = unary(&body, &Asked::default()).unwrap().usage;
    assert_eq!(usage.served.tier, Tier::Priority);
}

#[test]
fn streamed_and_whole_are_equal() {
    let frames = [
        chunk(r#"{"role":"assistant","content":""}"#, "null", ""),
        chunk(r#"{"content":"h"}"#, "null", ""),
        chunk(r#"{"content":"i"}"#, "\"stop\"", USAGE),
    ];
    let frames = [&*frames[0], &frames[1], &frames[2], "[DONE]"];
    let streamed = collect(stream(&frames, Asked::default()).unwrap());
    assert_eq!(streamed, unary(WHOLE, &Asked::default()).unwrap());
}

#[test]
fn content_is_a_string_or_null_or_parts() {
    for (content, blocks) in [
        (r#""hi""#, r#"["hi"]"#),
        ("null", "[]"),
        (r#""""#, "[]"),
        ("[]", "[]"),
        (
            r#"[{"type":"thinking","thinking":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"closed":true,"signature":"s"},{"type":"text","text":"hi"}]"#,
            r#"["think ab s","hi"]"#,
        ),
        (
            r#"[{"type":"text","text":"see "},{"type":"reference","reference_ids":[1, 2]},{"type":"later"}]"#,
            r#"["see ","reference {\"type\":\"reference\",\"reference_ids\":[1, 2]}","later {\"type\":\"later\"}"]"#,
        ),
    ] {
        let body = WHOLE.replace(r#""content":"hi""#, &format!(r#""content":{content}"#));
        let answer = unary(&body, &Asked::default()).unwrap();
        let seen: Vec<String> = answer.blocks.iter().map(show).collect();
        assert_eq!(serde_json::to_string(&seen).unwrap(), blocks);
    }
}

fn show(block: &Block) -> String {
    match block {
        Block::Text(text) => text.text.clone(),
        Block::Reasoning(reasoning) => {
            let state = reasoning.state.as_ref().unwrap();
            format!("think {} {}", reasoning.text, state.data)
        }
        Block::Opaque(opaque) => format!("{} {}", opaque.kind, opaque.raw.get()),
        other => format!("{other:?}"),
    }
}

#[test]
fn t1_several_whole_calls_in_one_delta() {
    let delta = r#"{"content":"","tool_calls":[{"id":"aaaaaaaaa","function":{"name":"f","arguments":"{\"a\": 1}"},"index":0},{"id":"bbbbbbbbb","function":{"name":"g","arguments":{"b": [2]}},"index":0},{"id":"null","function":{"name":"f","arguments":"{}"}}]}"#;
    let frame = chunk(delta, "\"tool_calls\"", USAGE);
    let answer = collect(stream(&[&frame, "[DONE]"], Asked::default()).unwrap());
    let expected = [
        ("aaaaaaaaa", "f", r#"{"a": 1}"#),
        ("bbbbbbbbb", "g", r#"{"b": [2]}"#),
        ("call_9f3c_2", "f", "{}"),
    ];
    assert_eq!(calls(&answer), expected);
    assert_eq!(answer.stop, Stop::ToolUse);
}

#[test]
fn t3_split_calls_are_merged_by_index() {
    let frames = [
        chunk(
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x"}},{"index":1,"id":"b","function":{"name":"f","arguments":"{"}}]}"#,
            "null",
            "",
        ),
        chunk(
            r#"{"tool_calls":[{"index":1,"function":{"name":"","arguments":"}"}}]}"#,
            "null",
            "",
        ),
        chunk(
            r#"{"tool_calls":[{"index":0,"id":"null","function":{"name":"f","arguments":"\":1}"}}]}"#,
            "\"tool_calls\"",
            "",
        ),
    ];
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    let answer = collect(stream(&frames, Asked::default()).unwrap());
    assert_eq!(calls(&answer), [("a", "f", r#"{"x":1}"#), ("b", "f", "{}")]);
}

#[test]
fn t2_empty_tool_calls_open_nothing() {
    let body = WHOLE.replace("\"tool_calls\":null", "\"tool_calls\":[]");
    let answer = unary(&body, &Asked::default()).unwrap();
    assert_eq!((text(&answer), answer.blocks.len()), ("hi".to_owned(), 1));
}

#[test]
fn t10_no_arguments_are_an_empty_object() {
    for arguments in ["\"\"", "null", "{}", "\"{}\""] {
        let delta = format!(
            r#"{{"tool_calls":[{{"id":"a","function":{{"name":"f","arguments":{arguments}}}}}]}}"#
        );
        let frame = chunk(&delta, "\"tool_calls\"", "");
        let answer = collect(stream(&[&frame], Asked::default()).unwrap());
        assert_eq!(calls(&answer), [("a", "f", "{}")], "{arguments}");
    }
}

#[test]
fn names_ids_and_custom_tools_become_the_clients_again() {
    let asked = Asked {
        renamed: vec![
            ("fs__read".into(), "fs".into(), "read".into()),
            ("my_tool".into(), String::new(), "my.tool".into()),
        ],
        custom: vec!["patch".into()],
        ids: vec![("aaaaaaaaa".into(), "call_1".into())],
        ..Asked::default()
    };
    let delta = r#"{"tool_calls":[{"id":"aaaaaaaaa","function":{"name":"fs__read","arguments":"{}"}},{"id":"b","function":{"name":"my_tool","arguments":"{}"}},{"id":"c","function":{"name":"patch","arguments":"{\"input\":\"a\\nb\"}"}},{"id":"d","function":{"name":"patch","arguments":"oops"}}]}"#;
    let frame = chunk(delta, "\"tool_calls\"", "");
    let answer = collect(stream(&[&frame], asked).unwrap());
    let expected = [
        ("call_1", "read", "{}"),
        ("b", "my.tool", "{}"),
        ("c", "patch", "a\nb"),
        ("d", "patch", "oops"),
    ];
    assert_eq!(calls(&answer), expected);
    let forms = answer.blocks.iter().map(|block| match block {
        Block::ToolUse(tool) => (tool.form, tool.namespace.as_deref()),
        other => panic!("{other:?}"),
    });
    let expected = [
        (ToolForm::Function, Some("fs")),
        (ToolForm::Function, None),
        (ToolForm::Custom, None),
        (ToolForm::Custom, None),
    ];
    assert_eq!(forms.collect::<Vec<_>>(), expected);
}

#[test]
fn reasoning_streams_as_parts_and_then_as_strings() {
    let frames = [
        chunk(r#"{"role":"assistant","content":""}"#, "null", ""),
        chunk(
            r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}"#,
            "null",
            "",
        ),
        chunk(
            r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"m"}],"closed":true},{"type":"text","text":"so"}]}"#,
            "null",
            "",
        ),
        chunk(r#"{"content":" it is"}"#, "\"stop\"", USAGE),
    ];
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    let answer = collect(stream(&frames, Asked::default()).unwrap());
    let Block::Reasoning(reasoning) = &answer.blocks[0] else {
        panic!("{answer:?}")
    };
    assert_eq!(
        (&*reasoning.text, text(&answer)),
        ("hmm", "so it is".to_owned())
    );
    assert_eq!(answer.blocks.len(), 2);
}

#[test]
fn a_prefill_is_taken_off_wherever_it_is_split() {
    let asked = || Asked {
        prefill: Some("fn main".into()),
        ..Asked::default()
    };
    for (parts, own) in [
        (vec!["fn ", "main", "() {}"], "() {}"),
        (vec!["fn main() {}"], "() {}"),
        (vec!["() {}"], "() {}"),
        (vec!["fn ", "other"], "fn other"),
    ] {
        let frames: Vec<String> = parts
            .iter()
            .map(|part| chunk(&format!(r#"{{"content":"{part}"}}"#), "null", ""))
            .chain([chunk("{}", "\"stop\"", "")])
            .collect();
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        let answer = collect(stream(&frames, asked()).unwrap());
        assert_eq!(text(&answer), own, "{parts:?}");
    }
    let body = WHOLE.replace("\"hi\"", "\"fn main()\"");
    assert_eq!(text(&unary(&body, &asked()).unwrap()), "()");
}

#[test]
fn finish_reasons() {
    for (reason, stop) in [
        ("stop", Stop::End),
        ("length", Stop::MaxOutput),
        ("model_length", Stop::Context),
        ("tool_calls", Stop::ToolUse),
        ("t17_new", Stop::Other("t17_new".into())),
    ] {
        let body = WHOLE.replace("\"stop\"", &format!("\"{reason}\""));
        assert_eq!(unary(&body, &Asked::default()).unwrap().stop, stop);
    }
    let body = WHOLE.replace("\"stop\"", "\"error\"");
    assert_eq!(
        unary(&body, &Asked::default()).unwrap_err().kind,
        Kind::Upstream
    );
}

#[test]
fn r4_a_cut_stream_is_a_fault_and_a_done_one_is_not() {
    let frame = chunk(r#"{"content":"hi"}"#, "null", "");
    let fault = stream(&[&frame], Asked::default()).unwrap_err();
    assert_eq!(fault.kind, Kind::Protocol);
    let events = stream(&[&frame, "[DONE]"], Asked::default()).unwrap();
    assert_eq!(events.last(), Some(&Event::Finish(Stop::End)));
    assert!(stream(&[], Asked::default()).is_err());
}

#[test]
fn usage_may_come_after_the_finish_reason() {
    let finish = chunk(r#"{"content":"hi"}"#, "\"stop\"", "");
    let usage = format!(r#"{{"id":"9f3c","choices":[]{USAGE}}}"#);
    let answer = collect(stream(&[&finish, &usage, "[DONE]"], Asked::default()).unwrap());
    assert_eq!(answer.usage.output, 14);
}

#[test]
fn t18_what_is_no_answer_is_a_fault_before_any_event() {
    for (body, kind) in [
        ("<html></html>", Kind::Protocol),
        ("", Kind::Protocol),
        (r#"{"choices":[]}"#, Kind::Protocol),
        (
            r#"{"object":"error","message":"Rate limit exceeded","type":"rate_limited","code":"1300"}"#,
            Kind::RateLimited,
        ),
        (
            r#"{"message":"Requests rate limit exceeded"}"#,
            Kind::Upstream,
        ),
    ] {
        let mut events: Vec<Event<'static>> = Vec::new();
        let fault = super::super::response::decode(body.as_bytes(), &Asked::default(), &mut events);
        assert_eq!(fault.unwrap_err().kind, kind, "{body}");
        assert!(events.is_empty());
        if !body.is_empty() {
            assert!(stream(&[body], Asked::default()).is_err(), "{body}");
        }
    }
}

#[test]
fn the_byte_path_is_told_where_usage_stands() {
    let mut decoder = super::super::stream::Decoder::new(Asked::default());
    let mut events: Vec<Event<'static>> = Vec::new();
    let mut push = |data: &str| {
        decoder
            .push(&Frame::of_data(data.as_bytes()), &mut events)
            .unwrap()
    };
    let first = chunk(r#"{"content":"hi"}"#, "\"stop\"", USAGE);
    let seen = push(&first);
    let range = seen.usage.clone().unwrap();
    assert_eq!(&first[range], &USAGE[9..]);
    assert!(!seen.usage_only && !seen.last);
    assert!(push(&format!(r#"{{"id":"9f3c","choices":[]{USAGE}}}"#)).usage_only);
    assert!(push(" [DONE]").last);
    assert_eq!(push(""), Seen::default());
    let mut whole: Vec<Event<'static>> = Vec::new();
    let seen =
        super::super::response::decode(WHOLE.as_bytes(), &Asked::default(), &mut whole).unwrap();
    assert_eq!(&WHOLE[seen.usage.unwrap()], &USAGE[9..]);
}
