//! Shapes change the wire, never the content.

use serde_json::{Value, json};
use vane_testkit::{Answer, FakeUpstream, Fault, Lines, Part, Shape, Split, Tools};

use crate::wire::{DOORS, Reply, ask, send};

const OPENAI: &str = "/openai/v1/chat/completions";
const MISTRAL: &str = "/mistral/v1/chat/completions";
const ARGUMENTS: [&str; 2] = [r#"{"city":"Zürich","unit":"°C"}"#, r#"{"b":1,"a":2}"#];

fn two_calls() -> Answer {
    Answer::text("Let me look.")
        .and_tool("call_1", "look", ARGUMENTS[0])
        .and_tool("call_2", "seek", ARGUMENTS[1])
}

/// The arguments of each call of a chat stream, merged by index.
fn merged(reply: &Reply) -> Vec<String> {
    let mut merged = vec![String::new(); 2];
    for event in reply.events() {
        for call in event["choices"][0]["delta"]["tool_calls"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            merged[index] += call["function"]["arguments"].as_str().unwrap();
        }
    }
    merged
}

#[tokio::test]
async fn tool_calls_merge_to_the_same_arguments_in_every_cut() {
    let upstream = FakeUpstream::start().await.unwrap();
    let cuts = [
        None,
        Some(Tools::Whole),
        Some(Tools::Pieces),
        Some(Tools::Interleaved),
    ];
    for (path, tools) in [OPENAI, MISTRAL]
        .into_iter()
        .flat_map(|path| cuts.map(|cut| (path, cut)))
    {
        upstream.always(two_calls().shape(Shape {
            tools,
            ..Shape::default()
        }));
        let reply = send(&upstream, path, &ask(path, true)).await;
        assert_eq!(merged(&reply), ARGUMENTS, "{path} {tools:?}");
        assert_eq!(
            reply.joined("/choices/0/delta/content"),
            "Let me look.",
            "{path} {tools:?}"
        );
        let reply = send(&upstream, path, &ask(path, false)).await.json();
        let calls = &reply["choices"][0]["message"]["tool_calls"];
        assert_eq!(calls[0]["function"]["arguments"], ARGUMENTS[0]);
    }
}

#[tokio::test]
async fn t3_interleaving_really_alternates() {
    let upstream = FakeUpstream::start().await.unwrap();
    let shape = Shape {
        tools: Some(Tools::Interleaved),
        ..Shape::default()
    };
    upstream.always(two_calls().shape(shape));
    let reply = send(&upstream, OPENAI, &ask(OPENAI, true)).await;
    let indices: Vec<u64> = reply
        .events()
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["tool_calls"][0]["index"].as_u64())
        .collect();
    assert_eq!(indices[..4], [0, 1, 0, 1]);
}

#[tokio::test]
async fn responses_items_are_whole_whatever_the_cut() {
    let upstream = FakeUpstream::start().await.unwrap();
    let path = "/openai/v1/responses";
    for tools in [
        Tools::Whole,
        Tools::Pieces,
        Tools::Interleaved,
        Tools::FinalOnly,
    ] {
        upstream.always(two_calls().shape(Shape {
            tools: Some(tools),
            ..Shape::default()
        }));
        let events = send(&upstream, path, &ask(path, true)).await.events();
        let numbers = events
            .iter()
            .map(|event| event["sequence_number"].as_u64().unwrap());
        assert!(numbers.eq(0..events.len() as u64));
        let deltas = events.iter().filter(|event| {
            event["type"] == "response.function_call_arguments.delta" && event["output_index"] == 1
        });
        let joined: String = deltas.filter_map(|event| event["delta"].as_str()).collect();
        assert_eq!(
            joined,
            if tools == Tools::FinalOnly {
                ""
            } else {
                ARGUMENTS[0]
            }
        );
        let last = &events.last().unwrap()["response"];
        assert_eq!(last["output"][1]["arguments"], ARGUMENTS[0]);
        assert_eq!(last["output"][0]["content"][0]["text"], "Let me look.");
    }
}

#[tokio::test]
async fn anthropic_blocks_are_contiguous_and_their_signature_is_stable() {
    let upstream = FakeUpstream::start().await.unwrap();
    let path = "/anthropic/v1/messages";
    let answer = Answer::reasoning("Hm, well.").and(Part::Redacted("sealed".into()));
    upstream.always(
        answer
            .and_text("Yes.")
            .and_tool("toolu_1", "look", ARGUMENTS[1]),
    );
    let whole = send(&upstream, path, &ask(path, false)).await.json();
    let events = send(&upstream, path, &ask(path, true)).await.events();
    let started = events
        .iter()
        .filter(|event| event["type"] == "content_block_start");
    let indices: Vec<u64> = started
        .filter_map(|event| event["index"].as_u64())
        .collect();
    assert_eq!(indices, [0, 1, 2, 3]);
    let signature = events
        .iter()
        .find_map(|event| event["delta"]["signature"].as_str())
        .unwrap();
    assert_eq!(whole["content"][0]["signature"], signature);
    assert_eq!(whole["content"][1]["type"], "redacted_thinking");
    assert_eq!(whole["content"][3]["input"], json!({"b": 1, "a": 2}));
}

#[tokio::test]
async fn mistral_thinks_in_lists_and_reports_usage_on_the_finish_chunk() {
    let upstream = FakeUpstream::start().await.unwrap();
    upstream.always(Answer::reasoning("Hm, well.").and_text("Yes indeed."));
    let events = send(&upstream, MISTRAL, &ask(MISTRAL, true)).await.events();
    let contents: Vec<&Value> = events
        .iter()
        .map(|event| &event["choices"][0]["delta"]["content"])
        .collect();
    assert_eq!(contents[1][0]["thinking"][0]["text"], "Hm, ");
    assert_eq!(contents[3][1]["text"], "Yes ");
    assert_eq!(contents[4], "indeed.");
    let last = events.last().unwrap();
    assert!(
        last["usage"]["prompt_tokens"].is_u64() && last["choices"][0]["finish_reason"] == "stop"
    );
    assert!(events.iter().all(|event| event["p"].is_string()));
    assert!(
        events
            .iter()
            .all(|event| event["choices"][0].get("finish_reason").is_some())
    );
}

#[tokio::test]
async fn chat_shapes_show_on_the_wire() {
    let upstream = FakeUpstream::start().await.unwrap();
    for (shape, there, absent) in [
        (
            r#"{"empty_tool_calls":true}"#,
            r#""tool_calls":[]"#,
            "never",
        ),
        (r#"{"padding":true}"#, r#""p":""#, "never"),
        (
            r#"{"untyped_calls":true}"#,
            r#""name":"look""#,
            r#""type":"function""#,
        ),
        (
            r#"{"object_arguments":true,"tools":"whole"}"#,
            r#""arguments":{"b":1"#,
            "never",
        ),
        (
            r#"{"no_finish":true}"#,
            "[DONE]",
            r#""finish_reason":"tool_calls""#,
        ),
        (r#"{"unknown_block":true}"#, "hologram", "never"),
        (
            r#"{"no_done":true}"#,
            r#""finish_reason":"tool_calls""#,
            "[DONE]",
        ),
        (
            r#"{"usage":"own_chunk"}"#,
            r#""choices":[],"usage":{"#,
            "never",
        ),
        (
            r#"{"usage":"on_finish"}"#,
            r#"}],"usage":{"#,
            r#""choices":[],"#,
        ),
    ] {
        upstream.always(two_calls().shape(serde_json::from_str(shape).unwrap()));
        let reply = send(&upstream, OPENAI, &ask(OPENAI, true)).await;
        assert!(reply.text().contains(there), "{there}: {}", reply.text());
        assert!(!reply.text().contains(absent), "{absent}: {}", reply.text());
    }
}

#[tokio::test]
async fn the_finish_chunk_may_carry_text_and_an_unknown_reason() {
    let upstream = FakeUpstream::start().await.unwrap();
    let reasoning_field = Some("reasoning".into());
    let shape = Shape {
        reasoning_field,
        text_on_finish: true,
        ..Shape::default()
    };
    upstream.always(
        Answer::reasoning("Hm.")
            .and_text("Yes. No.")
            .finish("magic")
            .shape(shape),
    );
    let reply = send(&upstream, OPENAI, &ask(OPENAI, true)).await;
    assert_eq!(reply.joined("/choices/0/delta/reasoning"), "Hm.");
    let finish = reply.events().last().unwrap()["choices"][0].clone();
    assert_eq!(
        (&finish["finish_reason"], &finish["delta"]["content"]),
        (&json!("magic"), &json!("No."))
    );
}

#[tokio::test]
async fn t14_line_styles_and_splits_keep_the_events() {
    let upstream = FakeUpstream::start().await.unwrap();
    let lines = Lines {
        crlf: true,
        no_space: true,
        comments: true,
        no_final_blank: true,
    };
    for (path, _, streamed) in DOORS {
        for split in [
            Split::EveryByte,
            Split::At(vec![3, 50]),
            Split::Random(7),
            Split::Frames,
        ] {
            upstream.always(
                Answer::text("Grüße, 世界!")
                    .lines(lines)
                    .split(split.clone()),
            );
            let reply = send(&upstream, path, &ask(path, true)).await;
            assert_eq!(reply.joined(streamed), "Grüße, 世界!", "{path} {split:?}");
            let text = reply.text();
            assert!(
                text.starts_with(": keep-alive\r\n\r\n") && !text.contains("data: "),
                "{text}"
            );
            assert!(
                text.ends_with("\r\n") && !text.ends_with("\r\n\r\n"),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn a_recorded_body_is_sent_as_it_stands() {
    let upstream = FakeUpstream::start().await.unwrap();
    upstream.always(Answer::recorded(
        "text/event-stream",
        "data: {\"x\" : 1}\n\n",
    ));
    assert_eq!(
        send(&upstream, OPENAI, &ask(OPENAI, true)).await.text(),
        "data: {\"x\" : 1}\n\n"
    );
    let two = Answer::recorded("text/event-stream", "data: 1\n\ndata: 2\n\n");
    let cut = Fault::Truncate {
        frames: 1,
        bytes: 3,
        clean: false,
    };
    upstream.always(two.with_fault(cut));
    let reply = send(&upstream, OPENAI, &ask(OPENAI, true)).await;
    assert_eq!((reply.text(), reply.whole), ("data: 1\n\ndat", false));
}
