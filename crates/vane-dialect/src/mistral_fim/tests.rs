//! Cases of Mistral FIM, written from the contract.

use super::{request, response, stream};
use crate::answer::Answer;
use crate::block::{Block, Text};
use crate::call::{Call, Extra, Fill, Sampling};
use crate::codec::{Asked, Decoder};
use crate::dialect::Dialect;
use crate::event::{Event, Stop};
use crate::exchange::{Reply, Target};
use crate::frame::sse::Frame;
use crate::json::Raw;
use crate::notes::Notes;
use crate::quirk::Quirks;
use crate::seal::Plain;
use crate::usage::Usage;
use serde_json::{Number, Value, json};
use std::sync::Arc;

fn encode(fill: &Fill) -> (Value, Vec<String>) {
    let target = Target {
        model: "codestral-latest",
        provider: "codestral",
        quirks: Quirks::default(),
        max_output: None,
        seal: &Plain,
    };
    let mut notes = Notes::default();
    let encoded = request::encode(fill, &target, &mut notes).unwrap();
    (
        serde_json::from_slice(&encoded.body).unwrap(),
        notes.dropped().to_vec(),
    )
}

#[test]
fn f1_the_suffix_and_every_legal_field_survive() {
    let body = json!({
        "model": "codestral-latest", "prompt": "def f(", "suffix": "return a",
        "temperature": 0.2, "top_p": 0.9, "max_tokens": 64, "min_tokens": 2, "stop": ["\n\n"],
        "random_seed": 4, "prompt_cache_key": "k", "metadata": {"a": 1}, "stream": true
    });
    let Call::Fill(fill) = request::decode(body.to_string().as_bytes()).unwrap() else {
        panic!("not a fill")
    };
    assert_eq!(
        (fill.suffix.as_deref(), fill.stream.on),
        (Some("return a"), true)
    );
    assert_eq!(encode(&fill), (body, vec![]));
}

#[test]
fn t8_what_another_door_asked_is_noted_not_sent() {
    let extra = |name: &str, value: &str| Extra {
        dialect: Dialect::OpenaiCompletions,
        name: name.into(),
        value: Raw::parse(value).unwrap(),
    };
    let fill = Fill {
        model: "codestral/codestral-latest".into(),
        prompt: "a".into(),
        sampling: Sampling {
            temperature: Number::from_f64(2.0),
            presence_penalty: Number::from_f64(1.0),
            top_k: Some(4),
            n: Some(3),
            ..Sampling::default()
        },
        extras: vec![
            extra("echo", "false"),
            extra("logprobs", "3"),
            extra("user", "\"u\""),
        ],
        ..Fill::default()
    };
    let expected = json!({"model": "codestral-latest", "prompt": "a", "temperature": 1.5});
    let dropped = [
        "temperature",
        "n",
        "top_k",
        "presence_penalty",
        "logprobs",
        "user",
    ];
    assert_eq!(
        encode(&fill),
        (expected, dropped.map(str::to_owned).to_vec())
    );
}

#[test]
fn a_prompt_is_needed() {
    let fault = request::decode(br#"{"model":"m","suffix":"x"}"#).unwrap_err();
    assert_eq!(fault.param.as_deref(), Some("prompt"));
}

fn answer() -> Answer {
    Answer {
        id: "abc".into(),
        model: "codestral-latest".into(),
        created: 5,
        blocks: vec![Block::Text(Text::plain("a, b):"))],
        usage: Usage::from_inclusive(9, 0, 0, 4, 0),
        stop: Stop::MaxOutput,
    }
}

fn reply() -> Reply {
    Reply {
        call: Arc::new(Call::Fill(Box::default())),
        id: "vane".into(),
        now: 7,
        provider: "codestral".into(),
        seal: Arc::new(Plain),
    }
}

#[test]
fn f2_the_answer_has_the_shape_of_chat() {
    let body = response::encode(&answer(), &reply(), Some("0.1"));
    let value: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(value["object"], "chat.completion");
    assert_eq!(value["choices"][0]["message"]["content"], "a, b):");
    assert_eq!(value["choices"][0]["finish_reason"], "length");
    let mut back = Answer::default();
    response::decode(&body, &mut back).unwrap();
    assert_eq!(back, answer());
}

#[test]
fn every_streamed_chunk_has_content_as_a_string() {
    let mut encoder = stream::Encoder::new(reply());
    let (mut events, mut out): (Vec<Event<'static>>, _) = (Vec::new(), Vec::new());
    answer().replay(&mut events);
    for event in &events {
        encoder.push(event, &mut out);
    }
    encoder.finish(None, &mut out);
    let text = String::from_utf8(out).unwrap();
    let mut decoder = stream::Decoder::default();
    let mut back = Answer::default();
    for frame in text.split_terminator("\n\n") {
        let data = frame.strip_prefix("data: ").unwrap();
        if data != "[DONE]" {
            let chunk: Value = serde_json::from_str(data).unwrap();
            assert!(
                chunk["choices"][0]["delta"]["content"].is_string(),
                "{data}"
            );
            assert_eq!(chunk["object"], "chat.completion.chunk");
        }
        decoder
            .push(&Frame::of_data(data.as_bytes()), &mut back)
            .unwrap();
    }
    decoder.finish(&mut back).unwrap();
    assert_eq!(back, answer());
}

#[test]
fn a_fim_stream_that_has_its_stop_is_told_to_its_end() {
    let asked = Asked::default();
    let mut decoder = Decoder::new(Dialect::MistralFim, asked).unwrap();
    for (reason, stopped) in [("null", false), ("\"stop\"", true)] {
        let chunk = format!(
            r#"data: {{"id":"c","model":"m","choices":[{{"index":0,"delta":{{"content":"a"}},"finish_reason":{reason}}}]}}"#
        );
        let frame = Frame::parse(chunk.as_bytes());
        decoder.push(&frame, &mut Answer::default()).unwrap();
        assert_eq!(decoder.has_stop(), stopped, "{reason}");
    }
}
