//! Events -> frames, in the order that the Responses contract gives.
//!
//! Sequence numbers count from 0 without gaps, ids stay the same from an item's beginning to the
//! completed response, and every `done` repeats the whole of what its deltas said.

use crate::block::ToolForm;
use crate::event::{Event, Opening, Sink};
use crate::exchange::Reply;
use crate::fault::Fault;
use crate::frame::sse;
use crate::openai_responses::draft::Draft;
use crate::openai_responses::item::Item;
use crate::openai_responses::wire::Fields;

pub struct Encoder {
    draft: Box<Draft>,
    frames: Frames,
    begun: bool,
    /// The open item is whole; it is ended when it is known whether the answer was cut in it.
    whole: bool,
}

/// Writes frames and counts them.
#[derive(Debug, Default)]
struct Frames {
    next: u64,
}

impl Encoder {
    #[must_use]
    pub fn new(reply: Reply) -> Self {
        Self {
            draft: Box::new(Draft::new(reply)),
            frames: Frames::default(),
            begun: false,
            whole: false,
        }
    }

    pub(crate) fn push(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match event {
            Event::Start { id, model, created } => {
                self.draft.start(id, model, *created);
                self.begin(out);
            }
            Event::Open { opening, .. } => {
                self.begin(out);
                self.end_item(out);
                if let Some(item) = self.draft.open(opening) {
                    self.frames.open(item, out);
                }
            }
            Event::Delta { text, .. } => {
                if let Some(item) = self.draft.delta(text) {
                    self.frames.delta(item, text, out);
                }
            }
            Event::State { state, .. } => self.draft.state(state),
            Event::Cite { citation, .. } => self.draft.cite(citation),
            Event::Close { .. } => self.whole = true,
            Event::Usage(_) | Event::Finish(_) => self.draft.event(event.clone()),
        }
    }

    pub(crate) fn finish(&mut self, cost: Option<&str>, out: &mut Vec<u8>) {
        self.begin(out);
        self.end_item(out);
        if let Some((item, text)) = self.draft.refuse() {
            self.frames.open(item, out);
            self.frames.delta(item, text, out);
            self.whole = true;
            self.end_item(out);
        }
        let kind = match self.draft.incomplete() {
            Some(_) => "response.incomplete",
            None => "response.completed",
        };
        let draft = &mut self.draft;
        self.frames.frame(kind, out, |fields| {
            draft.write_ended(cost, fields.key("response"));
        });
    }

    pub(crate) fn fault(&mut self, fault: &Fault, out: &mut Vec<u8>) {
        self.begin(out);
        self.end_item(out);
        let draft = &mut self.draft;
        self.frames.frame("response.failed", out, |fields| {
            draft.write_failed(fault, fields.key("response"));
        });
    }

    fn end_item(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.whole)
            && let Some(item) = self.draft.close()
        {
            self.frames.close(&item, out);
        }
    }

    /// SDKs refuse a stream that does not begin with these two.
    fn begin(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        for kind in ["response.created", "response.in_progress"] {
            let draft = &mut self.draft;
            self.frames.frame(kind, out, |fields| {
                draft.write_begun(fields.key("response"));
            });
        }
    }
}

impl Frames {
    fn frame(&mut self, kind: &str, out: &mut Vec<u8>, write: impl FnOnce(&mut Fields<'_>)) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\ndata: ");
        let from = out.len();
        let mut fields = Fields::typed(out, kind);
        fields.value("sequence_number", &self.next);
        self.next += 1;
        write(&mut fields);
        sse::end(fields.close(), from);
    }

    /// A frame about a part of an item.
    fn at(
        &mut self,
        kind: &str,
        item: &Item,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Fields<'_>),
    ) {
        self.frame(kind, out, |fields| {
            fields.text("item_id", &item.id);
            fields.value("output_index", &item.output_index);
            match item.opening {
                Opening::Text | Opening::Refusal => {
                    fields.json("content_index", "0");
                }
                Opening::Reasoning => {
                    fields.json("summary_index", "0");
                }
                Opening::ToolUse { .. } | Opening::Opaque { .. } => {}
            }
            write(fields);
        });
    }

    fn item(&mut self, kind: &str, item: &Item, whole: bool, out: &mut Vec<u8>) {
        self.frame(kind, out, |fields| {
            fields.value("output_index", &item.output_index);
            item.write(whole, fields.key("item"));
        });
    }

    fn open(&mut self, item: &Item, out: &mut Vec<u8>) {
        self.item("response.output_item.added", item, false, out);
        if matches!(item.opening, Opening::Text | Opening::Refusal) {
            self.at("response.content_part.added", item, out, |fields| {
                item.write_part(false, fields.key("part"));
            });
        }
    }

    fn delta(&mut self, item: &Item, text: &str, out: &mut Vec<u8>) {
        // A summary part begins with its first text: there may be none.
        if matches!(item.opening, Opening::Reasoning) && item.text.len() == text.len() {
            self.at(
                "response.reasoning_summary_part.added",
                item,
                out,
                |fields| {
                    item.write_part(false, fields.key("part"));
                },
            );
        }
        let kind = match &item.opening {
            Opening::Text => "response.output_text.delta",
            Opening::Refusal => "response.refusal.delta",
            Opening::Reasoning => "response.reasoning_summary_text.delta",
            Opening::ToolUse { form, .. } => match form {
                ToolForm::Function => "response.function_call_arguments.delta",
                ToolForm::Custom => "response.custom_tool_call_input.delta",
            },
            Opening::Opaque { .. } => return,
        };
        self.at(kind, item, out, |fields| {
            fields.text("delta", text);
            if matches!(item.opening, Opening::Text) {
                fields.json("logprobs", "[]");
            }
        });
    }

    fn annotate(&mut self, item: &Item, out: &mut Vec<u8>) {
        for (at, citation) in item.citations.iter().enumerate() {
            let kind = "response.output_text.annotation.added";
            self.at(kind, item, out, |fields| {
                fields.value("annotation_index", &at);
                item.write_annotation(citation, fields.key("annotation"));
            });
        }
    }

    fn close(&mut self, item: &Item, out: &mut Vec<u8>) {
        let text = item.text.as_str();
        let part_done = match &item.opening {
            Opening::Text => {
                self.annotate(item, out);
                self.at("response.output_text.done", item, out, |fields| {
                    fields.text("text", text).json("logprobs", "[]");
                });
                Some("response.content_part.done")
            }
            Opening::Refusal => {
                self.at("response.refusal.done", item, out, |fields| {
                    fields.text("refusal", text);
                });
                Some("response.content_part.done")
            }
            Opening::Reasoning if text.is_empty() => None,
            Opening::Reasoning => {
                let kind = "response.reasoning_summary_text.done";
                self.at(kind, item, out, |fields| {
                    fields.text("text", text);
                });
                Some("response.reasoning_summary_part.done")
            }
            Opening::ToolUse { form, name, .. } => {
                match form {
                    ToolForm::Function => {
                        let kind = "response.function_call_arguments.done";
                        self.at(kind, item, out, |fields| {
                            fields.text("name", name).text("arguments", text);
                        });
                    }
                    ToolForm::Custom => {
                        let kind = "response.custom_tool_call_input.done";
                        self.at(kind, item, out, |fields| {
                            fields.text("input", text);
                        });
                    }
                }
                None
            }
            Opening::Opaque { .. } => None,
        };
        if let Some(kind) = part_done {
            self.at(kind, item, out, |fields| {
                item.write_part(true, fields.key("part"));
            });
        }
        self.item("response.output_item.done", item, true, out);
    }
}
