//! Turns -> input items.
//!
//! A turn is taken apart at its blocks: what may stand in a message is gathered into one message
//! item, everything else is an item of its own, in order.

use super::write_parts::{kind_of, next, write_medium, write_output, write_text};
use crate::block::{Block, CacheMark, Reasoning, Text, ToolForm, ToolResult, ToolUse};
use crate::call::{Role, Turn};
use crate::dialect::Dialect;
use crate::exchange::Target;
use crate::ids;
use crate::json;
use crate::names;
use crate::notes::Notes;
use crate::openai_responses::wire::{Fields, List};
use crate::quirk::Quirk;
use std::borrow::Cow;

pub(super) struct Items<'o, 'n, 't> {
    list: List<'o>,
    target: &'t Target<'t>,
    notes: &'n mut Notes,
    /// The parts of the message that is being gathered.
    parts: Vec<u8>,
    /// Nothing but instructions was written so far.
    leading: bool,
}

impl<'o, 'n, 't> Items<'o, 'n, 't> {
    pub(super) fn open(out: &'o mut Vec<u8>, target: &'t Target<'t>, notes: &'n mut Notes) -> Self {
        Self {
            list: List::open(out),
            target,
            notes,
            parts: Vec::new(),
            leading: true,
        }
    }

    pub(super) fn close(self) {
        self.list.close();
    }

    pub(super) fn turn(&mut self, turn: &Turn) {
        if turn.name.is_some() {
            self.notes.drop("name");
        }
        if turn.prefill {
            // The model begins a new answer after it instead of going on with it.
            self.notes.drop("prefill");
            if self.target.quirks.has(Quirk::NoPrefill) {
                return;
            }
        }
        for block in &turn.blocks {
            self.block(block, turn.role);
        }
        self.end_message(turn.role);
        self.leading &= matches!(turn.role, Role::System | Role::Developer);
    }

    fn block(&mut self, block: &Block, role: Role) {
        match block {
            Block::Text(text) => {
                self.mark(text.cache);
                write_text(text_kind(role), &text.text, next(&mut self.parts));
            }
            Block::Refusal(text) => {
                if role == Role::Assistant {
                    let mut fields = Fields::typed(next(&mut self.parts), "refusal");
                    fields.text("refusal", text);
                    fields.close();
                } else {
                    write_text("input_text", text, next(&mut self.parts));
                }
            }
            Block::Image(_) | Block::Document(_) | Block::Audio(_) if role == Role::Assistant => {
                self.notes.drop(kind_of(block));
            }
            Block::Image(_) | Block::Document(_) | Block::Audio(_) => {
                write_medium(block, self.target, self.notes, &mut self.parts);
            }
            Block::Reasoning(reasoning) => {
                self.end_message(role);
                self.reasoning(reasoning);
            }
            Block::ToolUse(tool) => {
                self.end_message(role);
                self.call(tool);
            }
            Block::ToolResult(result) => {
                self.end_message(role);
                self.output(result);
            }
            Block::Opaque(opaque) if opaque.dialect == Dialect::OpenaiResponses => {
                self.end_message(role);
                json::value(self.list.next(), &opaque.raw);
            }
            Block::Opaque(opaque) => match opaque.words() {
                Some(words) => write_text(text_kind(role), &words, next(&mut self.parts)),
                None => self.notes.drop(&opaque.kind),
            },
        }
    }

    fn mark(&mut self, mark: Option<CacheMark>) {
        if mark.is_some() {
            self.notes.drop("cache_control");
        }
    }

    fn end_message(&mut self, role: Role) {
        if self.parts.is_empty() {
            return;
        }
        let folded = !self.leading && self.target.quirks.has(Quirk::SystemFirst);
        let role = match role {
            Role::System | Role::Developer if folded => "user",
            Role::System => "system",
            Role::Developer if self.target.quirks.has(Quirk::NoDeveloper) => "system",
            Role::Developer => "developer",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let mut fields = Fields::typed(self.list.next(), "message");
        fields.text("role", role);
        let content = fields.key("content");
        content.push(b'[');
        content.append(&mut self.parts);
        content.push(b']');
        fields.close();
    }

    fn reasoning(&mut self, reasoning: &Reasoning) {
        let Some(state) = &reasoning.state else {
            self.notes.drop("reasoning");
            return;
        };
        let at_home = match &state.provider {
            Some(provider) => provider == self.target.provider,
            None => true,
        };
        if state.dialect != Dialect::OpenaiResponses || !at_home {
            self.notes.drop("reasoning_state");
            if !reasoning.text.is_empty() {
                self.notes.drop("reasoning");
            }
            return;
        }
        let mut fields = Fields::typed(self.list.next(), "reasoning");
        if let Some(id) = &state.id {
            fields.text("id", id);
        }
        let mut summary = List::open(fields.key("summary"));
        if !reasoning.text.is_empty() {
            write_text("summary_text", &reasoning.text, summary.next());
        }
        summary.close();
        fields.text("encrypted_content", &state.data);
        fields.close();
    }

    fn id<'i>(&self, id: &'i str) -> Cow<'i, str> {
        match self.target.quirks.has(Quirk::OpenaiOwn) {
            true => ids::within(id, ids::bytes_max(Dialect::OpenaiResponses)),
            false => id.into(),
        }
    }

    fn call(&mut self, tool: &ToolUse) {
        self.mark(tool.cache);
        let (kind, arguments) = match tool.form {
            ToolForm::Function => ("function_call", "arguments"),
            ToolForm::Custom => ("custom_tool_call", "input"),
        };
        let id = self.id(&tool.id);
        let mut fields = Fields::typed(self.list.next(), kind);
        fields.text("call_id", &id);
        fields.text("name", &names::sent(&tool.name));
        if let Some(namespace) = &tool.namespace {
            fields.text("namespace", namespace);
        }
        fields.text(arguments, &tool.arguments);
        fields.close();
    }

    fn output(&mut self, result: &ToolResult) {
        self.mark(result.cache);
        let kind = match result.form {
            ToolForm::Function => "function_call_output",
            ToolForm::Custom => "custom_tool_call_output",
        };
        let id = self.id(&result.id);
        let mut fields = Fields::typed(self.list.next(), kind);
        fields.text("call_id", &id);
        let out = fields.key("output");
        let failed = result.is_error.then(|| failed(&result.content));
        match failed.as_deref().unwrap_or(&result.content) {
            [] => json::string(out, ""),
            [Block::Text(text)] if text.cache.is_none() && !text.text.is_empty() => {
                json::string(out, &text.text);
            }
            blocks => write_output(blocks, self.target, self.notes, out),
        }
        fields.close();
    }
}

/// A failure's content, told in words: outputs have no field for it.
fn failed(content: &[Block]) -> Vec<Block> {
    let mut content = content.to_vec();
    match content.first_mut() {
        Some(Block::Text(text)) => text.text.insert_str(0, "Error: "),
        _ => content.insert(0, Block::Text(Text::plain("Error:"))),
    }
    content
}

/// The `type` of a text in a message.
const fn text_kind(role: Role) -> &'static str {
    match role {
        Role::Assistant => "output_text",
        Role::System | Role::Developer | Role::User => "input_text",
    }
}
