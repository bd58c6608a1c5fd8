//! Streams that are forwarded and ended before their upstream ends them: each reads, by its own
//! dialect, as one that reached its limit.

use bytes::Bytes;
use vane_dialect::codec::{self, Asked, Cut, Decoder};
use vane_dialect::frame::sse::{Frame, Splitter};
use vane_dialect::{Dialect, Event, Stop, Usage};

const CHAT: &str = r#"data: {"id":"a","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hello"},"finish_reason":null}]}

"#;
const TEXT: &str = r#"data: {"id":"a","object":"text_completion","created":7,"model":"m","choices":[{"index":0,"text":"Hello","logprobs":null,"finish_reason":null}]}

"#;
const MESSAGE: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"a","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}

"#;

fn events(dialect: Dialect, text: &str) -> Vec<Event<'static>> {
    let mut decoder = Decoder::new(dialect, Asked::default()).unwrap();
    let mut splitter = Splitter::new(1 << 20);
    splitter
        .push(Bytes::copy_from_slice(text.as_bytes()))
        .unwrap();
    let (mut events, mut last) = (Vec::new(), false);
    while let Some(range) = splitter.next_frame() {
        assert!(!last, "nothing comes after the last frame");
        let bytes = splitter.buffer().slice(range);
        let frame = Frame::parse(&bytes);
        if frame.data.is_some() {
            last = decoder.push(&frame, &mut events).unwrap().last;
        }
    }
    decoder.finish(&mut events).unwrap();
    assert!(last, "{text}");
    events
}

#[test]
fn a_forwarded_stream_that_is_cut_ends_with_its_limit_in_every_dialect() {
    let usage = Usage {
        input_uncached: 3,
        output: 2,
        ..Usage::default()
    };
    for (dialect, begun) in [
        (Dialect::OpenaiChat, CHAT),
        (Dialect::OpenaiCompletions, TEXT),
        (Dialect::MistralChat, CHAT),
        (Dialect::MistralFim, CHAT),
        (Dialect::AnthropicMessages, MESSAGE),
    ] {
        for shows_usage in [true, false] {
            let cut = Cut {
                id: "a",
                model: "m",
                created: 7,
                open: Some(0),
                usage: &usage,
                cost: Some("0.00075"),
                shows_usage,
            };
            let mut end = Vec::new();
            codec::encode_stream_cut(dialect, &cut, &mut end);
            let told = begun.to_owned() + std::str::from_utf8(&end).unwrap();
            assert_eq!(told.matches("0.00075").count(), 1, "{told}");
            let events = events(dialect, &told);
            let closed = events
                .iter()
                .filter(|event| **event == Event::Close { index: 0 });
            assert_eq!(closed.count(), 1, "{told}");
            assert!(events.contains(&Event::Finish(Stop::MaxOutput)), "{told}");
            let counted = events.iter().rev().find_map(|event| match event {
                Event::Usage(usage) => Some((usage.input_total(), usage.output)),
                _ => None,
            });
            let comments = dialect == Dialect::OpenaiChat || dialect == Dialect::OpenaiCompletions;
            let expected = (shows_usage || !comments).then_some((3, 2));
            assert_eq!(counted, expected, "{told}");
        }
    }
}
