use crate::answer::Answer;
use crate::block::{Block, Text};
use crate::call::{Call, Fill};
use crate::event::{Event, Stop};
use crate::exchange::{Reply, Target};
use crate::fault::Kind;
use crate::frame::sse::Frame;
use crate::notes::Notes;
use crate::openai_completions::{request, response, stream};
use crate::quirk::{Quirk, Quirks};
use crate::seal::Plain;
use crate::usage::Usage;
use std::sync::Arc;

fn fill(body: &str) -> Fill {
    match request::decode(body.as_bytes()).unwrap() {
        Call::Fill(fill) => *fill,
        other => panic!("{other:?}"),
    }
}

fn send(fill: &Fill, quirks: Quirks) -> (String, Vec<String>) {
    let target = Target {
        model: "up",
        provider: "lab",
        quirks,
        max_output: None,
        seal: &Plain,
    };
    let mut notes = Notes::default();
    let body = request::encode(fill, &target, &mut notes).unwrap().body;
    (String::from_utf8(body).unwrap(), notes.dropped().to_vec())
}

const BODY: &str = r#"{"model":"m","prompt":["def f(a):\n"],"suffix":"    return x","temperature":0,"stop":["\n\n"],"stream":true,"echo":false,"best_of":1}"#;

#[test]
fn f1_prompt_and_suffix_are_carried() {
    let fill = fill(BODY);
    assert_eq!(fill.prompt, "def f(a):\n");
    assert_eq!(fill.suffix.as_deref(), Some("    return x"));
    let (text, dropped) = send(&fill, Quirks::default());
    assert_eq!(
        text,
        r#"{"model":"up","prompt":"def f(a):\n","suffix":"    return x","stream":true,"stream_options":{"include_usage":true},"temperature":0,"stop":["\n\n"],"echo":false,"best_of":1}"#
    );
    assert!(dropped.is_empty());
}

#[test]
fn an_absent_max_tokens_stays_absent_and_has_its_old_name() {
    assert_eq!(fill(BODY).sampling.max_output, None);
    let limited = fill(r#"{"model":"m","prompt":"x","max_tokens":9}"#);
    assert!(
        send(&limited, Quirks::default())
            .0
            .ends_with(r#""max_tokens":9}"#)
    );
}

#[test]
fn several_prompts_and_token_ids_are_refused_by_name() {
    for prompt in [r#"["a","b"]"#, "[1,2]", "[[1]]"] {
        let body = format!(r#"{{"model":"m","prompt":{prompt}}}"#);
        let fault = request::decode(body.as_bytes()).unwrap_err();
        assert_eq!(
            (fault.kind, fault.param.as_deref()),
            (Kind::Unsupported, Some("prompt"))
        );
    }
}

#[test]
fn closed_bodies_drop_what_they_do_not_name() {
    let fill = fill(r#"{"model":"m","prompt":"x","top_k":3,"odd":1,"user":"u"}"#);
    let (text, dropped) = send(&fill, Quirks::default().with(Quirk::ClosedBody));
    assert_eq!(text, r#"{"model":"up","prompt":"x","user":"u"}"#);
    assert_eq!(dropped, ["top_k", "odd"]);
}

#[test]
fn f2_both_shapes_of_answer_are_read() {
    for body in [
        r#"{"id":"1","object":"text_completion","model":"m","created":1,"choices":[{"text":"x + 1","index":0,"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":3,"total_tokens":5}}"#,
        r#"{"id":"1","object":"chat.completion","model":"m","created":1,"choices":[{"message":{"role":"assistant","content":"x + 1"},"index":0,"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":3,"total_tokens":5}}"#,
    ] {
        let mut answer = Answer::default();
        response::decode(body.as_bytes(), &mut answer).unwrap();
        assert_eq!(answer.blocks, [Block::Text(Text::plain("x + 1"))]);
        assert_eq!((answer.stop, answer.usage.output), (Stop::End, 3));
    }
}

#[test]
fn f2_both_shapes_of_chunk_are_read() {
    for chunk in [
        r#"{"id":"1","choices":[{"text":"x","index":0,"finish_reason":"length"}]}"#,
        r#"{"id":"1","choices":[{"delta":{"content":"x"},"index":0,"finish_reason":"length"}]}"#,
    ] {
        let mut answer = Answer::default();
        let mut decoder = stream::Decoder::default();
        decoder
            .push(&Frame::of_data(chunk.as_bytes()), &mut answer)
            .unwrap();
        decoder
            .push(&Frame::of_data(b"[DONE]"), &mut answer)
            .unwrap();
        assert_eq!(answer.blocks, [Block::Text(Text::plain("x"))]);
        assert_eq!(answer.stop, Stop::MaxOutput);
    }
}

#[test]
fn answers_have_the_completion_shape() {
    let answer = Answer {
        id: "cmpl-1".into(),
        model: "m".into(),
        created: 5,
        blocks: vec![Block::Text(Text::plain("x"))],
        usage: Usage::from_inclusive(2, 0, 0, 1, 0),
        stop: Stop::Context,
    };
    let reply = Reply {
        call: Arc::new(Call::Fill(Box::new(fill(BODY)))),
        id: "cmpl-0".into(),
        now: 7,
        provider: "lab".into(),
        seal: Arc::new(Plain),
    };
    let usage = r#""usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"completion_tokens_details":{"reasoning_tokens":0},"cost":0.1}}"#;
    let head =
        r#"{"id":"cmpl-1","object":"text_completion","created":5,"model":"m","choices":[{"text":"#;
    let whole = String::from_utf8(response::encode(&answer, &reply, Some("0.1"))).unwrap();
    let expected =
        format!(r#"{head}"x","index":0,"logprobs":null,"finish_reason":"length"}}],{usage}"#);
    assert_eq!(whole, expected);
    let mut encoder = stream::Encoder::new(reply);
    let mut events: Vec<Event<'static>> = Vec::new();
    answer.replay(&mut events);
    let mut out = Vec::new();
    for event in &events {
        encoder.push(event, &mut out);
    }
    encoder.finish(Some("0.1"), &mut out);
    let text = String::from_utf8(out).unwrap();
    let first =
        format!("data: {head}\"x\",\"index\":0,\"logprobs\":null,\"finish_reason\":null}}]}}\n\n");
    let last = format!(
        "data: {head}\"\",\"index\":0,\"logprobs\":null,\"finish_reason\":\"length\"}}],{usage}\n\n"
    );
    assert_eq!(text, format!("{first}{last}data: [DONE]\n\n"));
}
