//! What holds for every call and every answer that the dialect can express.

use super::*;
use crate::block::{
    Block, CacheMark, Document, Image, Reasoning, Source, State, Text, ToolForm, ToolResult,
    ToolUse,
};
use crate::call::{
    Effort, Format, Function, ReasoningMode, Role, Show, Stream, Tool, ToolChoice, Turn,
};
use crate::dialect::Dialect;
use crate::event::Stop;
use crate::json::Raw;
use crate::usage::Usage;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn words() -> impl Strategy<Value = String> {
    "[a-zA-Zé\"\\\\\n漢🚀][a-z \"\\\\\n漢🚀]{0,8}[a-z]"
}

fn object() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("{}".to_owned()),
        Just(r#"{"b": 1.0, "a":{"c":[]}}"#.to_owned()),
        Just(r#"{ "x":"}\"" }"#.to_owned()),
    ]
}

fn cache() -> impl Strategy<Value = Option<CacheMark>> {
    option::of(prop_oneof![
        Just(CacheMark::Default),
        Just(CacheMark::FiveMinutes),
        Just(CacheMark::OneHour)
    ])
}

fn text() -> impl Strategy<Value = Block> {
    (words(), cache()).prop_map(|(text, cache)| {
        Block::Text(Text {
            text,
            cache,
            ..Text::default()
        })
    })
}

fn source(media_type: &str) -> impl Strategy<Value = Source> {
    prop_oneof![
        words().prop_map(Source::Url),
        Just(Source::Base64 {
            media_type: media_type.to_owned(),
            data: "AA==".to_owned()
        }),
        words().prop_map(|id| Source::File {
            dialect: Dialect::AnthropicMessages,
            id
        }),
    ]
}

fn media() -> impl Strategy<Value = Block> {
    let image = (source("image/png"), cache()).prop_map(|(source, cache)| {
        Block::Image(Image {
            source,
            detail: None,
            cache,
        })
    });
    let document = (
        source("application/pdf"),
        option::of(words()),
        any::<bool>(),
        cache(),
    );
    let document = document.prop_map(|(source, title, citations, cache)| {
        Block::Document(Document {
            source,
            title,
            context: None,
            citations,
            cache,
        })
    });
    prop_oneof![text(), image, document]
}

fn thought() -> impl Strategy<Value = Block> {
    (words(), "[a-zA-Z+/]{4,9}", any::<bool>()).prop_map(|(text, data, redacted)| {
        Block::Reasoning(Reasoning {
            text: if redacted { String::new() } else { text },
            state: Some(State {
                dialect: Dialect::AnthropicMessages,
                provider: None,
                id: None,
                redacted,
                data,
            }),
        })
    })
}

fn tool_use() -> impl Strategy<Value = Block> {
    ("toolu_[a-z0-9]{4}", "[a-z_]{1,9}", object(), cache()).prop_map(
        |(id, name, arguments, cache)| {
            Block::ToolUse(ToolUse {
                id,
                name,
                namespace: None,
                form: ToolForm::Function,
                arguments,
                cache,
            })
        },
    )
}

fn tool_result() -> impl Strategy<Value = Block> {
    let content = vec(media(), 0..3);
    ("toolu_[a-z0-9]{4}", content, any::<bool>(), cache()).prop_map(
        |(id, content, is_error, cache)| {
            Block::ToolResult(ToolResult {
                id,
                content,
                is_error,
                form: ToolForm::Function,
                cache,
            })
        },
    )
}

/// Turns as Anthropic wants them: alternating, results first, the user first and last.
fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let user = |results| {
        (vec(tool_result(), results), vec(media(), 1..3))
            .prop_map(|(results, rest)| Turn::new(Role::User, [results, rest].concat()))
    };
    let model = (
        vec(thought(), 0..2),
        vec(text(), 1..2),
        vec(tool_use(), 0..3),
    )
        .prop_map(|(a, b, c)| Turn::new(Role::Assistant, [a, b, c].concat()));
    let rounds = vec((model, user(0..3)), 0..3);
    (vec(text(), 0..3), user(0..1), rounds).prop_map(|(system, first, rounds)| {
        let mut turns = Vec::new();
        if !system.is_empty() {
            turns.push(Turn::new(Role::System, system));
        }
        turns.push(first);
        for (model, user) in rounds {
            turns.extend([model, user]);
        }
        turns
    })
}

fn tool() -> impl Strategy<Value = Tool> {
    (
        "[a-z_]{1,9}",
        option::of(words()),
        object(),
        option::of(Just(true)),
        cache(),
    )
        .prop_map(|(name, description, schema, strict, cache)| {
            Tool::Function(Function {
                name,
                description,
                // Anthropic demands a type, and of what is strict that it is closed.
                parameters: Raw::parse(format!(
                    r#"{{"type":"object","default":{schema},"additionalProperties":false}}"#
                )),
                strict,
                cache,
                extras: Vec::new(),
            })
        })
}

fn chat() -> impl Strategy<Value = Chat> {
    let choice = prop_oneof![
        Just(None),
        Just(Some(ToolChoice::None)),
        Just(Some(ToolChoice::Auto)),
    ];
    let format = prop_oneof![
        Just(Format::Text),
        object().prop_map(|schema| Format::JsonSchema {
            name: None,
            description: None,
            schema: Raw::parse(schema).unwrap(),
            strict: None
        })
    ];
    let think = prop_oneof![
        Just((ReasoningMode::Unsaid, None, None)),
        Just((ReasoningMode::Off, None, None)),
        Just((
            ReasoningMode::Adaptive,
            Some(Effort::Max),
            Some(Show::Omitted)
        )),
    ];
    let many = (any::<bool>(), 1..8000_u64, vec(words(), 0..2), cache());
    let tools = (vec(tool(), 1..3), choice);
    (turns(), tools, format, think, many).prop_map(
        |(turns, (tools, choice), format, think, many)| {
            let mut chat = Chat {
                model: "claude".to_owned(),
                turns,
                tools,
                tool_choice: choice,
                format,
                cache: many.3,
                ..Chat::default()
            };
            chat.stream = Stream {
                on: many.0,
                include_usage: false,
            };
            (
                chat.reasoning.mode,
                chat.reasoning.effort,
                chat.reasoning.show,
            ) = think;
            chat.sampling.max_output = Some(many.1);
            chat.sampling.stop = many.2;
            chat
        },
    )
}

fn answer() -> impl Strategy<Value = Answer> {
    let tool = tool_use().prop_map(|block| match block {
        Block::ToolUse(tool) => Block::ToolUse(ToolUse {
            cache: None,
            ..tool
        }),
        other => other,
    });
    let plain = words().prop_map(|text| Block::Text(Text::plain(text)));
    let blocks = vec(prop_oneof![plain, tool], 0..5);
    let counts = (0..9_u64, 0..9_u64, 0..9_u64, 0..9_u64, 5..9_u64, 0..5_u64);
    (blocks, counts).prop_map(
        |(blocks, (input, read, write, hour, output, thought))| Answer {
            id: "msg_1".to_owned(),
            model: "m".to_owned(),
            created: 0,
            stop: if blocks.iter().any(|b| matches!(b, Block::ToolUse(_))) {
                Stop::ToolUse
            } else {
                Stop::MaxOutput
            },
            blocks,
            usage: Usage {
                input_uncached: input,
                cache_read: read,
                cache_write: write,
                cache_write_1h: hour,
                output,
                reasoning: thought,
                ..Usage::default()
            },
        },
    )
}

const PARTS: usize = 3;

/// A stream of tool calls whose pieces come in any order that keeps each call's own.
fn interleaved(tools: usize, order: &[usize]) -> String {
    let mut stream = String::new();
    let mut frame = |data: String| stream.push_str(&format!("data: {data}\n\n"));
    frame(r#"{"type":"message_start","message":{"id":"a","model":"m"}}"#.to_owned());
    for tool in 0..tools {
        frame(format!(
            r#"{{"type":"content_block_start","index":{tool},"content_block":{{"type":"tool_use","id":"t{tool}","name":"f","input":{{}}}}}}"#
        ));
    }
    let mut told = vec![0; tools];
    let rest = (0..tools).flat_map(|tool| [tool; PARTS]);
    for tool in order.iter().map(|at| at % tools).chain(rest) {
        let more = [r#"{\"k\":"#, "[", "1]}"].get(told[tool]);
        if let Some(more) = more {
            told[tool] += 1;
            frame(format!(
                r#"{{"type":"content_block_delta","index":{tool},"delta":{{"type":"input_json_delta","partial_json":"{more}"}}}}"#
            ));
        }
    }
    frame(r#"{"type":"message_stop"}"#.to_owned());
    stream
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_call_comes_back_from_its_own_dialect(chat in chat()) {
        let (body, dropped) = encode(&chat);
        prop_assert_eq!(dropped, Vec::<String>::new());
        prop_assert_eq!(decode(&body), chat);
    }

    #[test]
    fn an_answer_comes_back_streamed_and_whole(answer in answer()) {
        let frames = frames_of(&answer, plain_reply(), Some("0.1"));
        prop_assert_eq!(&streamed(&frames).unwrap(), &answer);
        let body = response::encode(&answer, &plain_reply(), Some("0.1"));
        prop_assert_eq!(&whole(std::str::from_utf8(&body).unwrap()).unwrap(), &answer);
    }

    #[test]
    fn t3_calls_in_any_order_keep_their_arguments(tools in 1..5_usize, order in vec(0..9_usize, 0..20)) {
        let answer = streamed(&interleaved(tools, &order)).unwrap();
        prop_assert_eq!(answer.blocks.len(), tools);
        for (at, block) in answer.blocks.iter().enumerate() {
            let Block::ToolUse(tool) = block else { panic!("{block:?}") };
            prop_assert_eq!(&tool.id, &format!("t{at}"));
            prop_assert_eq!(&tool.arguments, r#"{"k":[1]}"#);
        }
    }

    #[test]
    fn no_bytes_make_the_decoders_panic(body in vec(any::<u8>(), 0..60)) {
        let text = String::from_utf8_lossy(&body);
        let _ = request::decode(&body, &Plain);
        let _ = whole(&text);
        let _ = streamed(&format!("data: {text}\n\n"));
        let _ = super::super::error::decode(400, &body);
    }
}
