//! Events to chat chunks that every known client takes: a `finish_reason` key on each chunk, a
//! tool's id, type and name on its first piece, `[DONE]` at the end.

use crate::block::{State, ToolForm};
use crate::call::Call;
use crate::cite::{self, Citation};
use crate::dialect::Dialect;
use crate::event::{Event, Opening, Stop};
use crate::exchange::Reply;
use crate::frame::sse;
use crate::json;
use crate::openai_chat::{response, usage};
use crate::usage::Usage;
use std::ops::Range;

pub struct Encoder {
    reply: Reply,
    /// The chunk up to its choices: the same on every chunk.
    head: Vec<u8>,
    include_usage: bool,
    old_functions: bool,
    block: Open,
    /// Where the open text began and how far it is, in characters of the whole content.
    text: Range<u64>,
    /// The pages that the open text names.
    cited: Vec<Citation>,
    /// How many pages were named before.
    citations: u64,
    /// How many tool calls began.
    tools: u64,
    /// How many reasoning blocks ended.
    thoughts: u64,
    usage: Usage,
    stop: Stop,
    refused: bool,
}

/// The open block.
enum Open {
    None,
    Text,
    Refusal,
    /// Its text so far, because a seal covers it, and its state.
    Reasoning(String, Option<State>),
    /// Its opening waits for the first arguments, to go out as one chunk.
    ToolBegun {
        id: String,
        name: String,
        form: ToolForm,
    },
    Tool(ToolForm),
    Untold,
}

impl Encoder {
    #[must_use]
    pub fn new(reply: Reply) -> Self {
        let (include_usage, old_functions) = match &*reply.call {
            Call::Chat(chat) => (chat.stream.include_usage, chat.old_functions),
            Call::Fill(_) | Call::Embed(_) => (false, false),
        };
        Self {
            reply,
            head: Vec::new(),
            include_usage,
            old_functions,
            block: Open::None,
            text: 0..0,
            cited: Vec::new(),
            citations: 0,
            tools: 0,
            thoughts: 0,
            usage: Usage::default(),
            stop: Stop::End,
            refused: false,
        }
    }

    pub(crate) fn push(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match event {
            Event::Start { id, model, created } => {
                self.head =
                    response::head("chat.completion.chunk", id, model, *created, &self.reply);
                self.delta(out, |out| {
                    out.extend_from_slice(br#"{"role":"assistant","content":""}"#);
                });
            }
            Event::Open { opening, .. } => {
                self.refused |= matches!(opening, Opening::Refusal);
                self.text.start = self.text.end;
                self.block = Open::of(opening);
            }
            Event::Delta { text, .. } => self.text(text, out),
            Event::State { state, .. } => {
                if let Open::Reasoning(_, known) = &mut self.block {
                    *known = Some(state.clone());
                }
            }
            Event::Cite { citation, .. } => self.cited.push(citation.clone()),
            Event::Close { .. } => self.close(out),
            Event::Usage(usage) => self.usage = *usage,
            Event::Finish(stop) => self.stop = stop.clone(),
        }
    }

    pub(crate) fn finish(&mut self, cost: Option<&str>, out: &mut Vec<u8>) {
        let reason = response::finish_reason(&self.stop, self.refused, self.old_functions);
        self.open_chunk(out);
        out.extend_from_slice(br#""choices":[{"index":0,"delta":{},"finish_reason":"#);
        json::string(out, reason);
        out.extend_from_slice(b"}],\"usage\":");
        // A client that asked for the usage chunk adds up what it sees: it must see it once.
        if self.include_usage {
            out.extend_from_slice(b"null}\n\n");
            self.open_chunk(out);
            out.extend_from_slice(br#""choices":[],"usage":"#);
        }
        usage::write(out, &self.usage, cost);
        if let Some(tier) = usage::tier_name(self.usage.served) {
            out.extend_from_slice(br#","service_tier":"#);
            json::string(out, tier);
        }
        out.extend_from_slice(b"}\n\n");
        sse::write(out, b"[DONE]");
    }

    fn text(&mut self, text: &str, out: &mut Vec<u8>) {
        match std::mem::replace(&mut self.block, Open::Untold) {
            Open::Text => {
                self.text.end += cite::length(text);
                self.string_delta(b"{\"content\":", text, out);
                self.block = Open::Text;
            }
            Open::Refusal => {
                self.string_delta(b"{\"refusal\":", text, out);
                self.block = Open::Refusal;
            }
            Open::Reasoning(mut so_far, state) => {
                self.string_delta(b"{\"reasoning_content\":", text, out);
                so_far.push_str(text);
                self.block = Open::Reasoning(so_far, state);
            }
            Open::ToolBegun { id, name, form } => self.begin_tool(&id, &name, form, text, out),
            Open::Tool(form) => {
                self.more_arguments(form, text, out);
                self.block = Open::Tool(form);
            }
            Open::None | Open::Untold => {}
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        match std::mem::replace(&mut self.block, Open::None) {
            Open::Reasoning(text, state) => self.sealed(&text, state.as_ref(), out),
            Open::ToolBegun { id, name, form } => {
                self.begin_tool(&id, &name, form, "", out);
                self.block = Open::None;
            }
            Open::Text if !self.cited.is_empty() => self.annotate(out),
            Open::None | Open::Text | Open::Refusal | Open::Tool(_) | Open::Untold => {}
        }
    }

    fn annotate(&mut self, out: &mut Vec<u8>) {
        let cited = std::mem::take(&mut self.cited);
        let text = self.text.clone();
        let first = self.citations;
        self.citations += cited.len() as u64;
        self.delta(out, |out| {
            out.extend_from_slice(b"{\"annotations\":[");
            for (number, citation) in (first..).zip(&cited) {
                if number > first {
                    out.push(b',');
                }
                response::annotation(out, Some(number), citation, &text);
            }
            out.extend_from_slice(b"]}");
        });
    }

    /// The state of a reasoning block, with an index as SDKs that join lists of deltas demand.
    fn sealed(&mut self, text: &str, state: Option<&State>, out: &mut Vec<u8>) {
        let index = self.thoughts;
        self.thoughts += 1;
        let data = self.reply.seal(Dialect::OpenaiChat, state, text);
        self.delta(out, |out| {
            out.extend_from_slice(b"{\"reasoning_details\":[");
            response::detail(out, index, &data);
            out.extend_from_slice(b"]}");
        });
    }

    fn begin_tool(
        &mut self,
        id: &str,
        name: &str,
        form: ToolForm,
        arguments: &str,
        out: &mut Vec<u8>,
    ) {
        let index = self.tools;
        self.tools += 1;
        // The old form has room for one call.
        if self.old_functions && index > 0 {
            return;
        }
        let old = self.old_functions;
        self.delta(out, |out| {
            if old {
                out.extend_from_slice(b"{\"function_call\":");
                response::named(out, "arguments", name, arguments);
                return out.push(b'}');
            }
            out.extend_from_slice(b"{\"tool_calls\":[{\"index\":");
            json::number(out, index);
            out.push(b',');
            response::tool_call(out, id, name, form, arguments);
            out.extend_from_slice(b"]}");
        });
        self.block = Open::Tool(form);
    }

    fn more_arguments(&mut self, form: ToolForm, text: &str, out: &mut Vec<u8>) {
        if self.old_functions {
            return self.delta(out, |out| {
                out.extend_from_slice(b"{\"function_call\":{\"arguments\":");
                json::string(out, text);
                out.extend_from_slice(b"}}");
            });
        }
        let index = self.tools.saturating_sub(1);
        self.delta(out, |out| {
            out.extend_from_slice(b"{\"tool_calls\":[{\"index\":");
            json::number(out, index);
            out.extend_from_slice(match form {
                ToolForm::Function => br#","type":"function","function":{"arguments":"#,
                ToolForm::Custom => br#","type":"custom","custom":{"input":"#,
            });
            json::string(out, text);
            out.extend_from_slice(b"}}]}");
        });
    }

    fn string_delta(&self, name: &[u8], text: &str, out: &mut Vec<u8>) {
        self.delta(out, |out| {
            out.extend_from_slice(name);
            json::string(out, text);
            out.push(b'}');
        });
    }

    fn delta(&self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        self.open_chunk(out);
        out.extend_from_slice(br#""choices":[{"index":0,"delta":"#);
        write(out);
        out.extend_from_slice(br#","finish_reason":null}]"#);
        if self.include_usage {
            out.extend_from_slice(br#","usage":null"#);
        }
        out.extend_from_slice(b"}\n\n");
    }

    fn open_chunk(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&self.head);
    }
}

impl Open {
    fn of(opening: &Opening<'_>) -> Self {
        match opening {
            Opening::Text => Self::Text,
            Opening::Refusal => Self::Refusal,
            Opening::Reasoning => Self::Reasoning(String::new(), None),
            Opening::ToolUse { id, name, form, .. } => Self::ToolBegun {
                id: id.to_string(),
                name: name.to_string(),
                form: *form,
            },
            Opening::Opaque { .. } => Self::Untold,
        }
    }
}
