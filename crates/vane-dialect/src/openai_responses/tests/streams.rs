//! Decoding: streams as providers send them.

use super::*;
use crate::block::{Reasoning, State, ToolForm};
use crate::dialect::Dialect;
use crate::event::Stop;
use crate::fault::{Blame, Kind};
use crate::openai_responses::response;
use crate::usage::{Tier, Unit};

const CREATED: &str = r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1741476542,"status":"in_progress","model":"gpt-5","output":[],"usage":null}}"#;

fn completed(output: &str) -> String {
    format!(
        r#"{{"type":"response.completed","sequence_number":9,"response":{{"id":"resp_1","created_at":1741476542,"status":"completed","error":null,"incomplete_details":null,"model":"gpt-5","output":[{output}],"service_tier":"flex","usage":{{"input_tokens":100,"input_tokens_details":{{"cached_tokens":60,"cache_write_tokens":10}},"output_tokens":20,"output_tokens_details":{{"reasoning_tokens":5}},"total_tokens":120}}}}}}"#
    )
}

const MESSAGE: &str = r#"{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"Hello"}]}"#;
const CALL: &str = r#"{"id":"fc_1","type":"function_call","status":"completed","arguments":"{\"a\":1}","call_id":"c1","name":"f","namespace":"ns"}"#;

fn text_of(answer: &Answer) -> Vec<&str> {
    let text = answer.blocks.iter().map(|block| match block {
        Block::Text(text) => text.text.as_str(),
        Block::ToolUse(tool) => tool.arguments.as_str(),
        Block::Reasoning(reasoning) => reasoning.text.as_str(),
        Block::Refusal(text) => text.as_str(),
        other => panic!("{other:?}"),
    });
    text.collect()
}

#[test]
fn a_text_answer_with_every_frame() {
    let done =
        format!(r#"{{"type":"response.output_item.done","output_index":0,"item":{MESSAGE}}}"#);
    let end = completed(MESSAGE);
    let frames = [
        CREATED,
        r#"{"type":"response.in_progress","response":{"id":"resp_1"}}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"msg_1","type":"message","content":[]}}"#,
        r#"{"type":"response.content_part.added","item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":""}}"#,
        r#"{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hel","logprobs":[],"obfuscation":"x"}"#,
        r#"{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"lo"}"#,
        r#"{"type":"response.output_text.done","item_id":"msg_1","output_index":0,"content_index":0,"text":"Hello"}"#,
        &done,
        &end,
    ];
    let (events, seen, result) = run(&frames);
    result.unwrap();
    let span = seen.usage.unwrap();
    assert!(end[span.clone()].starts_with(r#"{"input_tokens":100"#));
    assert!(end[span].ends_with(r#""total_tokens":120}"#));
    let answer = collect(events);
    assert_eq!(
        (answer.id.as_str(), answer.model.as_str()),
        ("resp_1", "gpt-5")
    );
    assert_eq!(answer.created, 1_741_476_542);
    assert_eq!(text_of(&answer), ["Hello"]);
    assert_eq!(answer.stop, Stop::End);
    let usage = answer.usage;
    assert_eq!(
        (usage.input_uncached, usage.cache_read, usage.cache_write),
        (30, 60, 10)
    );
    assert_eq!((usage.output, usage.reasoning), (20, 5));
    assert_eq!(usage.served.tier, Tier::Flex);
}

/// The same call told in every way an upstream may choose.
#[test]
fn t1_arguments_are_whole_and_single_wherever_they_stand() {
    let added = r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"fc_1","type":"function_call","arguments":"","call_id":"c1","name":"f","namespace":"ns"}}"#;
    let held = r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"fc_1","type":"function_call","arguments":"{\"a\":1}","call_id":"c1","name":"f","namespace":"ns"}}"#;
    let deltas = [
        r#"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":0,"delta":"{\"a\""}"#,
        r#"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":0,"delta":":1}"}"#,
    ];
    let done = r#"{"type":"response.function_call_arguments.done","item_id":"fc_1","output_index":0,"arguments":"{\"a\":1}"}"#;
    let item = format!(r#"{{"type":"response.output_item.done","output_index":0,"item":{CALL}}}"#);
    let nameless = format!(r#"{{"type":"response.output_item.done","item":{CALL}}}"#);
    let (full, empty) = (completed(CALL), completed(""));
    let ways: [&[&str]; 9] = [
        &[CREATED, added, deltas[0], deltas[1], done, &item, &full],
        &[CREATED, added, done, &item, &full],
        &[CREATED, added, &item, &full],
        &[CREATED, &item, &full],
        &[CREATED, &nameless, &empty],
        &[CREATED, added, &full],
        &[&full],
        &[CREATED, held, &empty],
        &[CREATED, deltas[0], deltas[1], &item, &empty],
    ];
    let whole = &full[full.find(r#"{"id":"resp_1""#).unwrap()..full.len() - 1];
    let mut unary = Answer::default();
    response::decode(whole.as_bytes(), &Asked::default(), &mut unary).unwrap();
    for way in ways {
        assert_eq!(answer(way), unary, "{way:#?}");
    }
    let [Block::ToolUse(tool)] = unary.blocks.as_slice() else {
        panic!("{unary:?}")
    };
    assert_eq!((tool.id.as_str(), tool.name.as_str()), ("c1", "f"));
    assert_eq!(tool.namespace.as_deref(), Some("ns"));
    assert_eq!(tool.arguments, r#"{"a":1}"#);
    assert_eq!(unary.stop, Stop::ToolUse);
}

#[test]
fn t3_parallel_calls_in_any_interleaving() {
    let added = |i: u8| {
        format!(
            r#"{{"type":"response.output_item.added","output_index":{i},"item":{{"id":"fc_{i}","type":"function_call","arguments":"","call_id":"c{i}","name":"f{i}"}}}}"#
        )
    };
    let delta = |i: u8, text: &str| {
        format!(
            r#"{{"type":"response.function_call_arguments.delta","output_index":{i},"item_id":"other_each_time","delta":"{text}"}}"#
        )
    };
    let frames = [
        CREATED.to_owned(),
        added(0),
        added(1),
        delta(1, "{\\\"x\\\":"),
        delta(0, "{"),
        delta(1, "1}"),
        delta(0, "}"),
        completed(""),
    ];
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    assert_eq!(text_of(&answer(&frames)), ["{}", "{\"x\":1}"]);
}

#[test]
fn reasoning_parts_are_paragraphs_and_state_comes_with_them() {
    let item = r#"{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"One"},{"type":"summary_text","text":"Two"}],"encrypted_content":"gAAA"}"#;
    let done = format!(r#"{{"type":"response.output_item.done","output_index":0,"item":{item}}}"#);
    let (full, end) = (completed(&format!("{item},{MESSAGE}")), completed(""));
    let expected = Block::Reasoning(Reasoning {
        text: "One\n\nTwo".into(),
        state: Some(State {
            dialect: Dialect::OpenaiResponses,
            provider: None,
            id: Some("rs_1".into()),
            redacted: false,
            data: "gAAA".into(),
        }),
    });
    let frames = [
        CREATED,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"early"}}"#,
        r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"One"}"#,
        r#"{"type":"response.reasoning_summary_text.done","output_index":0,"summary_index":0,"text":"One"}"#,
        r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"Two"}"#,
        &done,
        &end,
    ];
    assert_eq!(answer(&frames).blocks, std::slice::from_ref(&expected));
    let told = answer(&[CREATED, &full]);
    assert_eq!(told.blocks[0], expected);
    assert_eq!(told.blocks.len(), 2);
}

#[test]
fn open_reasoning_text_is_read() {
    let end = completed("");
    let frames = [
        CREATED,
        r#"{"type":"response.reasoning_text.delta","item_id":"rs","output_index":0,"content_index":0,"delta":"Hmm"}"#,
        r#"{"type":"response.output_text.delta","item_id":"msg","output_index":1,"content_index":0,"delta":"Yes"}"#,
        r#"{"type":"response.output_text.delta","item_id":"msg","output_index":1,"content_index":1,"delta":"Part"}"#,
        &end,
    ];
    assert_eq!(text_of(&answer(&frames)), ["Hmm", "Yes", "Part"]);
}

#[test]
fn custom_calls_refusals_and_hosted_items() {
    let search = r#"{"type":"web_search_call", "id":"ws_1","status":"completed","action":{"type":"search","query":"q"}}"#;
    let opened = r#"{"type":"web_search_call","id":"ws_2","action":{"type":"open_page"}}"#;
    let custom =
        r#"{"type":"custom_tool_call","id":"ctc_1","call_id":"c","name":"patch","input":"*** x"}"#;
    let refusal = r#"{"type":"message","id":"m","content":[{"type":"refusal","refusal":"No."}]}"#;
    let end = completed(&[search, opened, custom, refusal].join(","));
    let answer = answer(&[&end]);
    assert!(matches!(&answer.blocks[0], Block::Opaque(o) if o.raw.get() == search));
    assert!(matches!(&answer.blocks[2], Block::ToolUse(t)
        if t.form == ToolForm::Custom && t.arguments == "*** x"));
    assert_eq!(answer.blocks[3], Block::Refusal("No.".into()));
    assert_eq!(answer.usage.units.get(Unit::WebSearch), 1);
    assert_eq!(answer.stop, Stop::Refusal);
}

/// xAI shows every search that was tried and bills those that found something: these it counts.
#[test]
fn searches_that_failed_are_not_counted_where_the_others_are() {
    let search = |id: u8| {
        format!(
            r#"{{"type":"web_search_call","id":"ws_{id}","status":"completed","action":{{"type":"search","query":"q"}}}}"#
        )
    };
    let items = [search(1), search(2), search(3)].join(",");
    for (usage, searches) in [
        (
            r#"{"input_tokens":1,"output_tokens":1,"num_sources_used":4,"server_side_tool_usage_details":{"web_search_calls":1,"x_search_calls":0}}"#,
            1,
        ),
        (
            r#"{"input_tokens":1,"output_tokens":1,"num_sources_used":4,"server_side_tool_usage_details":{"web_search_calls":0}}"#,
            0,
        ),
        (
            r#"{"input_tokens":1,"output_tokens":1,"num_sources_used":4}"#,
            3,
        ),
        (
            r#"{"input_tokens":1,"output_tokens":1,"num_sources_used":4,"server_side_tool_usage_details":null}"#,
            3,
        ),
    ] {
        let end = format!(
            r#"{{"type":"response.completed","response":{{"id":"r","status":"completed","output":[{items}],"usage":{usage}}}}}"#
        );
        let units = answer(&[CREATED, &end]).usage.units;
        assert_eq!(units.get(Unit::WebSearch), searches, "{usage}");
        assert_eq!(units.get(Unit::Source), 4);
    }
}

#[test]
fn incomplete_says_why() {
    for (reason, stop) in [
        ("max_output_tokens", Stop::MaxOutput),
        ("content_filter", Stop::Refusal),
        ("moonrise", Stop::Other("moonrise".into())),
    ] {
        let frame = format!(
            r#"{{"type":"response.incomplete","response":{{"status":"incomplete","incomplete_details":{{"reason":"{reason}"}},"output":[{MESSAGE}]}}}}"#
        );
        assert_eq!(answer(&[CREATED, &frame]).stop, stop);
    }
}

#[test]
fn t18_failures_have_the_right_kind_before_any_content() {
    for (code, kind, blame) in [
        (
            "\"rate_limit_exceeded\"",
            Kind::RateLimited,
            Blame::Upstream,
        ),
        ("\"insufficient_quota\"", Kind::NoFunds, Blame::ProviderKey),
        (
            "\"context_length_exceeded\"",
            Kind::ContextLength,
            Blame::Caller,
        ),
        ("\"server_error\"", Kind::Upstream, Blame::Upstream),
        ("\"invalid_prompt\"", Kind::Invalid, Blame::Caller),
        ("503", Kind::Overloaded, Blame::Upstream),
        ("null", Kind::Upstream, Blame::Upstream),
    ] {
        let frames = [
            format!(
                r#"{{"type":"response.failed","response":{{"status":"failed","error":{{"code":{code},"message":"Sorry."}},"output":[],"usage":null}}}}"#
            ),
            format!(r#"{{"type":"error","code":{code},"message":"Sorry.","param":null}}"#),
            format!(r#"{{"type":"error","error":{{"code":{code},"message":"Sorry."}}}}"#),
            format!(r#"{{"error":{{"code":{code},"message":"Sorry."}}}}"#),
        ];
        for frame in &frames {
            let (events, _, result) = run(&[CREATED, frame]);
            let fault = result.unwrap_err();
            assert_eq!((fault.kind, fault.blame), (kind, blame), "{frame}");
            assert_eq!(fault.message, "Sorry.");
            assert!(!events.iter().any(Event::is_content));
        }
        let mut events: Vec<Event<'static>> = Vec::new();
        let fault = response::decode(frames[3].as_bytes(), &Asked::default(), &mut events);
        assert_eq!(fault.unwrap_err().kind, kind);
    }
}

#[test]
fn t18_html_and_emptiness_are_protocol_faults() {
    for body in [
        "",
        "<html>502</html>",
        "[]",
        "{}",
        "{\"status\":\"queued\"}",
    ] {
        let mut events: Vec<Event<'static>> = Vec::new();
        let fault = response::decode(body.as_bytes(), &Asked::default(), &mut events);
        let fault = fault.unwrap_err();
        assert_eq!(fault.kind, Kind::Protocol, "{body}");
        assert!(!fault.message.contains("502"));
        assert!(events.is_empty());
    }
}

#[test]
fn a_stream_without_its_end_was_cut() {
    let delta =
        r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"x"}"#;
    for frames in [
        &[][..],
        &[CREATED],
        &[CREATED, delta],
        &[CREATED, delta, "[DONE]"],
    ] {
        let (_, _, result) = run(frames);
        assert_eq!(result.unwrap_err().kind, Kind::Protocol);
    }
}

#[test]
fn t17_unknown_frames_and_counts_out_of_range_do_not_fail() {
    let end = r#"{"type":"response.completed","response":{"created_at":12.5,"output":null,"usage":{"input_tokens":-4,"output_tokens":99999999999999999999,"input_tokens_details":null}}}"#;
    let odd = r#"{"type":"response.tomorrow","delta":{"x":1},"item":[],"text":3}"#;
    let answer = answer(&[odd, end]);
    assert_eq!(answer.usage, crate::Usage::default());
    assert_eq!(answer.created, 12);
}

#[test]
fn text_that_cannot_be_read_is_not_lost_unseen() {
    let lone = r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"\ud83d"}"#;
    let (_, _, result) = run(&[CREATED, lone]);
    assert_eq!(result.unwrap_err().kind, Kind::Protocol);
}

#[test]
fn t3_calls_that_share_an_index_or_have_none_stay_apart() {
    let item = |i: u8| {
        format!(
            r#"{{"type":"function_call","call_id":"c{i}","name":"f","arguments":"{{\"n\":{i}}}"}}"#
        )
    };
    let frame = |kind: &str, index: &str, i: u8| {
        format!(
            r#"{{"type":"response.output_item.{kind}",{index}"item":{}}}"#,
            item(i)
        )
    };
    for index in ["\"output_index\":0,", ""] {
        let frames = [
            CREATED.to_owned(),
            frame("added", index, 1),
            frame("added", index, 2),
            frame("done", index, 1),
            frame("done", index, 2),
            completed(&[item(1), item(2)].join(",")),
        ];
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        assert_eq!(text_of(&answer(&frames)), [r#"{"n":1}"#, r#"{"n":2}"#]);
    }
}
