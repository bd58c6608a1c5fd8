use super::*;
use crate::block::{Block, Reasoning, State, Text, ToolForm, ToolUse};
use crate::dialect::Dialect;
use crate::event::Stop;
use crate::usage::{Tier, Usage};

fn text(text: &str) -> Block {
    Block::Text(Text::plain(text))
}

fn tool(id: &str, name: &str, arguments: &str) -> Block {
    Block::ToolUse(ToolUse {
        id: id.into(),
        name: name.into(),
        namespace: None,
        form: ToolForm::Function,
        arguments: arguments.into(),
        cache: None,
    })
}

#[test]
fn of_a_key_that_stands_twice_the_last_counts() {
    // As clients read it: one answer must not be another to the books than to whom it is billed.
    let body = r#"{"choices":[{"index":0,"message":{"content":"no"},"message":{"content":"yes"}}],"usage":{"prompt_tokens":1,"completion_tokens":1},"usage":{"prompt_tokens":9,"completion_tokens":2}}"#;
    let mut answer = Answer::default();
    let seen = response::decode(body.as_bytes(), &Asked::default(), &mut answer).unwrap();
    assert_eq!(answer.blocks, [text("yes")]);
    assert_eq!(answer.usage.input_uncached, 9);
    assert!(body[seen.usage.unwrap()].contains('9'));
}

#[test]
fn a_whole_answer_says_where_its_usage_stands() {
    let body = r#"{"id":"chatcmpl-9","object":"chat.completion","created":1796000000,"model":"gpt","choices":[{"index":0,"message":{"role":"assistant","content":"Hi","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11},"service_tier":"flex"}"#;
    let mut answer = Answer::default();
    let seen = response::decode(body.as_bytes(), &Asked::default(), &mut answer).unwrap();
    let usage = &body[seen.usage.unwrap()];
    assert_eq!(
        usage,
        r#"{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}"#
    );
    assert_eq!(answer.blocks, [text("Hi")]);
    assert_eq!(
        (answer.id.as_str(), answer.created),
        ("chatcmpl-9", 1_796_000_000)
    );
    assert_eq!(answer.usage.served.tier, Tier::Flex);
    assert_eq!(answer.usage.input_uncached, 9);
}

#[test]
fn t2_an_empty_tool_calls_list_opens_no_block() {
    let answer = whole(r#"{"id":"1","model":"m","choices":[{"message":{"content":"x","tool_calls":[],"reasoning_content":""},"finish_reason":"stop"}]}"#).unwrap();
    assert_eq!(answer.blocks, [text("x")]);
    assert_eq!(answer.stop, Stop::End);
}

#[test]
fn t10_empty_arguments_stay_an_empty_object() {
    for arguments in [r#""{}""#, "{}", "\"\"", "null"] {
        let answer = whole(&format!(r#"{{"id":"1","model":"m","choices":[{{"message":{{"content":null,"tool_calls":[{{"id":"a","function":{{"name":"f","arguments":{arguments}}}}}]}},"finish_reason":"tool_calls"}}]}}"#)).unwrap();
        assert_eq!(answer.blocks, [tool("a", "f", "{}")], "{arguments}");
    }
}

#[test]
fn arguments_as_an_object_keep_their_bytes() {
    let answer = whole(r#"{"id":"1","model":"m","choices":[{"message":{"content":"","tool_calls":[{"id":"a","function":{"name":"f","arguments":{ "b":1.0, "a":2 }}}]},"finish_reason":"stop"}]}"#).unwrap();
    assert_eq!(answer.blocks, [tool("a", "f", r#"{ "b":1.0, "a":2 }"#)]);
    // "stop" beside calls means calls.
    assert_eq!(answer.stop, Stop::ToolUse);
}

#[test]
fn content_as_an_object_is_its_own_bytes() {
    // Cloudflare's, where a schema was asked for.
    let said = r#"{"title": "Apples","n":1.0}"#;
    let answer = whole(&format!(r#"{{"id":"1","model":"m","choices":[{{"message":{{"content":{said}}},"finish_reason":"stop"}}]}}"#)).unwrap();
    assert_eq!(answer.blocks, [text(said)]);
}

#[test]
fn content_as_parts_with_databricks_reasoning() {
    let answer = whole(r#"{"id":"1","model":"m","choices":[{"message":{"content":[{"type":"reasoning","summary":[{"type":"summary_text","text":"hm","signature":"s"}]},{"type":"text","text":"x"}]},"finish_reason":"stop"}]}"#).unwrap();
    let thought = Reasoning {
        text: "hm".into(),
        state: None,
    };
    assert_eq!(answer.blocks, [Block::Reasoning(thought), text("x")]);
}

#[test]
fn calls_without_ids_in_answers_without_ids_are_named_after_our_own() {
    // Gemini's: two turns of one conversation must not name their calls alike.
    let body = r#"{"id":"","model":"m","choices":[{"message":{"tool_calls":[{"id":"","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#;
    for ours in ["req_1", "req_2"] {
        let asked = Asked {
            answer_id: ours.into(),
            ..Asked::default()
        };
        let mut answer = Answer::default();
        response::decode(body.as_bytes(), &asked, &mut answer).unwrap();
        let named = format!("call_{}_0", ours.replace('_', ""));
        assert_eq!(answer.blocks, [tool(&named, "f", "{}")]);
    }
}

#[test]
fn content_as_parts_with_thinking() {
    let answer = whole(r#"{"id":"1","model":"m","choices":[{"message":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"x"}]},"finish_reason":"stop"}]}"#).unwrap();
    let thought = Reasoning {
        text: "hm".into(),
        state: None,
    };
    assert_eq!(answer.blocks, [Block::Reasoning(thought), text("x")]);
}

#[test]
fn reasoning_under_two_names_is_told_once() {
    let answer = whole(r#"{"id":"1","model":"m","choices":[{"message":{"content":"x","reasoning":"hm","reasoning_content":"hm"},"finish_reason":"stop"}]}"#).unwrap();
    assert_eq!(answer.blocks.len(), 2);
    assert!(matches!(&answer.blocks[0], Block::Reasoning(r) if r.text == "hm"));
}

#[test]
fn t4_native_reasoning_details_become_state() {
    let details = r#"[{"type":"reasoning.text", "text":"hm","signature":"s"}]"#;
    let answer = whole(&format!(r#"{{"id":"1","model":"m","choices":[{{"message":{{"content":"x","reasoning":"hm","reasoning_details":{details}}},"finish_reason":"stop"}}]}}"#)).unwrap();
    let Block::Reasoning(reasoning) = &answer.blocks[0] else {
        panic!("{:?}", answer.blocks)
    };
    assert_eq!(reasoning.text, "hm");
    assert_eq!(reasoning.state.as_ref().unwrap().data, details);
    assert_eq!(answer.blocks.len(), 2);
}

#[test]
fn custom_tools_and_namespaces_are_turned_back() {
    let asked = Asked {
        custom: vec!["patch".into()],
        renamed: vec![("fs__read".into(), "fs".into(), "read".into())],
        ids: vec![("abcdefghi".into(), "call_1".into())],
        prefill: None,
        ..Asked::default()
    };
    let body = r#"{"id":"1","model":"m","choices":[{"message":{"content":null,"tool_calls":[
        {"id":"abcdefghi","type":"function","function":{"name":"patch","arguments":"{\"input\": \"a\\nb\"}"}},
        {"id":"x","type":"function","function":{"name":"fs__read","arguments":"{\"p\":1}"}}]},"finish_reason":"tool_calls"}]}"#;
    let mut answer = Answer::default();
    response::decode(body.as_bytes(), &asked, &mut answer).unwrap();
    let [Block::ToolUse(patch), Block::ToolUse(read)] = answer.blocks.as_slice() else {
        panic!("{:?}", answer.blocks)
    };
    assert_eq!(
        (patch.id.as_str(), patch.form),
        ("call_1", ToolForm::Custom)
    );
    assert_eq!(patch.arguments, "a\nb");
    assert_eq!(
        (read.name.as_str(), read.namespace.as_deref()),
        ("read", Some("fs"))
    );
}

fn rich() -> Answer {
    Answer {
        id: "msg_1".into(),
        model: "m".into(),
        created: 5,
        blocks: vec![
            Block::Reasoning(Reasoning {
                text: "hm".into(),
                state: Some(State {
                    dialect: Dialect::AnthropicMessages,
                    provider: None,
                    id: None,
                    redacted: false,
                    data: "sig".into(),
                }),
            }),
            text("a\"b"),
            tool("t1", "f", "{\"x\":1}"),
        ],
        usage: Usage::from_inclusive(10, 4, 0, 6, 2),
        stop: Stop::ToolUse,
    }
}

#[test]
fn the_whole_answer_as_clients_expect_it() {
    let out = response::encode(&rich(), &reply(Chat::default()), Some("0.00075"));
    let sealed = r#"vane1.[\"anthropic_messages\",\"lab\",null,false,\"sig\",\"hm\"]"#;
    let expected = format!(
        r#"{{"id":"msg_1","object":"chat.completion","created":5,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"a\"b","refusal":null,"reasoning_content":"hm","reasoning_details":[{{"type":"reasoning.encrypted","index":0,"data":"{sealed}"}}],"tool_calls":[{{"id":"t1","type":"function","function":{{"name":"f","arguments":"{{\"x\":1}}"}}}}]}},"logprobs":null,"finish_reason":"tool_calls"}}],"usage":{{"prompt_tokens":10,"completion_tokens":6,"total_tokens":16,"prompt_tokens_details":{{"cached_tokens":4,"cache_write_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":2}},"cost":0.00075}}}}"#
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn the_streamed_answer_as_clients_expect_it() {
    let frames = encoded_stream(&rich(), Chat::default(), Some("0.00075"));
    let head = r#"{"id":"msg_1","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":"#;
    let tail = r#","finish_reason":null}]}"#;
    let deltas: Vec<&str> = frames[..frames.len() - 2]
        .iter()
        .map(|frame| {
            frame
                .strip_prefix(head)
                .unwrap()
                .strip_suffix(tail)
                .unwrap()
        })
        .collect();
    assert_eq!(
        deltas,
        [
            r#"{"role":"assistant","content":""}"#,
            r#"{"reasoning_content":"hm"}"#,
            r#"{"reasoning_details":[{"type":"reasoning.encrypted","index":0,"data":"vane1.[\"anthropic_messages\",\"lab\",null,false,\"sig\",\"hm\"]"}]}"#,
            r#"{"content":"a\"b"}"#,
            r#"{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]}"#,
        ]
    );
    let finish = &frames[frames.len() - 2];
    assert!(
        finish.contains(r#""delta":{},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":10"#)
    );
    assert!(finish.ends_with(r#""cost":0.00075}}"#));
    assert_eq!(frames.last().unwrap(), "[DONE]");
}

#[test]
fn t15_the_usage_chunk_is_sent_only_when_asked_and_usage_is_told_once() {
    let quiet = encoded_stream(&rich(), Chat::default(), None);
    assert!(!quiet.iter().any(|frame| frame.contains(r#""choices":[]"#)));
    let asked = chat(
        r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true,"stream_options":{"include_usage":true}}"#,
    );
    let frames = encoded_stream(&rich(), asked, None);
    let last = &frames[frames.len() - 2];
    assert!(last.contains(r#""choices":[],"usage":{"#));
    for frame in &frames[..frames.len() - 2] {
        assert!(frame.contains(r#""usage":null"#), "{frame}");
        assert!(frame.contains(r#""finish_reason":"#), "{frame}");
    }
}

#[test]
fn old_functions_are_answered_with_function_call() {
    let old = || {
        chat(
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"functions":[{"name":"f"}]}"#,
        )
    };
    let out = response::encode(&rich(), &reply(old()), None);
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains(r#""function_call":{"name":"f","arguments":"{\"x\":1}"}},"#));
    assert!(out.contains(r#""finish_reason":"function_call""#));
    let frames = encoded_stream(&rich(), old(), None).concat();
    assert!(frames.contains(r#"{"function_call":{"name":"f","arguments":"{\"x\":1}"}}"#));
    assert!(!frames.contains("tool_calls"));
}

#[test]
fn t18_a_body_that_is_no_answer_is_a_fault() {
    for body in [
        "",
        "<html></html>",
        "{}",
        r#"{"choices":[]}"#,
        "[]",
        "null",
        r#"{"usage":{"prompt_tokens":1}}"#,
    ] {
        assert_eq!(
            whole(body).unwrap_err().kind,
            crate::fault::Kind::Protocol,
            "{body}"
        );
    }
    let fault = whole(r#"{"error":{"message":"m","type":"invalid_request_error"}}"#).unwrap_err();
    assert_eq!(fault.kind, crate::fault::Kind::Invalid);
}

/// Xinference numbers nothing and gives every call of an answer one id, Vertex the tool's name.
#[test]
fn t3_calls_that_share_an_id_in_a_whole_answer_are_calls_of_their_own() {
    let answer = |calls: &str| {
        whole(&format!(
            r#"{{"id":"c","model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":null,"tool_calls":[{calls}]}},"finish_reason":"tool_calls"}}]}}"#
        ))
        .unwrap()
    };
    let add = |index: &str, sum: &str| {
        format!(
            r#"{{{index}"id":"add","type":"function","function":{{"name":"add","arguments":"{{\"a\":{sum}}}"}}}}"#
        )
    };
    for calls in [
        [add("", "1"), add("", "2"), add("", "2")],
        [
            add(r#""index":0,"#, "1"),
            add(r#""index":0,"#, "2"),
            add("", "2"),
        ],
    ] {
        assert_eq!(
            answer(&calls.join(",")).blocks,
            [
                tool("add", "add", r#"{"a":1}"#),
                tool("add_1", "add", r#"{"a":2}"#),
                tool("add_2", "add", r#"{"a":2}"#),
            ]
        );
    }
    // An entry that says nothing is none.
    let blank = format!(
        r#"{},{{"type":"function","function":{{"arguments":""}}}}"#,
        add("", "1")
    );
    assert_eq!(answer(&blank).blocks.len(), 1);
}
