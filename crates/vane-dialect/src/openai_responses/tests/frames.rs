//! Streams as they are written.

use super::*;
use crate::block::{State, ToolForm};
use crate::dialect::Dialect;
use crate::event::{Opening, Stop};
use crate::fault::{Blame, Kind};
use crate::openai_responses::error;
use std::borrow::Cow;

fn written(events: &[Event<'static>], fault: Option<&Fault>) -> Vec<(String, Value)> {
    let mut encoder = stream::Encoder::new(reply(Chat::default()));
    let mut out = Vec::new();
    for event in events {
        encoder.push(event, &mut out);
    }
    match fault {
        Some(fault) => encoder.fault(fault, &mut out),
        None => encoder.finish(Some("0.5"), &mut out),
    }
    parsed(&out)
}

/// Frames by event name; every frame's type is its event name, and numbers go up by one.
fn parsed(out: &[u8]) -> Vec<(String, Value)> {
    let text = std::str::from_utf8(out).unwrap();
    let frames = text.split_terminator("\n\n").map(|frame| {
        let (event, data) = frame.split_once('\n').unwrap();
        let value: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        let event = event.strip_prefix("event: ").unwrap();
        assert_eq!(value["type"], event);
        (event.to_owned(), value)
    });
    frames.collect()
}

fn names(frames: &[(String, Value)]) -> Vec<&str> {
    for (number, (_, frame)) in frames.iter().enumerate() {
        assert_eq!(frame["sequence_number"], number);
    }
    frames
        .iter()
        .map(|(name, _)| name.strip_prefix("response.").unwrap())
        .collect()
}

fn start() -> Event<'static> {
    Event::Start {
        id: Cow::Borrowed("resp_up"),
        model: Cow::Borrowed("m"),
        created: 3,
    }
}

fn delta(index: u32, text: &'static str) -> Event<'static> {
    Event::Delta {
        index,
        text: Cow::Borrowed(text),
    }
}

fn open(index: u32, opening: Opening<'static>) -> Event<'static> {
    Event::Open { index, opening }
}

fn call(form: ToolForm) -> Opening<'static> {
    Opening::ToolUse {
        id: Cow::Borrowed("c1"),
        name: Cow::Borrowed("f"),
        namespace: Some(Cow::Borrowed("ns")),
        form,
    }
}

#[test]
fn a_text_answer_in_the_order_of_the_contract() {
    let frames = written(
        &[
            start(),
            open(0, Opening::Text),
            delta(0, "He"),
            delta(0, "y"),
            Event::Close { index: 0 },
            Event::Usage(crate::Usage::from_inclusive(5, 0, 0, 2, 0)),
            Event::Finish(Stop::End),
        ],
        None,
    );
    assert_eq!(
        names(&frames),
        [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed"
        ]
    );
    let at = |n: usize| &frames[n].1;
    assert_eq!(at(0)["response"]["status"], "in_progress");
    assert_eq!(at(0)["response"]["tools"], Value::Array(Vec::new()));
    assert_eq!(at(2)["item"]["content"], Value::Array(Vec::new()));
    let id = &at(2)["item"]["id"];
    assert_eq!(id, "msg_up_0");
    for n in 3..8 {
        assert_eq!(&at(n)["item_id"], id);
        assert_eq!(at(n)["output_index"], 0);
        assert_eq!(at(n)["content_index"], 0);
    }
    assert_eq!(at(4)["delta"], "He");
    assert_eq!(at(4)["logprobs"], Value::Array(Vec::new()));
    assert_eq!(at(6)["text"], "Hey");
    assert_eq!(at(7)["part"]["text"], "Hey");
    assert_eq!(at(9)["response"]["output"][0], at(8)["item"]);
    assert_eq!(at(9)["response"]["usage"]["cost"], 0.5);
    assert_eq!(at(9)["response"]["usage"]["total_tokens"], 7);
    assert_eq!(at(9)["response"]["id"], "resp_up");
}

#[test]
fn calls_stream_their_arguments_under_their_own_names() {
    for (form, kind, field, pieces) in [
        (
            ToolForm::Function,
            "function_call",
            "arguments",
            "function_call_arguments",
        ),
        (
            ToolForm::Custom,
            "custom_tool_call",
            "input",
            "custom_tool_call_input",
        ),
    ] {
        let frames = written(
            &[
                start(),
                open(0, call(form)),
                delta(0, "{}"),
                Event::Close { index: 0 },
                Event::Finish(Stop::ToolUse),
            ],
            None,
        );
        let (delta, done) = (format!("{pieces}.delta"), format!("{pieces}.done"));
        assert_eq!(
            names(&frames)[2..],
            [
                "output_item.added",
                &delta,
                &done,
                "output_item.done",
                "completed"
            ]
        );
        assert_eq!(frames[2].1["item"][field], "");
        assert_eq!(frames[4].1[field], "{}");
        let item = &frames[5].1["item"];
        assert_eq!(item["type"], kind);
        assert_eq!(
            (&item["call_id"], &item["namespace"]),
            (&"c1".into(), &"ns".into())
        );
        assert_eq!(item[field], "{}");
    }
}

#[test]
fn t4_reasoning_carries_its_state_sealed() {
    let state = State {
        dialect: Dialect::AnthropicMessages,
        provider: None,
        id: None,
        redacted: false,
        data: "sig".into(),
    };
    let frames = written(
        &[
            start(),
            open(0, Opening::Reasoning),
            delta(0, "Hm"),
            Event::State { index: 0, state },
            Event::Close { index: 0 },
            open(1, Opening::Reasoning),
            Event::Close { index: 1 },
            open(2, Opening::Refusal),
            delta(2, "No"),
            Event::Close { index: 2 },
            Event::Finish(Stop::Refusal),
        ],
        None,
    );
    assert_eq!(
        names(&frames)[2..],
        [
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            "refusal.delta",
            "refusal.done",
            "content_part.done",
            "output_item.done",
            "completed"
        ]
    );
    assert_eq!(frames[4].1["summary_index"], 0);
    let sealed = frames[7].1["item"]["encrypted_content"].as_str().unwrap();
    let (state, text) = crate::seal::Seal::open(&Plain, sealed).unwrap();
    assert_eq!(text, "Hm");
    assert_eq!(
        (state.data.as_str(), state.provider.as_deref()),
        ("sig", Some("up"))
    );
}

#[test]
fn what_only_another_dialect_understands_takes_no_index() {
    let raw = crate::json::Raw::parse(r#"{"type":"server_tool_use"}"#).unwrap();
    let opaque = |dialect| Opening::Opaque {
        dialect,
        kind: Cow::Borrowed("x"),
        raw: raw.clone(),
    };
    let frames = written(
        &[
            start(),
            open(0, opaque(Dialect::AnthropicMessages)),
            Event::Close { index: 0 },
            open(1, opaque(Dialect::OpenaiResponses)),
            Event::Close { index: 1 },
            Event::Finish(Stop::End),
        ],
        None,
    );
    assert_eq!(
        names(&frames)[2..],
        ["output_item.added", "output_item.done", "completed"]
    );
    assert_eq!(frames[2].1["output_index"], 0);
    assert_eq!(
        frames[4].1["response"]["output"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn r4_a_failure_after_content_is_no_clean_stop() {
    let fault = Fault::new(Kind::RateLimited, Blame::Upstream, "Slow down.");
    let events = [start(), open(0, Opening::Text), delta(0, "x")];
    for events in [&events[..], &[]] {
        let frames = written(events, Some(&fault));
        let names = names(&frames);
        assert_eq!(names[..2], ["created", "in_progress"]);
        assert_eq!(*names.last().unwrap(), "failed");
        let response = &frames.last().unwrap().1["response"];
        assert_eq!(response["status"], "failed");
        assert_eq!(response["error"]["code"], "rate_limit_exceeded");
        assert_eq!(response["error"]["message"], "Slow down.");
        assert_eq!(response["tools"], Value::Array(Vec::new()));
    }
}

#[test]
fn every_fault_has_a_code_that_codex_reacts_to() {
    for kind in Kind::ALL {
        for blame in [
            Blame::Caller,
            Blame::Upstream,
            Blame::ProviderKey,
            Blame::Us,
        ] {
            let mut out = Vec::new();
            error::in_stream(&Fault::new(kind, blame, "secret"), "id", &mut out);
            let frames = parsed(&out);
            let error = &frames[0].1["response"]["error"];
            let expected = match (kind, blame) {
                (_, Blame::ProviderKey) => "server_error",
                (Kind::NoFunds, _) => "insufficient_quota",
                (Kind::RateLimited, _) => "rate_limit_exceeded",
                (Kind::ContextLength, _) => "context_length_exceeded",
                (Kind::Invalid, Blame::Caller) => "invalid_prompt",
                _ => continue,
            };
            assert_eq!(error["code"], expected, "{kind:?} {blame:?}");
            let hidden = !error["message"].as_str().unwrap().contains("secret");
            assert_eq!(hidden, blame == Blame::ProviderKey);
        }
    }
}

#[test]
fn codex_is_told_of_a_cyber_policy_by_its_own_code() {
    for frame in [
        r#"{"type":"error","error":{"type":"invalid_request","code":"cyber_policy","message":"Flagged.","param":null}}"#,
        r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"cyber_policy","message":"Flagged."},"output":[]}}"#,
    ] {
        let fault = run(&[frame]).2.unwrap_err();
        assert_eq!(
            (fault.kind, fault.blame),
            (Kind::ContentFilter, Blame::Caller)
        );
        let mut forwarded = Vec::new();
        error::in_stream(&fault, "id", &mut forwarded);
        let forwarded = parsed(&forwarded);
        let translated = written(&[start()], Some(&fault));
        for frames in [forwarded, translated] {
            let error = &frames.last().unwrap().1["response"]["error"];
            assert_eq!(error["code"], "cyber_policy");
            assert_eq!(error["message"], "Flagged.");
        }
    }
    let unexplained = "bio_policy";
    let other = Fault::new(Kind::ContentFilter, Blame::Caller, "m").with_code(unexplained);
    let frames = written(&[start()], Some(&other));
    let error = &frames.last().unwrap().1["response"]["error"];
    assert_eq!(error["code"], "invalid_prompt");
}
