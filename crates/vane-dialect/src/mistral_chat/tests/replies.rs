//! What Mistral's clients are answered.

use super::{decode, reply, stream, unary};
use crate::answer::Answer;
use crate::block::{Block, Reasoning, State, Text, ToolForm, ToolUse};
use crate::call::Chat;
use crate::dialect::Dialect;
use crate::event::{Event, Sink, Stop};
use crate::exchange::Asked;
use crate::usage::Usage;
use serde_json::{Value, json};

pub(super) struct Frames(pub(super) super::super::stream::Encoder, pub(super) Vec<u8>);

impl Sink for Frames {
    fn event(&mut self, event: Event<'_>) {
        self.0.push(&event, &mut self.1);
    }
}

/// The data of the frames that an answer is streamed as.
pub(super) fn streamed(answer: &Answer, call: Chat) -> Vec<String> {
    let mut frames = Frames(super::super::stream::Encoder::new(reply(call)), Vec::new());
    answer.replay(&mut frames);
    frames.0.finish(Some("0.00075"), &mut frames.1);
    let text = String::from_utf8(frames.1).unwrap();
    let frames = text.split_terminator("\n\n");
    frames
        .map(|frame| frame.strip_prefix("data: ").unwrap().to_owned())
        .collect()
}

pub(super) fn answer() -> Answer {
    Answer {
        id: "abc".into(),
        model: "claude".into(),
        created: 5,
        blocks: vec![
            Block::Reasoning(Reasoning {
                text: "hmm".into(),
                state: Some(State {
                    dialect: Dialect::AnthropicMessages,
                    provider: None,
                    id: None,
                    redacted: false,
                    data: "sig".into(),
                }),
            }),
            Block::Text(Text::plain("hi é")),
            Block::ToolUse(ToolUse {
                id: "call_1".into(),
                name: "f".into(),
                namespace: None,
                form: ToolForm::Function,
                arguments: r#"{"a": 1}"#.into(),
                cache: None,
            }),
        ],
        usage: Usage::from_inclusive(120, 64, 8, 14, 3),
        stop: Stop::ToolUse,
    }
}

fn usage() -> Value {
    json!({
        "prompt_tokens": 120, "total_tokens": 134, "completion_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 3},
        "cost": 0.00075
    })
}

#[test]
fn a_whole_answer_is_strict() {
    let body = super::super::response::encode(&answer(), &reply(Chat::default()), Some("0.00075"));
    assert!(String::from_utf8_lossy(&body).contains(r#""cost":0.00075"#));
    let body: Value = serde_json::from_slice(&body).unwrap();
    let signature = r#"vane1.["anthropic_messages","mistral",null,false,"sig","hmm"]"#;
    let expected = json!({
        "id": "abc", "object": "chat.completion", "created": 5, "model": "claude",
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hmm"}], "signature": signature},
                    {"type": "text", "text": "hi é"}
                ],
                "tool_calls": [{"id": "call_1", "type": "function", "index": 0, "function": {"name": "f", "arguments": "{\"a\": 1}"}}],
                "prefix": false
            },
            "finish_reason": "tool_calls"
        }],
        "usage": usage()
    });
    assert_eq!(body, expected);
}

#[test]
fn plain_text_is_a_string_and_missing_facts_are_ours() {
    let answer = Answer {
        blocks: vec![Block::Text(Text::plain("a")), Block::Refusal("b".into())],
        stop: Stop::Context,
        ..Answer::default()
    };
    let call = decode(r#"{"model":"m","messages":[]}"#);
    let body = super::super::response::encode(&answer, &reply(call), None);
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&body["id"], &body["created"], &body["model"]),
        (&json!("vane-id"), &json!(77), &json!("m"))
    );
    let choice = &body["choices"][0];
    assert_eq!(choice["message"]["content"], "ab");
    assert_eq!(choice["message"]["tool_calls"], Value::Null);
    assert_eq!(choice["finish_reason"], "model_length");
    assert_eq!(body["usage"]["cost"], Value::Null);
}

#[test]
fn every_chunk_has_what_strict_clients_need() {
    let frames = streamed(&answer(), Chat::default());
    assert_eq!(frames.last().map(String::as_str), Some("[DONE]"));
    let chunks: Vec<Value> = frames[..frames.len() - 1]
        .iter()
        .map(|frame| serde_json::from_str(frame).unwrap())
        .collect();
    for chunk in &chunks {
        assert_eq!(
            (&chunk["id"], &chunk["model"]),
            (&json!("abc"), &json!("claude"))
        );
        assert_eq!(
            (&chunk["object"], &chunk["created"]),
            (&json!("chat.completion.chunk"), &json!(5))
        );
        let choice = chunk["choices"][0].as_object().unwrap();
        assert_eq!(choice["index"], 0);
        assert!(choice.contains_key("finish_reason") && choice["delta"]["content"] != Value::Null);
    }
    let delta = |at: usize| &chunks[at]["choices"][0]["delta"];
    assert_eq!(delta(0), &json!({"role": "assistant", "content": ""}));
    assert_eq!(
        delta(1)["content"],
        json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hmm"}]}])
    );
    assert!(delta(2)["content"][0]["signature"].is_string());
    assert_eq!(delta(3), &json!({"content": "hi é"}));
    assert_eq!(
        delta(4)["tool_calls"],
        json!([{"id": "call_1", "type": "function", "index": 0, "function": {"name": "f", "arguments": "{\"a\": 1}"}}])
    );
    assert_eq!(
        (delta(5), &chunks[5]["usage"]),
        (&json!({"content": ""}), &usage())
    );
    assert_eq!(chunks[5]["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn a_prefilled_text_is_repeated_once() {
    let call = || {
        decode(
            r#"{"model":"m","messages":[{"role":"user","content":"go"},{"role":"assistant","content":"fn ","prefix":true}]}"#,
        )
    };
    for (own, whole) in [("main()", "fn main()"), ("", "fn ")] {
        let answer = Answer {
            blocks: vec![Block::Text(Text::plain(own))],
            ..Answer::default()
        };
        let body = super::super::response::encode(&answer, &reply(call()), None);
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["choices"][0]["message"]["content"], whole);
        let frames = streamed(&answer, call());
        let text: String = frames[..frames.len() - 1]
            .iter()
            .map(|frame| serde_json::from_str::<Value>(frame).unwrap())
            .map(|chunk| {
                chunk["choices"][0]["delta"]["content"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        assert_eq!(text, whole);
        let asked = Asked {
            prefill: Some("fn ".into()),
            ..Asked::default()
        };
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        let back = super::collect(stream(&frames, asked).unwrap());
        assert_eq!(back.blocks.is_empty(), own.is_empty());
    }
}

#[test]
fn t4_sealed_state_of_another_provider_comes_back_unchanged() {
    let body = super::super::response::encode(&answer(), &reply(Chat::default()), None);
    let body: Value = serde_json::from_slice(&body).unwrap();
    let message = &body["choices"][0]["message"];
    let next = json!({"model": "m", "messages": [{"role": "user", "content": "go"}, message]});
    let chat = decode(&next.to_string());
    let Block::Reasoning(reasoning) = &chat.turns[1].blocks[0] else {
        panic!("{chat:?}")
    };
    let state = reasoning.state.as_ref().unwrap();
    assert_eq!(
        (&*state.data, state.dialect),
        ("sig", Dialect::AnthropicMessages)
    );
    assert_eq!(state.provider.as_deref(), Some("mistral"));
    assert_eq!(reasoning.text, "hmm");
    assert!(unary(&body.to_string(), &Asked::default()).is_ok());
}

#[test]
fn a_seal_that_does_not_open_is_not_sent_as_a_signature() {
    let said = json!({"model": "m", "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "hmm"}], "signature": "vane1.broken"},
            {"type": "text", "text": "so"}
        ]},
        {"role": "user", "content": "go on"}
    ]});
    let (body, dropped, _) = super::encode(&decode(&said.to_string()), &[]);
    let thinking = json!({"type": "thinking", "thinking": [{"type": "text", "text": "hmm"}]});
    assert_eq!(body["messages"][1]["content"][0], thinking);
    assert_eq!(dropped, ["reasoning_state"]);
}
