//! Events -> chunks, as strict as Mistral's SDKs read them.
//!
//! Every chunk has id, object, created, model, index and a `finish_reason` key, and every delta
//! has `content` (one FIM client fails without). A tool call goes out whole, in one delta.

use crate::block::State;
use crate::dialect::Dialect;
use crate::event::{Event, Opening, Stop};
use crate::exchange::{Cut, Reply};
use crate::frame::sse;
use crate::json;
use crate::mistral_chat::members::Members;
use crate::mistral_chat::parts;
use crate::mistral_chat::usage;
use crate::usage::Usage;

pub struct Encoder {
    reply: Reply,
    /// What every chunk begins with, up to its delta.
    head: Vec<u8>,
    /// What the client prefilled and its answer has not repeated yet.
    prefix: String,
    open: Open,
    calls: u64,
    usage: Usage,
    stop: Stop,
}

/// What of the open block is kept until it is whole.
#[derive(Default)]
enum Open {
    #[default]
    Text,
    Reasoning {
        text: String,
        state: Option<State>,
    },
    Tool {
        id: String,
        name: String,
        arguments: String,
    },
}

impl Encoder {
    #[must_use]
    pub fn new(reply: Reply) -> Self {
        Self {
            prefix: parts::prefill(&reply),
            head: Vec::new(),
            open: Open::Text,
            calls: 0,
            usage: Usage::default(),
            stop: Stop::End,
            reply,
        }
    }

    pub(crate) fn push(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match event {
            Event::Start { id, model, created } => {
                self.begin(id, model, *created);
                self.chunk(out, |delta| {
                    delta.text("role", "assistant");
                    delta.text("content", "");
                });
            }
            Event::Open { opening, .. } => self.opened(opening, out),
            Event::Delta { text, .. } => self.delta(text, out),
            Event::State { state, .. } => {
                if let Open::Reasoning { state: kept, .. } = &mut self.open {
                    *kept = Some(state.clone());
                }
            }
            Event::Cite { .. } => {}
            Event::Close { .. } => self.close(out),
            Event::Usage(usage) => self.usage = *usage,
            Event::Finish(stop) => self.stop = stop.clone(),
        }
    }

    pub(crate) fn finish(&mut self, cost: Option<&str>, out: &mut Vec<u8>) {
        if self.head.is_empty() {
            self.begin("", "", 0);
        }
        let rest = std::mem::take(&mut self.prefix);
        let mut data = self.head.clone();
        let mut delta = Members::open(&mut data);
        delta.text("content", &rest);
        delta.close();
        data.extend_from_slice(b",\"finish_reason\":");
        json::string(&mut data, parts::finish_reason(&self.stop));
        data.extend_from_slice(b"}],\"usage\":");
        usage::write(&mut data, &self.usage, cost);
        data.push(b'}');
        sse::write(out, &data);
        sse::write(out, b"[DONE]");
    }

    fn begin(&mut self, id: &str, model: &str, created: u64) {
        let mut members = Members::open(&mut self.head);
        members.text("id", parts::or(id, &self.reply.id));
        members.text("object", "chat.completion.chunk");
        members.value("created", &parts::created(created, &self.reply));
        members.text("model", parts::or(model, self.reply.call.model()));
        members
            .key("choices")
            .extend_from_slice(b"[{\"index\":0,\"delta\":");
    }

    fn opened(&mut self, opening: &Opening<'_>, out: &mut Vec<u8>) {
        self.open = match opening {
            Opening::Text | Opening::Refusal => Open::Text,
            Opening::Reasoning => Open::Reasoning {
                text: String::new(),
                state: None,
            },
            Opening::ToolUse { id, name, .. } => Open::Tool {
                id: id.to_string(),
                name: name.to_string(),
                arguments: String::new(),
            },
            Opening::Opaque { dialect, raw, .. } => {
                if *dialect == Dialect::MistralChat {
                    self.chunk(out, |delta| {
                        parts::content_part(delta, |out| {
                            out.extend_from_slice(raw.get().as_bytes());
                        })
                    });
                }
                Open::Text
            }
        };
    }

    fn delta(&mut self, more: &str, out: &mut Vec<u8>) {
        match &mut self.open {
            Open::Text => {
                let mut text = std::mem::take(&mut self.prefix);
                if text.is_empty() {
                    return self.chunk(out, |delta| delta.text("content", more));
                }
                text.push_str(more);
                self.chunk(out, |delta| delta.text("content", &text));
            }
            Open::Reasoning { text, .. } => {
                text.push_str(more);
                self.chunk(out, |delta| {
                    parts::content_part(delta, |out| parts::thinking_part(out, more, None));
                });
            }
            Open::Tool { arguments, .. } => arguments.push_str(more),
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        match std::mem::take(&mut self.open) {
            Open::Reasoning {
                text,
                state: Some(state),
            } => {
                let signature = self.reply.seal(Dialect::MistralChat, Some(&state), &text);
                self.chunk(out, |delta| {
                    parts::content_part(delta, |out| {
                        parts::thinking_part(out, "", Some(&signature));
                    });
                });
            }
            Open::Tool {
                id,
                name,
                arguments,
            } => {
                let index = self.calls;
                self.calls += 1;
                self.chunk(out, |delta| {
                    delta.text("content", "");
                    let calls = delta.key("tool_calls");
                    calls.push(b'[');
                    parts::tool_call(calls, index, &id, &name, &arguments);
                    calls.push(b']');
                });
            }
            Open::Text | Open::Reasoning { state: None, .. } => {}
        }
    }

    /// Appends one chunk straight to `out`.
    fn chunk(&self, out: &mut Vec<u8>, write: impl FnOnce(&mut Members<'_>)) {
        out.extend_from_slice(b"data: ");
        let from = out.len();
        out.extend_from_slice(&self.head);
        let mut delta = Members::open(out);
        write(&mut delta);
        delta.close();
        out.extend_from_slice(b",\"finish_reason\":null}]}");
        sse::end(out, from);
    }
}

/// The end of a forwarded stream that its upstream did not end.
pub(crate) fn cut(cut: &Cut<'_>, out: &mut Vec<u8>) {
    let mut data = Vec::with_capacity(512);
    let mut members = Members::open(&mut data);
    members.text("id", cut.id);
    members.text("object", "chat.completion.chunk");
    members.value("created", &cut.created);
    members.text("model", cut.model);
    let reason = parts::finish_reason(&Stop::MaxOutput);
    let choices = members.key("choices");
    choices.extend_from_slice(br#"[{"index":0,"delta":{"content":""},"finish_reason":"#);
    json::string(choices, reason);
    choices.extend_from_slice(b"}]");
    usage::write(members.key("usage"), cut.usage, cut.cost);
    members.close();
    sse::write(out, &data);
    sse::write(out, b"[DONE]");
}
