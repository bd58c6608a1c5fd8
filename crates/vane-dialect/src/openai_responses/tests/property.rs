//! What must hold for every call, every answer and every split of the bytes.

use super::*;
use crate::block::{Reasoning, State, ToolForm, ToolResult, ToolUse};
use crate::call::{Effort, Function, Show, Tool, ToolChoice};
use crate::dialect::Dialect;
use crate::event::Stop;
use crate::frame::sse::Splitter;
use crate::json::Raw;
use crate::openai_responses::response;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn word() -> impl Strategy<Value = String> {
    "[a-zé\"\\\\\n<]{1,8}"
}

fn tool_use() -> impl Strategy<Value = ToolUse> {
    (
        word(),
        word(),
        proptest::option::of(word()),
        any::<bool>(),
        word(),
    )
        .prop_map(|(id, name, namespace, custom, input)| ToolUse {
            id,
            name,
            namespace,
            form: if custom {
                ToolForm::Custom
            } else {
                ToolForm::Function
            },
            arguments: if custom {
                input
            } else {
                r#"{ "k":1.0 }"#.into()
            },
            cache: None,
        })
}

fn state() -> impl Strategy<Value = State> {
    (proptest::option::of(word()), word()).prop_map(|(id, data)| State {
        dialect: Dialect::OpenaiResponses,
        provider: None,
        id,
        redacted: false,
        data,
    })
}

/// Blocks of an answer, as this dialect has them.
fn said() -> impl Strategy<Value = Block> {
    prop_oneof![
        word().prop_map(|text| Block::Text(Text::plain(text))),
        word().prop_map(Block::Refusal),
        tool_use().prop_map(Block::ToolUse),
        (word(), proptest::option::of(state()))
            .prop_map(|(text, state)| Block::Reasoning(Reasoning { text, state })),
    ]
}

/// Blocks of one answer: no two of its calls have the same id.
fn answered() -> impl Strategy<Value = Vec<Block>> {
    proptest::collection::vec(said(), 1..6).prop_map(|mut blocks| {
        for (at, block) in blocks.iter_mut().enumerate() {
            if let Block::ToolUse(call) = block {
                call.id = format!("{}{at}", call.id);
            }
        }
        blocks
    })
}

/// Blocks of an earlier answer: reasoning goes back only with its state.
fn history() -> impl Strategy<Value = Block> {
    said().prop_filter("reasoning without state", |block| {
        !matches!(block, Block::Reasoning(Reasoning { state: None, .. }))
    })
}

fn round() -> impl Strategy<Value = [Turn; 2]> {
    let outputs = proptest::collection::vec((word(), word(), any::<bool>()), 1..3);
    (proptest::collection::vec(history(), 1..5), outputs, word()).prop_map(
        |(blocks, outputs, text)| {
            let results = outputs.into_iter().map(|(id, text, custom)| {
                Block::ToolResult(ToolResult {
                    id,
                    content: vec![Block::Text(Text::plain(text))],
                    is_error: false,
                    form: if custom {
                        ToolForm::Custom
                    } else {
                        ToolForm::Function
                    },
                    cache: None,
                })
            });
            let last = Block::Text(Text::plain(text));
            let told = results.chain([last]).collect();
            [
                Turn::new(Role::Assistant, blocks),
                Turn::new(Role::User, told),
            ]
        },
    )
}

fn chat() -> impl Strategy<Value = Chat> {
    let tool = (word(), any::<bool>()).prop_map(|(name, strict)| {
        Tool::Function(Function {
            name,
            parameters: Raw::parse(r#"{"z":1, "a":{}}"#),
            strict: Some(strict),
            ..Function::default()
        })
    });
    let rounds = proptest::collection::vec(round(), 0..3);
    (
        word(),
        word(),
        rounds,
        proptest::collection::vec(tool, 1..3),
        16_u64..99,
    )
        .prop_map(|(system, text, rounds, tools, max)| {
            let system = Turn::new(Role::System, vec![Block::Text(Text::plain(system))]);
            let mut chat = Chat {
                model: "gpt-5".into(),
                turns: [system, user(&text)]
                    .into_iter()
                    .chain(rounds.into_iter().flatten())
                    .collect(),
                tools,
                tool_choice: Some(ToolChoice::Required),
                parallel_tools: Some(false),
                cache_key: Some("k".into()),
                ..Chat::default()
            };
            chat.sampling.max_output = Some(max);
            chat.reasoning.effort = Some(Effort::High);
            chat.reasoning.show = Some(Show::Auto);
            chat
        })
}

/// Bytes of a stream, split after every `step` bytes, to events.
fn events(bytes: &[u8], step: usize) -> Vec<Event<'static>> {
    let mut splitter = Splitter::new(1 << 20);
    let mut decoder = stream::Decoder::new(Asked::default());
    let mut events = Vec::new();
    for chunk in bytes.chunks(step) {
        splitter.push(bytes::Bytes::copy_from_slice(chunk)).unwrap();
        while let Some(range) = splitter.next_frame() {
            let frame = Frame::parse(&splitter.buffer()[range]);
            decoder.push(&frame, &mut events).unwrap();
        }
    }
    decoder.finish(&mut events).unwrap();
    events
}

fn streamed(answer: &Answer) -> Vec<u8> {
    struct Writer(stream::Encoder, Vec<u8>);
    impl Sink for Writer {
        fn event(&mut self, event: Event<'_>) {
            self.0.push(&event, &mut self.1);
        }
    }
    let mut writer = Writer(stream::Encoder::new(reply(Chat::default())), Vec::new());
    answer.replay(&mut writer);
    writer.0.finish(None, &mut writer.1);
    writer.1
}

/// What comes back of an answer that went through us: its state is sealed.
fn as_sealed(mut answer: Answer) -> Answer {
    for (index, block) in answer.blocks.iter_mut().enumerate() {
        if let Block::Reasoning(reasoning) = block {
            let state = reasoning.state.take().unwrap_or(State {
                dialect: Dialect::OpenaiResponses,
                provider: None,
                id: None,
                redacted: false,
                data: String::new(),
            });
            let state = State {
                provider: Some("up".into()),
                ..state
            };
            let data = crate::seal::Seal::seal(&Plain, &state, &reasoning.text);
            let id = Some(format!("rs_1_{index}"));
            reasoning.state = Some(State {
                data,
                id,
                provider: None,
                ..state
            });
        }
    }
    answer
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_call_survives_encoding(chat in chat()) {
        let (body, notes) = encoded(&chat, &[]);
        prop_assert!(notes.is_empty(), "{:?}", notes);
        prop_assert_eq!(decoded(&body), chat);
    }

    #[test]
    fn an_answer_survives_streamed_and_whole(
        blocks in answered(),
        step in 1_usize..200,
    ) {
        // The sequencer, which makes answers, gives no id twice.
        let ids = blocks.iter().filter_map(|block| match block {
            Block::ToolUse(call) => Some(&call.id),
            _ => None,
        });
        let mut seen = BTreeSet::new();
        prop_assume!(ids.into_iter().all(|id| seen.insert(id.clone())));
        let refused = blocks.iter().any(|block| matches!(block, Block::Refusal(_)));
        let called = blocks.iter().any(|block| matches!(block, Block::ToolUse(_)));
        let answer = Answer {
            id: "resp_1".into(),
            model: "m".into(),
            created: 9,
            blocks,
            usage: crate::Usage::from_inclusive(9, 3, 1, 5, 2),
            stop: if refused { Stop::Refusal } else if called { Stop::ToolUse } else { Stop::End },
        };
        let expected = as_sealed(answer.clone());
        let bytes = streamed(&answer);
        let whole = events(&bytes, bytes.len());
        prop_assert_eq!(&events(&bytes, step), &whole);
        prop_assert_eq!(collect(whole), expected.clone());
        let unary = response::encode(&answer, &reply(Chat::default()), None);
        let mut read = Answer::default();
        response::decode(&unary, &Asked::default(), &mut read).unwrap();
        prop_assert_eq!(read, expected);
        let last = String::from_utf8(bytes).unwrap();
        prop_assert!(last.contains(std::str::from_utf8(&unary).unwrap()));
    }
}
