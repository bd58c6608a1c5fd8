//! Upstreams that break their own dialect: found by fuzzing, kept as cases.

use crate::offers::{ALIBABA, DEEPSEEK, OPENAI};
use crate::told::{collect, read_stream, read_whole, tell_stream};
use std::iter;
use vane_dialect::codec::{self, Asked, Decoder};
use vane_dialect::frame::sse::Frame;
use vane_dialect::seal::Plain;
use vane_dialect::{Dialect, Event, Notes};

/// A splice into what is no object would break the body.
#[test]
fn usage_that_is_no_object_is_not_pointed_at() {
    let chunk = br#"{"id":"a","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"text":"","delta":{"content":"x"},"finish_reason":null}],"usage":[6]}"#;
    for upstream in [
        Dialect::OpenaiChat,
        Dialect::OpenaiCompletions,
        Dialect::MistralChat,
        Dialect::MistralFim,
    ] {
        let mut decoder = Decoder::new(upstream, Asked::default()).unwrap();
        let mut events = Vec::<Event<'static>>::new();
        let seen = decoder.push(&Frame::of_data(chunk), &mut events);
        assert!(
            seen.is_ok_and(|seen| seen.usage.is_none()),
            "{}",
            upstream.name()
        );
    }
}

#[test]
fn an_error_without_words_still_says_something() {
    let bodies = [
        (Dialect::OpenaiChat, r#"{"error":{"message":" "}}"#),
        (Dialect::OpenaiChat, r#"{"error":" "}"#),
        (
            Dialect::AnthropicMessages,
            r#"{"type":"error","error":{"type":"api_error","message":""}}"#,
        ),
        (Dialect::MistralChat, r#"{"object":"error","message":" "}"#),
    ];
    for (upstream, body) in bodies {
        let fault = codec::decode_error(upstream, 500, body.as_bytes());
        assert!(!fault.message.trim().is_empty(), "{body}");
    }
}

/// A string that nobody reads may hold any bytes; an error body for a client may not.
#[test]
fn an_error_body_that_is_no_text_does_not_reach_the_client() {
    let bodies: [(Dialect, &[u8]); 3] = [
        (Dialect::OpenaiChat, b"{\"error\":{\"message\":\"no\",\"x\":\"\xff\"}}"),
        (Dialect::AnthropicMessages, b"{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"no\"},\"x\":\"\xff\"}"),
        (Dialect::MistralChat, b"{\"object\":\"error\",\"message\":\"no\",\"x\":\"\xff\"}"),
    ];
    for (dialect, body) in bodies {
        let fault = codec::decode_error(dialect, 400, body);
        let (_, told) = codec::encode_error(dialect, &fault, "req_1");
        let told = std::str::from_utf8(&told).unwrap();
        serde_json::from_str::<serde_json::Value>(told).unwrap();
    }
}

#[test]
fn content_before_the_beginning_begins_the_answer() {
    let stream = b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n";
    let (events, fault) = read_stream(Dialect::AnthropicMessages, iter::once(stream.as_slice()));
    assert!(fault.is_some(), "the stream was cut");
    assert!(
        matches!(events.first(), None | Some(Event::Start { .. })),
        "{events:?}"
    );
}

/// Whole answers are written over several lines, and so are the schemas that clients send.
#[test]
fn raw_json_of_several_lines_stays_in_its_frame() {
    let body = "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[{\"type\":\"web_search_tool_result\",\n\"tool_use_id\":\"a\",\r\n\"content\":[]}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}";
    let events = read_whole(Dialect::AnthropicMessages, body.as_bytes()).unwrap();
    let stream = tell_stream(Dialect::AnthropicMessages, &events, None);
    let (again, fault) = read_stream(Dialect::AnthropicMessages, iter::once(stream.as_bytes()));
    assert_eq!(fault, None, "{stream}");
    assert_eq!(collect(&again).blocks.len(), 1);
}

/// An effort of tomorrow is an extra; the effort that is derived from the switch must not stand
/// beside it.
#[test]
fn t13_no_member_is_written_twice() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"Hi"}],"reasoning_effort":"giant","enable_thinking":true,"thinking":{"type":"enabled"}}"#;
    let call = codec::decode_call(Dialect::OpenaiChat, body.as_bytes(), &Plain).unwrap();
    for offer in [OPENAI, DEEPSEEK, ALIBABA] {
        let mut notes = Notes::default();
        let sent = codec::encode_call(offer.dialect, &call, &offer.target(), &mut notes).unwrap();
        let again = codec::decode_call(offer.dialect, &sent.body, &Plain);
        assert!(again.is_ok(), "{again:?}");
    }
}
