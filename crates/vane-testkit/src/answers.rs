//! Answers as text: one module for each wire format, each a set of templates.
//!
//! Written by hand from the providers' documentation and recordings, and sharing no code with the
//! product's codecs, so that the two ends cannot agree on the same mistake.

pub(crate) mod anthropic_messages;
pub(crate) mod embeddings;
pub(crate) mod llama_infill;
pub(crate) mod mistral_chat;
pub(crate) mod models;
pub(crate) mod openai_chat;
pub(crate) mod openai_completions;
pub(crate) mod openai_responses;
mod piece;

pub(crate) use piece::{Piece, pieces};

use crate::ask::{Ask, tokens_of};
use crate::route::Door;
use crate::script::{Answer, Part, Usage};

/// The time at which every fake answer was made.
pub(crate) const CREATED: u64 = 1_796_000_000;

/// All that a template needs to say an answer.
#[derive(Debug)]
pub(crate) struct Said<'a> {
    pub(crate) ask: &'a Ask,
    pub(crate) answer: &'a Answer,
    pub(crate) parts: Vec<Part>,
    pub(crate) usage: Usage,
    /// The number of the call, for ids.
    pub(crate) number: usize,
}

/// One event of a stream before it is written as lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) event: Option<&'static str>,
    pub(crate) data: String,
}

impl Frame {
    pub(crate) fn data(data: String) -> Self {
        Self { event: None, data }
    }

    pub(crate) fn named(event: &'static str, data: String) -> Self {
        Self {
            event: Some(event),
            data,
        }
    }
}

impl<'a> Said<'a> {
    pub(crate) fn new(door: &Door, ask: &'a Ask, answer: &'a Answer, number: usize) -> Self {
        let parts = if answer.parts.is_empty() {
            vec![usual_part(door, ask, number)]
        } else {
            answer.parts.clone()
        };
        let usage = answer.usage.unwrap_or_else(|| counted(ask, &parts));
        Self {
            ask,
            answer,
            parts,
            usage,
            number,
        }
    }

    /// The model, as JSON text.
    pub(crate) fn model(&self) -> String {
        quoted(&self.ask.model)
    }

    pub(crate) fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    pub(crate) fn reasoning(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Reasoning(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// Id, name and arguments of each call.
    pub(crate) fn tools(&self) -> Vec<(&str, &str, &str)> {
        let calls = self.parts.iter().filter_map(|part| match part {
            Part::Tool {
                id,
                name,
                arguments,
            } => Some((id.as_str(), name.as_str(), arguments.as_str())),
            _ => None,
        });
        calls.collect()
    }

    /// The finish reason as JSON text; `plain` and `tools` are the dialect's usual words.
    pub(crate) fn finish(&self, plain: &str, tools: &str) -> String {
        if self.answer.shape.no_finish {
            return "null".into();
        }
        let usual = if self.tools().is_empty() {
            plain
        } else {
            tools
        };
        quoted(self.answer.finish.as_deref().unwrap_or(usual))
    }
}

/// JSON text of a string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A state token for a piece of reasoning: opaque, stable, and remembered by the fake.
pub(crate) fn signature(text: &str) -> String {
    format!("EqFake{:016x}==", hash(text))
}

/// Whether the model of an OpenAI-shaped chat signs its tool calls, and refuses unsigned ones.
pub(crate) fn signs_calls(model: &str) -> bool {
    model.starts_with("gemini-3")
}

/// The signature of the first call of an answer that is signed.
pub(crate) fn call_signature(ask: &Ask, parts: &[Part]) -> Option<String> {
    let mut calls = parts.iter().filter_map(|part| match part {
        Part::Tool { id, arguments, .. } => Some(signature(&format!("{id}{arguments}"))),
        Part::Text(_) | Part::Reasoning(_) | Part::Redacted(_) => None,
    });
    calls.next().filter(|_| signs_calls(&ask.model))
}

/// FNV-1a: any hash that is the same everywhere would do.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn usual_part(door: &Door, ask: &Ask, number: usize) -> Part {
    if let Some((name, arguments)) = &ask.tool {
        let id = match door {
            Door::AnthropicMessages => format!("toolu_{number:020}"),
            Door::MistralChat => format!("T{number:08}"),
            _ => format!("call_{number:020}"),
        };
        return Part::Tool {
            id,
            name: name.clone(),
            arguments: arguments.clone(),
        };
    }
    if let Some(result) = &ask.tool_result {
        return Part::Text(format!("The tool answered: {result}"));
    }
    match door {
        Door::MistralFim | Door::OpenAiCompletions | Door::LlamaInfill => {
            Part::Text("    return a + b\n".into())
        }
        _ => Part::Text("Hello from the fake upstream.".into()),
    }
}

fn counted(ask: &Ask, parts: &[Part]) -> Usage {
    let bytes = |part: &Part| match part {
        Part::Text(text) | Part::Reasoning(text) | Part::Redacted(text) => text.len(),
        Part::Tool {
            name, arguments, ..
        } => name.len() + arguments.len(),
    };
    let reasoning = |part: &&Part| matches!(part, Part::Reasoning(_) | Part::Redacted(_));
    Usage {
        prompt: ask.prompt_tokens,
        completion: parts
            .iter()
            .map(|part| tokens_of(bytes(part)))
            .sum::<u64>()
            .max(1),
        reasoning: parts
            .iter()
            .filter(reasoning)
            .map(|part| tokens_of(bytes(part)))
            .sum(),
        ..Usage::default()
    }
}
