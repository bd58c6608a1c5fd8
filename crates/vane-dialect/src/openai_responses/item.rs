//! One output item as it is written: how it begins, how it goes on, how it ends.
//!
//! Every block is an item of its own, so an answer's blocks and items keep one order.

use super::wire::{Fields, List};
use crate::block::{State, ToolForm};
use crate::cite::{self, Citation};
use crate::dialect::Dialect;
use crate::event::Opening;
use crate::json;

#[derive(Debug)]
pub(super) struct Item {
    pub(super) opening: Opening<'static>,
    pub(super) id: String,
    pub(super) output_index: u32,
    pub(super) text: String,
    pub(super) citations: Vec<Citation>,
    pub(super) state: Option<State>,
    /// The answer ended in the middle of it.
    pub(super) cut: bool,
    /// Reasoning state as the client carries it; made when the item ends.
    pub(super) sealed: Option<String>,
}

impl Item {
    /// `None` for a block that only another dialect understands.
    pub(super) fn new(opening: Opening<'static>, stem: &str, output_index: u32) -> Option<Self> {
        let prefix = match &opening {
            Opening::Text | Opening::Refusal => "msg",
            Opening::Reasoning => "rs",
            Opening::ToolUse { form, .. } => match form {
                ToolForm::Function => "fc",
                ToolForm::Custom => "ctc",
            },
            Opening::Opaque { dialect, .. } if *dialect == Dialect::OpenaiResponses => "",
            Opening::Opaque { .. } => return None,
        };
        Some(Self {
            opening,
            id: format!("{prefix}_{stem}_{output_index}"),
            output_index,
            text: String::new(),
            citations: Vec::new(),
            state: None,
            cut: false,
            sealed: None,
        })
    }

    /// The item as it begins, or `whole`.
    pub(super) fn write(&self, whole: bool, out: &mut Vec<u8>) {
        let status = match (whole, self.cut) {
            (false, _) => "in_progress",
            (true, false) => "completed",
            (true, true) => "incomplete",
        };
        let text = if whole { self.text.as_str() } else { "" };
        match &self.opening {
            Opening::Text | Opening::Refusal => {
                let mut fields = self.fields("message", out);
                fields.text("status", status).text("role", "assistant");
                let mut content = List::open(fields.key("content"));
                if whole {
                    self.write_part(true, content.next());
                }
                content.close();
                fields.close();
            }
            Opening::Reasoning => {
                let mut fields = self.fields("reasoning", out);
                let mut summary = List::open(fields.key("summary"));
                if !text.is_empty() {
                    self.write_part(true, summary.next());
                }
                summary.close();
                if let Some(sealed) = self.sealed.as_ref().filter(|_| whole) {
                    fields.text("encrypted_content", sealed);
                }
                fields.close();
            }
            Opening::ToolUse {
                id,
                name,
                namespace,
                form,
            } => {
                let (kind, arguments) = match form {
                    ToolForm::Function => ("function_call", "arguments"),
                    ToolForm::Custom => ("custom_tool_call", "input"),
                };
                let mut fields = self.fields(kind, out);
                fields.text("status", status).text(arguments, text);
                fields.text("call_id", id).text("name", name);
                if let Some(namespace) = namespace {
                    fields.text("namespace", namespace);
                }
                fields.close();
            }
            Opening::Opaque { raw, .. } => json::value(out, raw),
        }
    }

    pub(super) fn write_annotation(&self, citation: &Citation, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"type":"url_citation","#);
        citation.write(out, 0, cite::length(&self.text));
        out.push(b'}');
    }

    fn fields<'o>(&self, kind: &str, out: &'o mut Vec<u8>) -> Fields<'o> {
        let mut fields = Fields::open(out);
        fields.text("id", &self.id).text("type", kind);
        fields
    }

    /// The one content or summary part of the item, empty or whole.
    pub(super) fn write_part(&self, whole: bool, out: &mut Vec<u8>) {
        let text = if whole { self.text.as_str() } else { "" };
        match &self.opening {
            Opening::Refusal => {
                let mut fields = Fields::typed(out, "refusal");
                fields.text("refusal", text);
                fields.close();
            }
            Opening::Reasoning => {
                let mut fields = Fields::typed(out, "summary_text");
                fields.text("text", text);
                fields.close();
            }
            Opening::Text | Opening::ToolUse { .. } | Opening::Opaque { .. } => {
                let mut fields = Fields::typed(out, "output_text");
                let mut list = List::open(fields.key("annotations"));
                for citation in self.citations.iter().filter(|_| whole) {
                    self.write_annotation(citation, list.next());
                }
                list.close();
                fields.json("logprobs", "[]");
                fields.text("text", text);
                fields.close();
            }
        }
    }
}
