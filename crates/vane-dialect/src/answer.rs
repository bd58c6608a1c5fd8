//! The answer as a whole: what its events add up to.
//!
//! Unary answers take the same way as streams: decoded to events, collected here, encoded whole.
//! So a streamed answer and its unstreamed twin cannot differ.

use crate::block::{Block, Opaque, Reasoning, Text, ToolUse};
use crate::event::{Event, Opening, Sink, Stop};
use crate::usage::Usage;
use std::borrow::Cow;

#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub id: String,
    pub model: String,
    pub created: u64,
    pub blocks: Vec<Block>,
    pub usage: Usage,
    pub stop: Stop,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            id: String::new(),
            model: String::new(),
            created: 0,
            blocks: Vec::new(),
            usage: Usage::default(),
            stop: Stop::End,
        }
    }
}

impl Answer {
    /// Gives the answer to `sink` as the events it is made of.
    pub fn replay(&self, sink: &mut dyn Sink) {
        sink.event(Event::Start {
            id: Cow::Borrowed(&self.id),
            model: Cow::Borrowed(&self.model),
            created: self.created,
        });
        for (index, block) in (0_u32..).zip(&self.blocks) {
            replay_block(index, block, sink);
        }
        sink.event(Event::Usage(self.usage));
        sink.event(Event::Finish(self.stop.clone()));
    }
}

fn replay_block(index: u32, block: &Block, sink: &mut dyn Sink) {
    let (opening, text) = match block {
        Block::Text(text) => (Opening::Text, text.text.as_str()),
        Block::Refusal(text) => (Opening::Refusal, text.as_str()),
        Block::Reasoning(reasoning) => (Opening::Reasoning, reasoning.text.as_str()),
        Block::ToolUse(tool) => {
            let opening = Opening::ToolUse {
                id: Cow::Borrowed(&tool.id),
                name: Cow::Borrowed(&tool.name),
                namespace: tool.namespace.as_deref().map(Cow::Borrowed),
                form: tool.form,
            };
            (opening, tool.arguments.as_str())
        }
        Block::Opaque(opaque) => {
            let raw = opaque.raw.clone();
            let kind = Cow::Borrowed(opaque.kind.as_str());
            (
                Opening::Opaque {
                    dialect: opaque.dialect,
                    kind,
                    raw,
                },
                "",
            )
        }
        // No model answers with these as blocks of their own; dialects that do make them Opaque.
        Block::ToolResult(_) | Block::Image(_) | Block::Document(_) | Block::Audio(_) => return,
    };
    sink.event(Event::Open { index, opening });
    if !text.is_empty() {
        sink.event(Event::Delta {
            index,
            text: Cow::Borrowed(text),
        });
    }
    if let Block::Text(text) = block {
        for citation in &text.citations {
            let citation = citation.clone();
            sink.event(Event::Cite { index, citation });
        }
    }
    if let Block::Reasoning(Reasoning {
        state: Some(state), ..
    }) = block
    {
        sink.event(Event::State {
            index,
            state: state.clone(),
        });
    }
    sink.event(Event::Close { index });
}

impl Sink for Answer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start { id, model, created } => {
                self.id = id.into_owned();
                self.model = model.into_owned();
                self.created = created;
            }
            Event::Open { opening, .. } => self.blocks.push(open(opening)),
            Event::Delta { text, .. } => self.append(&text),
            Event::State { state, .. } => {
                if let Some(Block::Reasoning(reasoning)) = self.blocks.last_mut() {
                    reasoning.state = Some(state);
                }
            }
            Event::Cite { citation, .. } => {
                if let Some(Block::Text(text)) = self.blocks.last_mut() {
                    text.citations.push(citation);
                }
            }
            Event::Close { .. } => {}
            Event::Usage(usage) => self.usage = usage,
            Event::Finish(stop) => self.stop = stop,
        }
    }
}

impl Answer {
    fn append(&mut self, more: &str) {
        match self.blocks.last_mut() {
            Some(Block::Text(text)) => text.text.push_str(more),
            Some(Block::Refusal(text)) => text.push_str(more),
            Some(Block::Reasoning(reasoning)) => reasoning.text.push_str(more),
            Some(Block::ToolUse(tool)) => tool.arguments.push_str(more),
            Some(
                Block::ToolResult(_)
                | Block::Image(_)
                | Block::Document(_)
                | Block::Audio(_)
                | Block::Opaque(_),
            )
            | None => {}
        }
    }
}

fn open(opening: Opening<'_>) -> Block {
    match opening {
        Opening::Text => Block::Text(Text::default()),
        Opening::Refusal => Block::Refusal(String::new()),
        Opening::Reasoning => Block::Reasoning(Reasoning::default()),
        Opening::ToolUse {
            id,
            name,
            namespace,
            form,
        } => Block::ToolUse(ToolUse {
            id: id.into_owned(),
            name: name.into_owned(),
            namespace: namespace.map(Cow::into_owned),
            form,
            arguments: String::new(),
            cache: None,
        }),
        Opening::Opaque { dialect, kind, raw } => Block::Opaque(Opaque {
            dialect,
            kind: kind.into_owned(),
            raw,
        }),
    }
}
