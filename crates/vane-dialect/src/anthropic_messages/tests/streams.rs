//! Streams and whole answers, both ways.

use super::*;
use crate::block::{Block, Opaque, Reasoning, State, Text, ToolForm, ToolUse};
use crate::dialect::Dialect;
use crate::event::Stop;
use crate::fault::Kind;
use crate::json::Raw;
use crate::seal::Seal;
use crate::usage::{Tier, Unit, Units, Usage};

/// Events as Anthropic sends them, one per line: the name is the data's type.
fn sse(events: &[&str]) -> String {
    let frame = |data: &&str| {
        let name = data.split('"').nth(3).unwrap();
        format!("event: {name}\ndata: {data}\n\n")
    };
    events.iter().map(frame).collect()
}

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":30,"cache_read_input_tokens":7,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":1,"service_tier":"priority"}}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

fn recorded() -> String {
    sse(&[
        START,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Thé"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"zzz"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"query\":"}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":" \"x\"}"}}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"content_block_start","index":3,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"citations_delta","citation":{"type":"page"}}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"text_delta","text":"Hi"}}"#,
        r#"{"type":"content_block_stop","index":3}"#,
        r#"{"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}}"#,
        r#"{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":""}}"#,
        r#"{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{\"b\": 1,"}}"#,
        r#"{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"\"a\":2}"}}"#,
        r#"{"type":"content_block_stop","index":4}"#,
        r#"{"type":"content_block_start","index":5,"content_block":{"type":"tool_use","id":"toolu_2","name":"g","input":{}}}"#,
        r#"{"type":"content_block_stop","index":5}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":40,"output_tokens_details":{"thinking_tokens":9}}}"#,
        STOP,
    ])
}

const TWIN: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[
{"type":"thinking","thinking":"Thé","signature":"EqQB"},{"type":"redacted_thinking","data":"zzz"},
{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query": "x"}},
{"type":"text","text":"Hi","citations":[{"type":"page"}]},
{"type":"tool_use","id":"toolu_1","name":"f","input":{"b": 1,"a":2}},{"type":"tool_use","id":"toolu_2","name":"g","input":{}}],
"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":30,"cache_read_input_tokens":7,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":40,"service_tier":"priority","output_tokens_details":{"thinking_tokens":9}}}"#;

#[test]
fn t19_a_stream_and_its_whole_twin_are_the_same_answer() {
    let answer = streamed(&recorded()).unwrap();
    let twin = whole(TWIN).unwrap();
    assert_eq!(answer.usage, twin.usage);
    assert_eq!(answer.stop, Stop::ToolUse);
    assert_eq!(answer.blocks, twin.blocks);
    assert_eq!(
        (answer.id.as_str(), answer.model.as_str()),
        ("msg_1", "claude-x")
    );
    let usage = answer.usage;
    assert_eq!((usage.input_uncached, usage.cache_read), (12, 7));
    assert_eq!((usage.cache_write, usage.cache_write_1h), (10, 20));
    assert_eq!((usage.output, usage.reasoning), (40, 9));
    assert_eq!(usage.served.tier, Tier::Priority);
    // T10, T12
    let arguments = answer.blocks.iter().filter_map(|block| match block {
        Block::ToolUse(tool) => Some(tool.arguments.as_str()),
        _ => None,
    });
    assert_eq!(arguments.collect::<Vec<_>>(), [r#"{"b": 1,"a":2}"#, "{}"]);
}

#[test]
fn t14_every_split_of_the_bytes_gives_the_same_events() {
    let bytes = recorded().into_bytes();
    let asked = Asked::default();
    let expected = events_of(&[&bytes], &asked).unwrap();
    for at in 0..bytes.len() {
        let (first, second) = bytes.split_at(at);
        assert_eq!(
            events_of(&[first, second], &asked).unwrap(),
            expected,
            "at {at}"
        );
    }
}

#[test]
fn t1_arguments_whole_in_the_start_of_a_block_are_not_lost() {
    let answer = streamed(&sse(&[
        START,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{"x": [1]}}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        // T3: the index again, and no stop.
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"b","name":"f","input":{}}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"y\":2}"}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":3}}"#,
        STOP,
    ]))
    .unwrap();
    let tools: Vec<_> = answer
        .blocks
        .iter()
        .map(|block| match block {
            Block::ToolUse(tool) => (tool.id.as_str(), tool.arguments.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(tools, [("a", r#"{"x": [1]}"#), ("b", r#"{"y":2}"#)]);
    assert_eq!(answer.stop, Stop::ToolUse);
}

#[test]
fn t17_the_unknown_goes_on() {
    let answer = streamed(&sse(&[
        START,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"hologram","x":1}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"hologram_delta","y":1}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"novelty"}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"bored"},"usage":{"output_tokens":-3}}"#,
        STOP,
    ]))
    .unwrap();
    assert!(matches!(&answer.blocks[..], [Block::Opaque(o)] if o.kind == "hologram"));
    assert_eq!(answer.stop, Stop::Other("bored".to_owned()));
    assert_eq!(answer.usage.output, 0);
}

#[test]
fn r4_a_cut_stream_is_never_a_clean_end() {
    let all = recorded();
    let cut = &all[..all.find("event: message_stop").unwrap()];
    for text in ["", ": ping\n\n", cut] {
        let fault = streamed(text).unwrap_err();
        assert_eq!(fault.kind, Kind::Protocol);
        assert!(fault.message.contains("cut"), "{fault}");
    }
}

#[test]
fn t18_errors_in_place_of_an_answer() {
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#;
    assert_eq!(
        streamed(&sse(&[overloaded])).unwrap_err().kind,
        Kind::Overloaded
    );
    assert_eq!(whole(overloaded).unwrap_err().kind, Kind::Overloaded);
    for body in ["<html>", "", "[]", "{}", r#"{"content":7}"#] {
        let fault = whole(body).unwrap_err();
        assert_eq!(fault.kind, Kind::Protocol, "{body}");
    }
    let html = streamed("data: <html>\n\n").unwrap_err();
    assert_eq!(html.kind, Kind::Protocol);
}

#[test]
fn the_usage_object_is_seen_where_it_stands() {
    let data = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}"#;
    let mut decoder = stream::Decoder::default();
    let mut sink: Vec<Event<'static>> = Vec::new();
    let seen = decoder
        .push(&Frame::of_data(data.as_bytes()), &mut sink)
        .unwrap();
    assert_eq!(&data[seen.usage.unwrap()], r#"{"output_tokens":3}"#);
    let seen = decoder
        .push(&Frame::of_data(STOP.as_bytes()), &mut sink)
        .unwrap();
    assert!(seen.last);
    let seen = response::decode(TWIN.as_bytes(), &Asked::default(), &mut sink).unwrap();
    let usage = &TWIN[seen.usage.unwrap()];
    assert!(usage.starts_with(r#"{"input_tokens":12"#) && usage.ends_with("9}}"));
}

fn answer(blocks: Vec<Block>, stop: Stop) -> Answer {
    Answer {
        id: "chatcmpl-1".to_owned(),
        model: "codestral".to_owned(),
        created: 5,
        blocks,
        usage: Usage {
            input_uncached: 10,
            cache_read: 2,
            cache_write: 3,
            output: 4,
            ..Usage::default()
        },
        stop,
    }
}

fn tool(form: ToolForm, arguments: &str) -> Block {
    Block::ToolUse(ToolUse {
        id: "call_1".to_owned(),
        name: "f".to_owned(),
        namespace: None,
        form,
        arguments: arguments.to_owned(),
        cache: None,
    })
}

#[test]
fn the_frames_are_those_of_the_contract() {
    let foreign = Block::Opaque(Opaque {
        dialect: Dialect::OpenaiResponses,
        kind: "web_search_call".to_owned(),
        raw: Raw::of(&1),
    });
    let blocks = vec![
        Block::Text(Text::plain("Hi")),
        foreign,
        tool(ToolForm::Function, r#"{"a":1}"#),
    ];
    let frames = frames_of(&answer(blocks, Stop::End), plain_reply(), Some("0.00075"));
    let expected = r#"event: message_start
data: {"type":"message_start","message":{"id":"chatcmpl-1","type":"message","role":"assistant","model":"codestral","content":[],"stop_reason":null,"stop_sequence":null,"stop_details":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":0,"service_tier":"standard"}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"call_1","name":"f","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null,"stop_details":null},"usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":2,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":0},"output_tokens":4,"service_tier":"standard","cost":0.00075}}

event: message_stop
data: {"type":"message_stop"}

"#;
    assert_eq!(frames, expected);
}

#[test]
fn the_whole_answer_is_that_of_the_contract() {
    let blocks = vec![Block::Text(Text::plain("no"))];
    let body = response::encode(&answer(blocks, Stop::Refusal), &plain_reply(), Some("0"));
    let expected = r#"{"id":"chatcmpl-1","type":"message","role":"assistant","model":"codestral","content":[{"type":"text","text":"no"}],"stop_reason":"refusal","stop_sequence":null,"stop_details":{"type":"refusal","category":null,"explanation":null},"usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":2,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":0},"output_tokens":4,"service_tier":"standard","cost":0}}"#;
    assert_eq!(String::from_utf8(body).unwrap(), expected);
}

#[test]
fn words_of_refusal_are_told_as_one() {
    let answer = answer(vec![Block::Refusal("no".to_owned())], Stop::End);
    let body = response::encode(&answer, &plain_reply(), None);
    for told in [
        String::from_utf8(body).unwrap(),
        frames_of(&answer, plain_reply(), None),
    ] {
        assert!(told.contains(r#""stop_reason":"refusal""#), "{told}");
        assert!(
            told.contains(r#""stop_details":{"type":"refusal""#),
            "{told}"
        );
    }
}

#[test]
fn arguments_that_are_no_object_never_break_the_client() {
    for (form, arguments, input) in [
        (ToolForm::Function, "", "{}"),
        (ToolForm::Function, "[1]", r#"{"arguments":"[1]"}"#),
        (ToolForm::Function, "oops", r#"{"arguments":"oops"}"#),
        (ToolForm::Custom, "*** \"x\"", r#"{"input":"*** \"x\""}"#),
    ] {
        let answer = answer(vec![tool(form, arguments)], Stop::ToolUse);
        let body = response::encode(&answer, &plain_reply(), None);
        let body = String::from_utf8(body).unwrap();
        assert!(body.contains(&format!(r#""input":{input}"#)), "{body}");
        let read = streamed(&frames_of(&answer, plain_reply(), None)).unwrap();
        assert!(matches!(&read.blocks[..], [Block::ToolUse(t)] if t.arguments == input));
    }
}

#[test]
fn t4_thoughts_carry_a_seal_that_brings_them_back() {
    let state = State {
        dialect: Dialect::OpenaiChat,
        provider: None,
        id: None,
        redacted: false,
        data: "secret".to_owned(),
    };
    let thought = Block::Reasoning(Reasoning {
        text: "hm".to_owned(),
        state: Some(state.clone()),
    });
    let answer = answer(vec![thought], Stop::End);
    let omitted = reply(
        r#"{"model":"m","messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive","display":"omitted"}}"#,
    );
    for (reply, shown) in [(plain_reply(), "hm"), (omitted, "")] {
        let read = streamed(&frames_of(&answer, reply.clone(), None)).unwrap();
        let unary = response::encode(&answer, &reply, None);
        assert_eq!(
            whole(std::str::from_utf8(&unary).unwrap()).unwrap().blocks,
            read.blocks
        );
        let [Block::Reasoning(read)] = read.blocks.as_slice() else {
            panic!("{read:?}");
        };
        assert_eq!(read.text, shown);
        let (opened, text) = Plain.open(&read.state.as_ref().unwrap().data).unwrap();
        assert_eq!(text, "hm");
        let expected = State {
            provider: Some("lab".to_owned()),
            ..state.clone()
        };
        assert_eq!(opened, expected);
    }
}

#[test]
fn stops_are_told_by_their_names() {
    let with_stop =
        r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stop_sequences":["END"]}"#;
    for (stop, reason) in [
        (Stop::End, r#""end_turn","stop_sequence":null"#),
        (
            Stop::Sequence(Some("S".to_owned())),
            r#""stop_sequence","stop_sequence":"S""#,
        ),
        (
            Stop::Sequence(None),
            r#""stop_sequence","stop_sequence":"END""#,
        ),
        (Stop::MaxOutput, r#""max_tokens","stop_sequence":null"#),
        (
            Stop::Context,
            r#""model_context_window_exceeded","stop_sequence":null"#,
        ),
        (Stop::Pause, r#""pause_turn","stop_sequence":null"#),
        (
            Stop::Other("x".to_owned()),
            r#""end_turn","stop_sequence":null"#,
        ),
    ] {
        let frames = frames_of(&answer(Vec::new(), stop), reply(with_stop), None);
        assert!(
            frames.contains(&format!(r#""stop_reason":{reason}"#)),
            "{frames}"
        );
    }
}

#[test]
fn m8_another_model_inside_an_answer_is_no_count_of_this_one() {
    let entry = |kind: &str| format!(r#"{{"type":"{kind}","input_tokens":9,"output_tokens":9}}"#);
    for (kinds, others) in [
        (vec!["message", "advisor_message", "message"], 1),
        (vec!["message", "fallback_message", "of_tomorrow"], 2),
        (vec!["message"], 0),
    ] {
        let entries: Vec<String> = kinds.into_iter().map(entry).collect();
        let body = format!(
            r#"{{"content":[],"stop_reason":"end_turn","usage":{{"input_tokens":5,"output_tokens":6,"iterations":[{}]}}}}"#,
            entries.join(",")
        );
        let usage = whole(&body).unwrap().usage;
        assert_eq!((usage.input_uncached, usage.output), (5, 6), "{body}");
        assert_eq!(usage.units, Units::of(Unit::Iteration, others), "{body}");
    }
}

/// What a whole answer and its stream say of one that ended so: at which tier, with which counts.
fn ended(content: &str, end: &str, counts: &str) -> [Usage; 2] {
    let body = format!(r#"{{"content":[{content}],{end},"usage":{counts}}}"#);
    let mut frames = vec![START.replace("12,", "0,").replace("30,", "0,")];
    if !content.is_empty() {
        let block =
            format!(r#"{{"type":"content_block_start","index":0,"content_block":{content}}}"#);
        frames.push(block);
    }
    let delta = format!(r#"{{"type":"message_delta","delta":{{{end}}},"usage":{counts}}}"#);
    frames.extend([delta, STOP.to_owned()]);
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    [
        whole(&body).unwrap().usage,
        streamed(&sse(&frames)).unwrap().usage,
    ]
}

#[test]
fn m1_only_refusals_before_any_output_are_waived() {
    const COUNTS: &str = r#"{"input_tokens":18,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":5,"service_tier":"standard"}"#;
    let refused = |details: &str| format!(r#""stop_reason":"refusal","stop_details":{details}"#);
    let of = |category: &str| refused(&format!(r#"{{"type":"refusal","category":{category}}}"#));
    let text = r#"{"type":"text","text":"I"}"#;
    for (content, end, tier) in [
        ("", of(r#""cyber""#), Tier::Waived),
        ("", of("null"), Tier::Waived),
        ("", of(r#""general_harms""#), Tier::Waived),
        ("", refused("null"), Tier::Waived),
        ("", of(r#""bio""#), Tier::Standard),
        ("", of(r#""frontier_llm""#), Tier::Standard),
        ("", of(r#""reasoning_\u0065xtraction""#), Tier::Standard),
        (text, of(r#""cyber""#), Tier::Standard),
        ("", r#""stop_reason":"end_turn""#.to_owned(), Tier::Standard),
    ] {
        for usage in ended(content, &end, COUNTS) {
            assert_eq!(usage.served.tier, tier, "{content} {end}");
            assert_eq!((usage.input_uncached, usage.output), (18, 5));
        }
    }
}

#[test]
fn m1_only_what_code_called_and_nobody_counted_is_waived() {
    let counts = |input: u8| {
        format!(
            r#"{{"input_tokens":{input},"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0,"service_tier":"standard"}}"#
        )
    };
    let call = |caller: &str| {
        format!(
            r#"{{"type":"tool_use","id":"t","name":"f","input":{{}},"caller":{{"type":"{caller}"}}}}"#
        )
    };
    let code = call("code_execution_20250825");
    for (content, counts, tier) in [
        (&code, counts(0), Tier::Waived),
        (&code, counts(1), Tier::Standard),
        (&call("direct"), counts(0), Tier::Standard),
    ] {
        for usage in ended(content, r#""stop_reason":"tool_use""#, &counts) {
            assert_eq!(usage.served.tier, tier, "{content} {counts}");
        }
    }
}

#[test]
fn an_answer_that_stands_whole_in_its_beginning_is_told() {
    let message = TWIN.replace('\n', "");
    let begun = format!(r#"{{"type":"message_start","message":{message}}}"#);
    let read = streamed(&sse(&[&begun, &begun, STOP])).unwrap();
    let twin = whole(TWIN).unwrap();
    assert_eq!((read.blocks, read.stop), (twin.blocks, twin.stop));
    assert_eq!(read.usage, twin.usage);
}
