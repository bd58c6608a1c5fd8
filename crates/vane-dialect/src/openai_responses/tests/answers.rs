//! Whole answers as they are written.

use super::*;
use crate::block::{Reasoning, ToolForm, ToolUse};
use crate::event::Stop;
use crate::openai_responses::response::{encode, input_tokens_answer};

fn call_of(name: &str, namespace: Option<&str>, form: ToolForm) -> Block {
    Block::ToolUse(ToolUse {
        id: "c1".into(),
        name: name.into(),
        namespace: namespace.map(str::to_owned),
        form,
        arguments: "{}".into(),
        cache: None,
    })
}

fn written(answer: &Answer, chat: Chat, cost: Option<&str>) -> (String, Value) {
    let text = String::from_utf8(encode(answer, &reply(chat), cost)).unwrap();
    let value = serde_json::from_str(&text).expect(&text);
    (text, value)
}

#[test]
fn an_answer_has_every_field_that_sdks_require() {
    let chat = decoded(
        r#"{"model":"asked","instructions":"Be brief.","input":"x","temperature":0.5,"metadata":{"k":"v"},"tool_choice":{"type":"function","name":"f"},"tools":[{"type":"function","name":"f","parameters":{"b":1,"a":2},"strict":true}],"text":{"verbosity":"low"},"reasoning":{"effort":"low"}}"#,
    );
    let answer = Answer {
        id: "chatcmpl-9".into(),
        model: "up-model".into(),
        created: 5,
        blocks: vec![Block::Text(Text::plain("Hi"))],
        usage: crate::Usage::from_inclusive(10, 4, 1, 3, 2),
        stop: Stop::End,
    };
    let (text, value) = written(&answer, chat, Some("0.00075"));
    assert_eq!(value["id"], "resp_chatcmpl-9");
    assert_eq!(value["object"], "response");
    assert_eq!(value["created_at"], 5);
    assert_eq!(value["status"], "completed");
    assert_eq!(value["model"], "up-model");
    assert_eq!(value["instructions"], "Be brief.");
    assert_eq!(value["temperature"], 0.5);
    assert_eq!(value["top_p"], Value::Null);
    assert_eq!(value["metadata"]["k"], "v");
    assert_eq!(value["text"]["format"]["type"], "text");
    assert_eq!(value["text"]["verbosity"], "low");
    assert_eq!(value["reasoning"]["effort"], "low");
    assert_eq!(value["tool_choice"]["name"], "f");
    assert_eq!(value["parallel_tool_calls"], true);
    assert_eq!(value["store"], false);
    assert!(
        text.contains(r#""parameters":{"b":1,"a":2},"strict":true"#),
        "{text}"
    );
    assert!(text.contains(
        r#""output":[{"id":"msg_chatcmpl-9_0","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"Hi"}]}]"#
    ), "{text}");
    assert!(text.contains(
        r#""usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":1},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":13,"cost":0.00075}"#
    ), "{text}");
}

#[test]
fn calls_keep_their_namespace_and_form() {
    let answer = Answer {
        blocks: vec![
            call_of("read", Some("mcp"), ToolForm::Function),
            call_of("patch", None, ToolForm::Custom),
        ],
        stop: Stop::ToolUse,
        ..Answer::default()
    };
    let (text, value) = written(&answer, Chat::default(), None);
    assert!(text.contains(r#"{"id":"fc_req1_0","type":"function_call","status":"completed","arguments":"{}","call_id":"c1","name":"read","namespace":"mcp"}"#), "{text}");
    assert!(text.contains(r#"{"id":"ctc_req1_1","type":"custom_tool_call","status":"completed","input":"{}","call_id":"c1","name":"patch"}"#), "{text}");
    assert_eq!(value["id"], "resp_req1");
    assert_eq!(value["created_at"], 1_700_000_000);
}

#[test]
fn t4_reasoning_without_state_comes_back_from_the_client() {
    let reasoning = Reasoning {
        text: "Hmm".into(),
        state: None,
    };
    let answer = Answer {
        blocks: vec![Block::Reasoning(reasoning.clone())],
        ..Answer::default()
    };
    let (_, value) = written(&answer, Chat::default(), None);
    let mut item = value["output"][0].clone();
    assert_eq!(item["summary"][0]["text"], "Hmm");
    item["summary"] = Value::Array(Vec::new());
    let chat = decoded(&format!(r#"{{"model":"m","input":[{item}]}}"#));
    assert_eq!(chat.turns[0].blocks, [Block::Reasoning(reasoning)]);
}

#[test]
fn an_unfinished_answer_is_incomplete() {
    for stop in [Stop::MaxOutput, Stop::Context] {
        let answer = Answer {
            stop,
            ..Answer::default()
        };
        let (_, value) = written(&answer, Chat::default(), None);
        assert_eq!(value["status"], "incomplete");
        let why = &value["incomplete_details"]["reason"];
        assert_eq!(why, "max_output_tokens");
    }
}

#[test]
fn a_refusal_without_words_is_said_in_ours_and_complete() {
    let answer = Answer {
        stop: Stop::Refusal,
        ..Answer::default()
    };
    let (_, value) = written(&answer, Chat::default(), None);
    assert_eq!(value["status"], "completed");
    let part = &value["output"][0]["content"][0];
    assert_eq!(part["refusal"], "The model refused to answer.");
}

#[test]
fn input_tokens_have_their_own_object() {
    let expected = br#"{"object":"response.input_tokens","input_tokens":7}"#;
    assert_eq!(input_tokens_answer(7), expected);
}
