use super::*;
use crate::block::{
    Block, Detail, Image, Reasoning, Source, State, Text, ToolForm, ToolResult, ToolUse,
};
use crate::call::{
    Effort, Format, Function, ReasoningAsk, Role, Sampling, Stream, Tool, ToolChoice, Turn,
};
use crate::dialect::Dialect;
use crate::event::Stop;
use crate::json::Raw;
use crate::usage::Usage;
use proptest::prelude::*;

fn words() -> impl Strategy<Value = String> {
    "[a-zé\"\\\\\n{}☺ ]{1,12}"
}

fn text() -> impl Strategy<Value = Block> {
    words().prop_map(|text| Block::Text(Text::plain(text)))
}

fn arguments() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("{}".to_owned()),
        words().prop_map(|text| format!("{{ \"a\": {}}}", serde_json::to_string(&text).unwrap())),
    ]
}

fn call() -> impl Strategy<Value = ToolUse> {
    (
        "[a-z0-9_]{1,12}",
        "[a-z_]{1,8}",
        arguments(),
        words(),
        any::<bool>(),
    )
        .prop_map(|(id, name, arguments, input, custom)| ToolUse {
            id,
            name,
            namespace: None,
            form: if custom {
                ToolForm::Custom
            } else {
                ToolForm::Function
            },
            arguments: if custom { input } else { arguments },
            cache: None,
        })
}

fn image() -> impl Strategy<Value = Block> {
    let source = prop_oneof![
        Just(Source::Url("https://example.com/a.png".into())),
        Just(Source::Base64 {
            media_type: "image/png".into(),
            data: "AAAA".into()
        }),
    ];
    (source, prop::option::of(Just(Detail::Low))).prop_map(|(source, detail)| {
        Block::Image(Image {
            source,
            detail,
            cache: None,
        })
    })
}

fn thought() -> impl Strategy<Value = Block> {
    (words(), any::<bool>()).prop_map(|(text, has_state)| {
        let state = has_state.then(|| State {
            dialect: Dialect::OpenaiChat,
            provider: None,
            id: None,
            redacted: false,
            data: r#"[ {"type":"reasoning.encrypted","data":"x"}]"#.into(),
        });
        Block::Reasoning(Reasoning { text, state })
    })
}

/// A user turn, or an assistant turn with the results of its calls: what chat can say.
fn exchange() -> impl Strategy<Value = Vec<Turn>> {
    let user = prop::collection::vec(prop_oneof![text(), image()], 1..3)
        .prop_map(|blocks| vec![Turn::new(Role::User, blocks)]);
    let system = text().prop_map(|block| vec![Turn::new(Role::System, vec![block])]);
    let calls = prop::collection::btree_map("[a-z]{3}", call(), 0..3);
    let rest = prop::option::of(text());
    let assistant = (prop::option::of(thought()), text(), calls, rest).prop_map(
        |(thought, text, calls, rest)| {
            let mut blocks: Vec<Block> = thought.into_iter().chain([text]).collect();
            let mut results = Vec::new();
            for (id, call) in calls {
                results.push(Block::ToolResult(ToolResult {
                    id: id.clone(),
                    content: vec![Block::Text(Text::plain("done"))],
                    is_error: false,
                    form: call.form,
                    cache: None,
                }));
                blocks.push(Block::ToolUse(ToolUse { id, ..call }));
            }
            let assistant = Turn::new(Role::Assistant, blocks);
            if results.is_empty() {
                return vec![assistant];
            }
            results.extend(rest);
            // A system turn after it keeps the next user message apart.
            let apart = Turn::new(Role::System, vec![Block::Text(Text::plain("s"))]);
            vec![assistant, Turn::new(Role::User, results), apart]
        },
    );
    prop_oneof![user, system, assistant]
}

fn sampling() -> impl Strategy<Value = Sampling> {
    (
        prop::option::of(0_u64..9),
        prop::option::of(-5_i64..5),
        prop::collection::vec(words(), 0..3),
    )
        .prop_map(|(max_output, seed, stop)| Sampling {
            max_output,
            seed,
            stop,
            temperature: serde_json::from_str("1.0").ok(),
            ..Sampling::default()
        })
}

fn tools() -> impl Strategy<Value = (Vec<Tool>, Option<ToolChoice>)> {
    let tool = ("[a-z]{1,5}", prop::option::of(words())).prop_map(|(name, description)| {
        Tool::Function(Function {
            name,
            description,
            parameters: Raw::parse(r#"{"type": "object","properties":{},"z":1.0,"a":2}"#),
            strict: Some(true),
            ..Function::default()
        })
    });
    let choice = prop::option::of(prop_oneof![
        Just(ToolChoice::Required),
        Just(ToolChoice::Named {
            form: ToolForm::Function,
            name: "f".into()
        }),
        Just(ToolChoice::Allowed {
            required: true,
            names: vec!["f".into()]
        }),
    ]);
    (prop::collection::vec(tool, 1..3), choice)
}

fn calls() -> impl Strategy<Value = Chat> {
    let turns = prop::collection::vec(exchange(), 1..5);
    (turns, sampling(), tools(), any::<bool>()).prop_map(
        |(turns, sampling, (tools, tool_choice), on)| Chat {
            model: "up".into(),
            stream: Stream {
                on,
                include_usage: on,
            },
            turns: turns.into_iter().flatten().collect(),
            tools,
            tool_choice,
            parallel_tools: Some(true),
            format: Format::JsonObject,
            reasoning: ReasoningAsk {
                effort: Some(Effort::High),
                ..ReasoningAsk::default()
            },
            sampling,
            cache_key: Some("k".into()),
            ..Chat::default()
        },
    )
}

fn answers() -> impl Strategy<Value = Answer> {
    let spoken = prop_oneof![
        words().prop_map(|text| Block::Text(Text::plain(text))),
        call().prop_map(Block::ToolUse),
    ];
    let blocks = prop::collection::vec(spoken, 0..5);
    (prop::option::of(words()), blocks, 0_u64..1000, 0_u64..1000).prop_map(
        |(thought, spoken, input, output)| {
            let mut blocks: Vec<Block> = thought
                .map(|text| Block::Reasoning(Reasoning { text, state: None }))
                .into_iter()
                .collect();
            for block in spoken {
                // Neighbouring texts are one text on this wire.
                match (blocks.last_mut(), block) {
                    (Some(Block::Text(text)), Block::Text(more)) => text.text += &more.text,
                    (_, Block::ToolUse(call)) => {
                        let id = format!("id{}", blocks.len());
                        blocks.push(Block::ToolUse(ToolUse { id, ..call }));
                    }
                    (_, block) => blocks.push(block),
                }
            }
            let called = blocks
                .iter()
                .any(|block| matches!(block, Block::ToolUse(_)));
            Answer {
                id: "a".into(),
                model: "m".into(),
                created: 3,
                blocks,
                usage: Usage::from_inclusive(input, input / 2, 0, output, output / 3),
                stop: if called { Stop::ToolUse } else { Stop::End },
            }
        },
    )
}

/// What comes back of reasoning is our seal as a foreign state: only the text can be compared.
fn unsealed(mut answer: Answer) -> Answer {
    for block in &mut answer.blocks {
        if let Block::Reasoning(reasoning) = block {
            reasoning.state = None;
        }
    }
    answer
}

proptest! {
    #[test]
    fn a_call_comes_back_from_its_encoding(chat in calls()) {
        let sent = send(&chat, &[Quirk::OpenaiOwn, Quirk::ReasoningContent]);
        prop_assert!(sent.dropped.is_empty(), "{:?}", sent.dropped);
        prop_assert_eq!(super::chat(&sent.text), chat);
    }

    #[test]
    fn an_answer_comes_back_from_its_stream(answer in answers()) {
        let asked = Chat { stream: Stream { on: true, include_usage: true }, ..Chat::default() };
        let frames = encoded_stream(&answer, asked, Some("0.1"));
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        prop_assert_eq!(unsealed(streamed(&frames).unwrap()), answer);
    }

    #[test]
    fn streamed_and_unstreamed_say_the_same(answer in answers()) {
        let body = response::encode(&answer, &reply(Chat::default()), None);
        let from_whole = whole(std::str::from_utf8(&body).unwrap()).unwrap();
        let frames = encoded_stream(&answer, Chat::default(), None);
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        let from_stream = streamed(&frames).unwrap();
        prop_assert_eq!(from_whole.usage, from_stream.usage);
        prop_assert_eq!(&from_whole.stop, &from_stream.stop);
        // A whole message has its text before its calls; both say the same in each kind.
        let tools = |answer: &Answer| -> Vec<Block> {
            let calls = answer.blocks.iter().filter(|block| matches!(block, Block::ToolUse(_)));
            calls.cloned().collect()
        };
        prop_assert_eq!(tools(&from_whole), tools(&from_stream));
    }

    #[test]
    fn t14_every_split_of_the_bytes_gives_the_same_events(
        answer in answers(), cut in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(),
    ) {
        let frames = encoded_stream(&answer, Chat::default(), None);
        let bytes: String = frames.iter().map(|frame| format!("data: {frame}\r\n\r\n")).collect();
        let bytes = bytes.as_bytes();
        let (a, b) = (cut.index(bytes.len()), other.index(bytes.len()));
        let (a, b) = (a.min(b), a.max(b));
        let events = |chunks: &[&[u8]]| {
            let mut events: Vec<Event<'static>> = Vec::new();
            let seen = run(chunks, &Asked::default(), &mut events).unwrap();
            (events, seen.into_iter().filter(|seen| *seen != Seen::default()).collect::<Vec<_>>())
        };
        prop_assert_eq!(events(&[&bytes[..a], &bytes[a..b], &bytes[b..]]), events(&[bytes]));
    }

    #[test]
    fn t13_no_bytes_make_the_decoders_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}:,\"a-z0-9 ]{0,80}") {
        for body in [bytes.as_slice(), text.as_bytes()] {
            let _ = request::decode(body, &Plain);
            let _ = response::decode(body, &Asked::default(), &mut Answer::default());
            let _ = super::super::error::decode(500, body);
            let mut decoder = stream::Decoder::default();
            let _ = decoder.push(&Frame::of_data(body), &mut Answer::default());
        }
    }
}
