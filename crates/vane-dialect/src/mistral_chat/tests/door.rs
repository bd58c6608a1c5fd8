//! Calls as Mistral's clients write them.

use super::decode;
use crate::block::{Block, Source};
use crate::call::{Effort, Format, ReasoningMode, Role, Tool, ToolChoice};
use crate::dialect::Dialect;
use crate::seal::Plain;
use serde_json::json;

const FULL: &str = r#"{"model":"m","messages":[
 {"role":"system","content":"s"},
 {"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":"data:image/png;base64,AA"},{"type":"image_url","image_url":{"url":"https://x","detail":"low"}},{"type":"document_url","document_url":"https://d","document_name":"n"},{"type":"file","file_id":"f"},{"type":"input_audio","input_audio":"QQ"},{"type":"new","x":1}]},
 {"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"h"},{"type":"text","text":"m"}]},{"type":"text","text":"ok"}],"tool_calls":[{"id":"aaaaaaaaa","function":{"name":"f","arguments":{"b": 1}}},{"id":"null","function":{"name":"g","arguments":"{}"}}]},
 {"role":"tool","name":"f","tool_call_id":"aaaaaaaaa","content":"1"},
 {"role":"tool","content":[{"type":"text","text":"2"}]},
 {"role":"user","content":"go"},
 {"role":"assistant","content":"fn ","prefix":true}],
 "temperature":0.5,"max_tokens":7,"min_tokens":1,"stop":"x","random_seed":3,"stream":true,
 "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"z":1, "a":2}}},
 "tools":[{"type":"function","function":{"name":"f","parameters":{ "type":"object" },"strict":false}},{"type":"web_search"}],
 "tool_choice":"any","reasoning_effort":"high","prompt_cache_key":"k","safe_prompt":true,"new_field":{"a" :1},"n":null}"#;

#[test]
fn the_whole_body_is_read() {
    let chat = decode(FULL);
    let roles: Vec<Role> = chat.turns.iter().map(|turn| turn.role).collect();
    assert_eq!(
        roles,
        [
            Role::System,
            Role::User,
            Role::Assistant,
            Role::User,
            Role::Assistant
        ]
    );
    assert!(chat.turns[4].prefill && chat.stream.on);
    assert_eq!(
        (chat.sampling.max_output, chat.sampling.seed),
        (Some(7), Some(3))
    );
    assert_eq!(chat.sampling.stop, ["x"]);
    assert_eq!(chat.tool_choice, Some(ToolChoice::Required));
    assert_eq!(chat.reasoning.effort, Some(Effort::High));
    assert!(
        matches!(&chat.format, Format::JsonSchema { schema, .. } if schema.get() == r#"{"z":1, "a":2}"#)
    );
    assert!(matches!(&chat.tools[1], Tool::Hosted { kind, .. } if kind == "web_search"));
    let extras: Vec<_> = chat
        .extras
        .iter()
        .map(|e| (&*e.name, e.value.get()))
        .collect();
    assert_eq!(
        extras,
        [("safe_prompt", "true"), ("new_field", r#"{"a" :1}"#)]
    );
}

#[test]
fn parts_become_blocks() {
    let chat = decode(FULL);
    let blocks = &chat.turns[1].blocks;
    assert!(
        matches!(&blocks[1], Block::Image(image) if matches!(&image.source, Source::Base64 { data, .. } if data == "AA"))
    );
    assert!(
        matches!(&blocks[3], Block::Document(document) if document.title.as_deref() == Some("n"))
    );
    let file = Source::File {
        dialect: Dialect::MistralChat,
        id: "f".into(),
    };
    assert!(matches!(&blocks[4], Block::Document(document) if document.source == file));
    assert!(
        matches!(&blocks[6], Block::Opaque(opaque) if opaque.raw.get() == r#"{"type":"new","x":1}"#)
    );
    assert!(
        matches!(&chat.turns[2].blocks[0], Block::Reasoning(r) if r.text == "hm" && r.state.is_none())
    );
}

#[test]
fn t20_results_and_the_words_after_them_are_one_turn() {
    let chat = decode(FULL);
    let Block::ToolUse(first) = &chat.turns[2].blocks[2] else {
        panic!()
    };
    let Block::ToolUse(second) = &chat.turns[2].blocks[3] else {
        panic!()
    };
    assert_eq!(
        (&*first.arguments, &*second.id),
        (r#"{"b": 1}"#, "call_2_1")
    );
    let results: Vec<&str> = chat.turns[3]
        .blocks
        .iter()
        .map(|block| match block {
            Block::ToolResult(result) => &*result.id,
            _ => "text",
        })
        .collect();
    assert_eq!(results, ["aaaaaaaaa", "call_2_1", "text"]);
}

#[test]
fn a_foreign_signature_is_kept_and_an_effort_of_none_is_off() {
    let chat = decode(&json!({"model": "m", "reasoning_effort": "none", "messages": [
        {"role": "assistant", "content": [{"type": "thinking", "thinking": [], "signature": "native"}]}
    ]}).to_string());
    assert_eq!(chat.reasoning.mode, ReasoningMode::Off);
    let Block::Reasoning(reasoning) = &chat.turns[0].blocks[0] else {
        panic!()
    };
    let state = reasoning.state.as_ref().unwrap();
    assert_eq!(
        (&*state.data, state.dialect, &state.provider),
        ("native", Dialect::MistralChat, &None)
    );
}

#[test]
fn t13_a_wrong_body_names_its_place() {
    for (body, param) in [
        (r#"{"model":"m"}"#, "messages"),
        (r#"{"messages":[]}"#, "model"),
        (
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":7}]}]}"#,
            "messages[0].content[0].text",
        ),
        (
            r#"{"model":"m","messages":[{"role":"wizard","content":"x"}]}"#,
            "messages[0].role",
        ),
        (
            r#"{"model":"m","messages":[{"role":"user","content":5}]}"#,
            "messages[0].content",
        ),
        (
            r#"{"model":"m","messages":[],"tools":[{"type":"function"}]}"#,
            "tools[0].function",
        ),
        (
            r#"{"model":"m","messages":[],"tool_choice":"perhaps"}"#,
            "tool_choice",
        ),
        (
            r#"{"model":"m","messages":[],"temperature":"hot"}"#,
            "temperature",
        ),
        (
            r#"{"model":"m","messages":[],"reasoning_effort":"huge"}"#,
            "reasoning_effort",
        ),
    ] {
        let fault = super::super::request::decode(body.as_bytes(), &Plain).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some(param), "{body}: {fault}");
    }
    for body in ["", "[]", "{\"model\":1,\"model\":2}", "{} x"] {
        assert!(
            super::super::request::decode(body.as_bytes(), &Plain).is_err(),
            "{body}"
        );
    }
}
