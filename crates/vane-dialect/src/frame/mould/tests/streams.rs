//! Any stream is decoded alike with the mould and without it, whatever its frames are.

use crate::codec::Decoder;
use crate::exchange::{Asked, Tags};
use crate::frame::sse::Frame;
use crate::{Dialect, Event, Sink};
use proptest::prelude::*;
use std::cell::Cell;

thread_local! {
    static OFF: Cell<bool> = const { Cell::new(false) };
}

/// Whether moulds are out of use on this thread.
pub(in super::super) fn is_off() -> bool {
    OFF.get()
}

#[derive(Default)]
struct Heard(Vec<String>);

impl Sink for Heard {
    fn event(&mut self, event: Event<'_>) {
        self.0.push(format!("{event:?}"));
    }
}

/// Everything that comes of a stream: events, what was seen in each frame, and the fault.
fn decoded(dialect: Dialect, asked: &Asked, frames: &[String], off: bool) -> Vec<String> {
    OFF.set(off);
    let mut decoder = Decoder::new(dialect, asked.clone()).unwrap();
    let mut heard = Heard::default();
    for frame in frames {
        let bytes = format!("data: {frame}\n\n");
        let seen = decoder.push(&Frame::parse(bytes.as_bytes()), &mut heard);
        heard.0.push(format!("{seen:?}"));
        if seen.is_err() {
            break;
        }
    }
    let end = decoder.finish(&mut heard);
    heard.0.push(format!("{end:?}"));
    OFF.set(false);
    heard.0
}

fn check(dialect: Dialect, asked: &Asked, frames: &[String]) {
    let with = decoded(dialect, asked, frames, false);
    let without = decoded(dialect, asked, frames, true);
    assert_eq!(with, without, "{frames:#?}");
}

/// Fills a template: `TEXT` becomes a string, `PAD` some padding.
fn filled(template: &str, text: &str, padding: &str) -> String {
    let text = serde_json::to_string(text).unwrap();
    template.replace("TEXT", &text).replace("PAD", padding)
}

/// Streams of these templates, each often several times in a row.
fn streams(templates: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    let text = prop_oneof![
        3 => "[a-z \"\\\\\n漢]{0,6}",
        1 => "",
        1 => "<think>|</think>|<thought>|</thought>|<th|ink>|\\{\"a\":|1\\}|\\{\\}",
    ];
    let run = prop::collection::vec((text, "[a-zA-Z0-9]{0,5}"), 1..4);
    let runs = prop::collection::vec((0..templates.len(), run), 0..12);
    runs.prop_map(move |runs| {
        let said = runs
            .into_iter()
            .flat_map(|(at, run)| run.into_iter().map(move |said| (templates[at], said)));
        said.map(|(template, (text, padding))| filled(template, &text, &padding))
            .collect()
    })
}

fn asked() -> impl Strategy<Value = Asked> {
    let tags = prop::sample::select(vec![None, Some(Tags::Think), Some(Tags::Thought)]);
    (tags, any::<bool>()).prop_map(|(tags, prefill)| Asked {
        tags,
        prefill: prefill.then(|| "a".to_owned()),
        custom: vec!["free".to_owned()],
        ..Asked::default()
    })
}

const CHAT: &[&str] = &[
    r#"{"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
    r#"{"id":"c","choices":[{"index":0,"delta":{"content":TEXT},"finish_reason":null}]}"#,
    r#"{"id":"c","choices":[{"index":0,"delta":{"content":TEXT}}],"obfuscation":"PAD"}"#,
    r#"{"id":"c","service_tier":"default","choices":[{"index":0,"delta":{"content":TEXT}}]}"#,
    r#"{"id":"c","service_tier":"flex","choices":[{"index":0,"delta":{"content":TEXT}}]}"#,
    r#"{"id":"c","choices":[{"index":1,"delta":{"content":TEXT}}]}"#,
    r#"{"choices":[{"delta":{"content":null,"reasoning_content":TEXT}}]}"#,
    r#"{"choices":[{"delta":{"content":"","reasoning":TEXT}}]}"#,
    r#"{"choices":[{"delta":{"reasoning":TEXT,"reasoning_details":[{"type":"reasoning.text","text":TEXT,"index":0}]}}]}"#,
    r#"{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":"eA=="}]}}]}"#,
    r#"{"choices":[{"delta":{"content":TEXT,"extra_content":{"google":{"thought_signature":"c2ln"}}}}]}"#,
    r#"{"choices":[{"delta":{"refusal":TEXT}}]}"#,
    r#"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":TEXT}]}]}}]}"#,
    r#"{"choices":[{"text":TEXT,"index":0}]}"#,
    r#"{"choices":[{"text":TEXT,"delta":{"content":TEXT}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"t","function":{"name":"f","arguments":TEXT}}]}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"u","function":{"name":"free","arguments":TEXT}}]}}]}"#,
    r#"{"choices":[{"delta":{"content":TEXT,"tool_calls":[]}}]}"#,
    r#"{"choices":[{"delta":{"content":TEXT}}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
    r#"{"choices":[{"delta":{"content":TEXT},"finish_reason":"stop"}]}"#,
    r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
    "[DONE]",
];

const MISTRAL: &[&str] = &[
    r#"{"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
    r#"{"id":"c","choices":[{"index":0,"delta":{"content":TEXT},"finish_reason":null}],"p":"PAD"}"#,
    r#"{"id":"c","choices":[{"index":0,"delta":{"content":TEXT}}]}"#,
    r#"{"id":"c","choices":[{"index":1,"delta":{"content":TEXT}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":TEXT}]}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":[{"type":"text","text":TEXT}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":[{"type":"reference","reference_ids":[1]}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"abcdefghi","function":{"name":"f","arguments":TEXT}}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":TEXT},"finish_reason":"stop"}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":TEXT}}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#,
    "[DONE]",
];

const ANTHROPIC: &[&str] = &[
    r#"{"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":3,"output_tokens":1}}}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":TEXT}}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
    r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
    r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"u","name":"free","input":{}}}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"compaction","content":""}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":TEXT}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":TEXT,"content":"more"}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":TEXT}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":TEXT}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"compaction_delta","content":TEXT}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":TEXT}}"#,
    r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":TEXT}}"#,
    r#"{"type":"content_block_stop","index":0}"#,
    r#"{"type":"content_block_stop","index":1}"#,
    r#"{"type":"ping"}"#,
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}"#,
    r#"{"type":"message_stop"}"#,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn t14_a_stream_of_chat_is_read_alike_with_the_mould_and_without(
        frames in streams(CHAT), asked in asked(),
    ) {
        check(Dialect::OpenaiChat, &asked, &frames);
    }

    #[test]
    fn t14_a_stream_of_mistral_is_read_alike_with_the_mould_and_without(
        frames in streams(MISTRAL), asked in asked(),
    ) {
        check(Dialect::MistralChat, &asked, &frames);
    }

    #[test]
    fn t14_a_stream_of_messages_is_read_alike_with_the_mould_and_without(
        frames in streams(ANTHROPIC), asked in asked(),
    ) {
        check(Dialect::AnthropicMessages, &asked, &frames);
    }
}

fn frames(templates: &[(&str, &str)]) -> Vec<String> {
    let fill = |(template, text): &(&str, &str)| filled(template, text, "");
    templates.iter().map(fill).collect()
}

/// An empty text between two parts of a reasoning's state does not cut the state in two.
#[test]
fn t4_an_empty_text_between_details_leaves_them_together() {
    let text = r#"{"choices":[{"delta":{"content":TEXT}}]}"#;
    let details = r#"{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":TEXT}]}}]}"#;
    let said = [
        (text, "Hi"),
        (details, "a"),
        (text, ""),
        (details, "b"),
        ("[DONE]", ""),
    ];
    check(Dialect::OpenaiChat, &Asked::default(), &frames(&said));
}

/// Who served an answer is what was said last.
#[test]
fn m1_a_service_tier_that_changes_back_is_priced_as_the_last() {
    let usual = r#"{"choices":[{"delta":{"content":TEXT}}],"service_tier":"default"}"#;
    let flex = r#"{"choices":[{"delta":{"role":"assistant"}}],"service_tier":"flex"}"#;
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
    let said = [
        (usual, "a"),
        (flex, ""),
        (usual, "b"),
        (usage, ""),
        ("[DONE]", ""),
    ];
    check(Dialect::OpenaiChat, &Asked::default(), &frames(&said));
}

/// Text for a block that only this dialect knows is not all that such a delta brings.
#[test]
fn t11_text_beside_the_content_of_an_opaque_block_loses_none_of_it() {
    let begin = r#"{"type":"content_block_start","index":0,"content_block":{"type":"compaction","content":""}}"#;
    let delta =
        r#"{"type":"content_block_delta","index":0,"delta":{"text":TEXT,"content":"more"}}"#;
    let stop = r#"{"type":"content_block_stop","index":0}"#;
    let said = [(begin, ""), (delta, "a"), (delta, "b"), (stop, "")];
    check(
        Dialect::AnthropicMessages,
        &Asked::default(),
        &frames(&said),
    );
}
