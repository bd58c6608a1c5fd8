//! What holds for every call and every answer.

use super::replies::streamed;
use super::{collect, decode, encode, reply, stream, unary};
use crate::answer::Answer;
use crate::block::{
    Block, Document, Image, Reasoning, Source, Text, ToolForm, ToolResult, ToolUse,
};
use crate::call::{Chat, Function, Role, Sampling, Tool, ToolChoice, Turn};
use crate::event::Stop;
use crate::exchange::Asked;
use crate::frame::sse::{Frame, Splitter};
use crate::json::Raw;
use crate::usage::Usage;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Number;

const WORD: &str = "[a-zé \"\\\\\n]{1,8}";

fn text() -> impl Strategy<Value = Block> {
    WORD.prop_map(|word| Block::Text(Text::plain(word)))
}

fn answer() -> impl Strategy<Value = Answer> {
    let reasoning = WORD.prop_map(|text| Block::Reasoning(Reasoning { text, state: None }));
    let tool = ("[a-z]{9}", "[a-z_]{1,6}", WORD).prop_map(|(id, name, word)| {
        let arguments = serde_json::json!({ "a": word }).to_string();
        tool_use(&id, &name, arguments)
    });
    let stop = prop_oneof![Just(Stop::MaxOutput), Just(Stop::Context), Just(Stop::End)];
    let usage = (0..9000_u64, 0..9000_u64, 0..9000_u64);
    (
        prop::option::of(reasoning),
        prop::option::of(text()),
        prop::collection::vec(tool, 0..4),
        stop,
        usage,
    )
        .prop_map(|(reasoning, text, tools, stop, (prompt, read, output))| {
            let stop = if tools.is_empty() {
                stop
            } else {
                Stop::ToolUse
            };
            Answer {
                id: "i".into(),
                model: "m".into(),
                created: 4,
                blocks: reasoning.into_iter().chain(text).chain(tools).collect(),
                usage: Usage::from_inclusive(prompt, read, 0, output, 0),
                stop,
            }
        })
}

fn tool_use(id: &str, name: &str, arguments: String) -> Block {
    Block::ToolUse(ToolUse {
        id: id.into(),
        name: name.into(),
        namespace: None,
        form: ToolForm::Function,
        arguments,
        cache: None,
    })
}

fn media() -> impl Strategy<Value = Block> {
    prop_oneof![
        text(),
        Just(Block::Image(Image {
            source: Source::from_url("data:image/png;base64,QQ=="),
            detail: None,
            cache: None,
        })),
        Just(Block::Document(Document {
            source: Source::from_url("https://x/d"),
            title: Some("t".into()),
            context: None,
            citations: false,
            cache: None,
        })),
    ]
}

/// Calls that Mistral can say in full.
fn chat() -> impl Strategy<Value = Chat> {
    let rounds = prop::collection::vec(
        (
            prop::collection::vec(media(), 1..3),
            WORD,
            prop::option::of(WORD),
            0..3_usize,
        ),
        0..4,
    );
    let knobs = (
        prop::option::of(0..15_u8),
        prop::option::of(1..99_u64),
        any::<bool>(),
    );
    (rounds, knobs).prop_map(|(rounds, (heat, max, on))| {
        let mut turns = vec![Turn::new(Role::System, vec![Block::Text(Text::plain("s"))])];
        for (at, (blocks, said, thought, calls)) in rounds.into_iter().enumerate() {
            turns.push(Turn::new(Role::User, blocks));
            let thought = thought.map(|text| Block::Reasoning(Reasoning { text, state: None }));
            let said = Block::Text(Text::plain(format!("x{said}")));
            let ids: Vec<String> = (0..calls).map(|call| format!("id{at}x{call}")).collect();
            let uses = ids.iter().map(|id| tool_use(id, "f", r#"{"q": 1}"#.into()));
            let blocks = thought.into_iter().chain([said]).chain(uses).collect();
            turns.push(Turn::new(Role::Assistant, blocks));
            if !ids.is_empty() {
                turns.push(Turn::new(
                    Role::User,
                    ids.iter().map(|id| result(id)).collect(),
                ));
                turns.push(Turn::new(
                    Role::Assistant,
                    vec![Block::Text(Text::plain("done"))],
                ));
            }
        }
        turns.push(Turn::new(Role::User, vec![Block::Text(Text::plain("end"))]));
        Chat {
            model: "mistral-large".into(),
            turns,
            tools: vec![Tool::Function(Function {
                name: "f".into(),
                parameters: Raw::parse(r#"{"type":"object", "x":1.0}"#),
                ..Function::default()
            })],
            tool_choice: Some(ToolChoice::Required),
            sampling: Sampling {
                temperature: heat.and_then(|heat| Number::from_f64(f64::from(heat) / 10.0)),
                max_output: max,
                ..Sampling::default()
            },
            stream: crate::call::Stream {
                on,
                include_usage: false,
            },
            ..Chat::default()
        }
    })
}

fn result(id: &str) -> Block {
    Block::ToolResult(ToolResult {
        id: id.into(),
        content: vec![Block::Text(Text::plain("r"))],
        is_error: false,
        form: ToolForm::Function,
        cache: None,
    })
}

proptest! {
    #[test]
    fn what_mistral_can_say_survives(chat in chat()) {
        let (_, dropped, encoded) = encode(&chat, &[]);
        prop_assert!(dropped.is_empty(), "{:?}", dropped);
        prop_assert_eq!(decode(std::str::from_utf8(&encoded.body).unwrap()), chat);
    }

    #[test]
    fn encoded_answers_read_back(answer in answer()) {
        let body = super::super::response::encode(&answer, &reply(Chat::default()), Some("0.1"));
        let whole = unary(std::str::from_utf8(&body).unwrap(), &Asked::default()).unwrap();
        prop_assert_eq!(&whole, &answer);
        let frames = streamed(&answer, Chat::default());
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        let back = collect(stream(&frames, Asked::default()).unwrap());
        prop_assert_eq!(&back, &answer);
    }

    #[test]
    fn t14_any_split_of_the_bytes_gives_the_same_events(answer in answer(), cuts in prop::collection::vec(0..4000_usize, 0..9)) {
        let frames = streamed(&answer, Chat::default());
        let lines: Vec<&str> = frames.iter().map(String::as_str).collect();
        let expected = stream(&lines, Asked::default()).unwrap();
        let bytes = frames.iter().map(|data| format!("data:{data}\r\n\r\n")).collect::<String>().into_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([bytes.len()]).collect();
        cuts.sort_unstable();
        let mut splitter = Splitter::new(1 << 20);
        let mut decoder = super::super::stream::Decoder::new(Asked::default());
        let (mut events, mut from) = (Vec::new(), 0);
        for cut in cuts {
            splitter.push(Bytes::copy_from_slice(&bytes[from..cut])).unwrap();
            from = cut;
            while let Some(range) = splitter.next_frame() {
                let frame = splitter.buffer().slice(range);
                decoder.push(&Frame::parse(&frame), &mut events).unwrap();
            }
        }
        let rest = splitter.rest();
        decoder.push(&Frame::parse(&rest), &mut events).unwrap();
        decoder.finish(&mut events).unwrap();
        prop_assert_eq!(events, expected);
    }

    #[test]
    fn t13_no_body_makes_a_decoder_panic(body in "[\\[\\]{}\":,a-z0-9 .-]{0,60}") {
        let _ = super::super::request::decode(body.as_bytes(), &crate::seal::Plain);
        let _ = unary(&body, &Asked::default());
        let _ = super::super::error::decode(400, body.as_bytes());
    }
}
