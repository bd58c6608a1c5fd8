//! Events -> frames.
//!
//! Blocks that no client of this dialect knows are skipped, so blocks are counted here: the
//! indices of what is sent are contiguous.

use crate::anthropic_messages::counts;
use crate::anthropic_messages::response::{stop_of, thoughts_are_omitted};
use crate::anthropic_messages::wire::{
    CUSTOM_INPUT, Members, answer_id, answer_model, object_text, wrapped, write_stop,
};
use crate::block::{State, ToolForm};
use crate::dialect::Dialect;
use crate::event::{Event, Opening, Stop};
use crate::exchange::{Cut, Reply};
use crate::frame::sse;
use crate::json;
use crate::usage::Usage;

pub struct Encoder {
    reply: Reply,
    next_index: u64,
    open: Open,
    /// Thoughts that are state alone. They wait for the next block: readers take the last one for
    /// the answer.
    silent: Vec<State>,
    has_tools: bool,
    is_refused: bool,
    usage: Usage,
    stop: Stop,
}

/// The block that is being written.
enum Open {
    /// None, or one that is not shown.
    Nothing,
    Text,
    Thought {
        /// Whether its start was sent: what it is shows only with its first text or state.
        started: bool,
        text: String,
        state: Option<State>,
    },
    /// Arguments are passed on as they come, once it is clear that they are an object.
    Tool {
        is_object: bool,
        held: String,
    },
    Custom(String),
}

impl Encoder {
    #[must_use]
    pub fn new(reply: Reply) -> Self {
        Self {
            reply,
            next_index: 0,
            open: Open::Nothing,
            silent: Vec::new(),
            has_tools: false,
            is_refused: false,
            usage: Usage::default(),
            stop: Stop::End,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.reply.id
    }

    pub(crate) fn push(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match event {
            Event::Start { id, model, .. } => self.message_start(id, model, out),
            Event::Open { opening, .. } => self.open(opening, out),
            Event::Delta { text, .. } => self.delta(text, out),
            Event::State { state, .. } => {
                if let Open::Thought { state: kept, .. } = &mut self.open {
                    *kept = Some(state.clone());
                }
            }
            // A client would give it back, and Anthropic refuses citations that are not its own.
            Event::Cite { .. } => {}
            Event::Close { .. } => self.close(out),
            Event::Usage(usage) => self.usage = *usage,
            Event::Finish(stop) => self.stop = stop.clone(),
        }
    }

    pub(crate) fn finish(&mut self, cost: Option<&str>, out: &mut Vec<u8>) {
        if self.next_index == 0 {
            self.silent.truncate(1);
            self.tell_silent(out);
        }
        frame(out, "message_delta", |members| {
            let mut delta = Members::open(members.key("delta"));
            let stop = stop_of(&self.stop, self.is_refused, &self.reply);
            write_stop(&mut delta, &stop, self.has_tools);
            delta.close();
            counts::write(members.key("usage"), &self.usage, cost);
        });
        frame(out, "message_stop", |_| {});
    }

    fn message_start(&self, id: &str, model: &str, out: &mut Vec<u8>) {
        frame(out, "message_start", |members| {
            let mut message = Members::open(members.key("message"));
            message.text("id", answer_id(id, &self.reply));
            message.text("type", "message");
            message.text("role", "assistant");
            message.text("model", answer_model(model, &self.reply));
            message.raw("content", "[]");
            message.raw("stop_reason", "null");
            message.raw("stop_sequence", "null");
            message.raw("stop_details", "null");
            // What is true is known at the end; `message_delta` says all of it.
            counts::write(message.key("usage"), &Usage::default(), None);
            message.close();
        });
    }

    fn open(&mut self, opening: &Opening<'_>, out: &mut Vec<u8>) {
        self.open = match opening {
            Opening::Text | Opening::Refusal => {
                self.is_refused |= matches!(opening, Opening::Refusal);
                self.start(out, |block| {
                    block.text("type", "text");
                    block.text("text", "");
                });
                Open::Text
            }
            Opening::Reasoning => Open::Thought {
                started: false,
                text: String::new(),
                state: None,
            },
            Opening::ToolUse { id, name, form, .. } => {
                self.has_tools = true;
                self.start(out, |block| {
                    block.text("type", "tool_use");
                    block.text("id", id);
                    block.text("name", name);
                    block.raw("input", "{}");
                });
                match form {
                    ToolForm::Function => Open::Tool {
                        is_object: false,
                        held: String::new(),
                    },
                    ToolForm::Custom => Open::Custom(String::new()),
                }
            }
            Opening::Opaque { dialect, raw, .. } => {
                if *dialect == Dialect::AnthropicMessages {
                    self.tell_silent(out);
                    frame(out, "content_block_start", |members| {
                        members.number("index", self.next_index);
                        members.raw("content_block", raw.get());
                    });
                    self.stop_block(out);
                }
                Open::Nothing
            }
        };
    }

    fn delta(&mut self, more: &str, out: &mut Vec<u8>) {
        match &mut self.open {
            Open::Nothing => {}
            Open::Text => self.grow("text_delta", "text", more, out),
            Open::Custom(text) => text.push_str(more),
            Open::Thought { started, text, .. } => {
                text.push_str(more);
                if thoughts_are_omitted(&self.reply) {
                    return;
                }
                if !std::mem::replace(started, true) {
                    self.start(out, thinking);
                }
                self.grow("thinking_delta", "thinking", more, out);
            }
            Open::Tool { is_object, held } => {
                if *is_object {
                    return self.grow("input_json_delta", "partial_json", more, out);
                }
                held.push_str(more);
                if held.trim_start().starts_with('{') {
                    *is_object = true;
                    let begun = std::mem::take(held);
                    self.grow("input_json_delta", "partial_json", &begun, out);
                }
            }
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => {}
            Open::Text => self.stop_block(out),
            Open::Custom(text) => {
                let input = wrapped(CUSTOM_INPUT, &text);
                self.grow("input_json_delta", "partial_json", &input, out);
                self.stop_block(out);
            }
            Open::Tool { is_object, held } => {
                if !is_object {
                    let input = object_text(&held);
                    self.grow("input_json_delta", "partial_json", &input, out);
                }
                self.stop_block(out);
            }
            Open::Thought {
                started,
                text,
                state,
            } if !started && text.is_empty() && state.is_some() => {
                self.silent.extend(state);
            }
            Open::Thought {
                started,
                text,
                state,
            } => self.close_thought(started, &text, state.as_ref(), out),
        }
    }

    fn tell_silent(&mut self, out: &mut Vec<u8>) {
        for state in std::mem::take(&mut self.silent) {
            self.close_thought(false, "", Some(&state), out);
        }
    }

    fn close_thought(
        &mut self,
        started: bool,
        text: &str,
        state: Option<&State>,
        out: &mut Vec<u8>,
    ) {
        let sealed = self.reply.seal(Dialect::AnthropicMessages, state, text);
        if text.is_empty() && state.is_some_and(|state| state.redacted) {
            self.start(out, |block| {
                block.text("type", "redacted_thinking");
                block.text("data", &sealed);
            });
        } else {
            if !started {
                self.start(out, thinking);
            }
            self.grow("signature_delta", "signature", &sealed, out);
        }
        self.stop_block(out);
    }

    fn start(&mut self, out: &mut Vec<u8>, write: impl FnOnce(&mut Members<'_>)) {
        self.tell_silent(out);
        frame(out, "content_block_start", |members| {
            members.number("index", self.next_index);
            let mut block = Members::open(members.key("content_block"));
            write(&mut block);
            block.close();
        });
    }

    fn grow(&self, kind: &str, key: &str, more: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(
            b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":",
        );
        json::number(out, self.next_index);
        out.extend_from_slice(b",\"delta\":{\"type\":\"");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\",\"");
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(b"\":");
        json::string(out, more);
        out.extend_from_slice(b"}}\n\n");
    }

    fn stop_block(&mut self, out: &mut Vec<u8>) {
        frame(out, "content_block_stop", |members| {
            members.number("index", self.next_index);
        });
        self.next_index += 1;
    }
}

fn thinking(block: &mut Members<'_>) {
    block.text("type", "thinking");
    block.text("thinking", "");
    block.text("signature", "");
}

/// The end of a forwarded stream that its upstream did not end. Both count blocks from 0.
pub(crate) fn cut(cut: &Cut<'_>, out: &mut Vec<u8>) {
    if let Some(open) = cut.open {
        frame(out, "content_block_stop", |members| {
            members.number("index", open.into());
        });
    }
    frame(out, "message_delta", |members| {
        let mut delta = Members::open(members.key("delta"));
        write_stop(&mut delta, &Stop::MaxOutput, false);
        delta.close();
        counts::write(members.key("usage"), cut.usage, cut.cost);
    });
    frame(out, "message_stop", |_| {});
}

/// Writes the event `name`, whose data begins with its type.
fn frame(out: &mut Vec<u8>, name: &str, write: impl FnOnce(&mut Members<'_>)) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    let from = out.len();
    let mut members = Members::open(out);
    members.text("type", name);
    write(&mut members);
    members.close();
    sse::end(out, from);
}
