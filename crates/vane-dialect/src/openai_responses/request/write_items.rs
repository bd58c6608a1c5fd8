//! Turns -> input items.
//!
//! A turn is taken apart at its blocks: what may stand in a message is gathered into one message
//! item, everything else is an item of its own, in order.

use crate::block::{
    Block, CacheMark, Detail, Document, Image, Reasoning, Source, ToolForm, ToolResult, ToolUse,
};
use crate::call::{Role, Turn};
use crate::codec::Target;
use crate::dialect::Dialect;
use crate::json;
use crate::notes::Notes;
use crate::openai_responses::wire::{Fields, List};
use crate::quirk::Quirk;

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
                let kind = match role {
                    Role::Assistant => "output_text",
                    Role::System | Role::Developer | Role::User => "input_text",
                };
                write_text(kind, &text.text, next(&mut self.parts));
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
            Block::Opaque(opaque) => self.notes.drop(&opaque.kind),
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

    fn call(&mut self, tool: &ToolUse) {
        self.mark(tool.cache);
        let (kind, arguments) = match tool.form {
            ToolForm::Function => ("function_call", "arguments"),
            ToolForm::Custom => ("custom_tool_call", "input"),
        };
        let mut fields = Fields::typed(self.list.next(), kind);
        fields.text("call_id", &tool.id).text("name", &tool.name);
        if let Some(namespace) = &tool.namespace {
            fields.text("namespace", namespace);
        }
        fields.text(arguments, &tool.arguments);
        fields.close();
    }

    fn output(&mut self, result: &ToolResult) {
        self.mark(result.cache);
        if result.is_error {
            self.notes.drop("is_error");
        }
        let kind = match result.form {
            ToolForm::Function => "function_call_output",
            ToolForm::Custom => "custom_tool_call_output",
        };
        let mut fields = Fields::typed(self.list.next(), kind);
        fields.text("call_id", &result.id);
        let out = fields.key("output");
        match result.content.as_slice() {
            [] => json::string(out, ""),
            [Block::Text(text)] if text.cache.is_none() && !text.text.is_empty() => {
                json::string(out, &text.text);
            }
            blocks => write_output(blocks, self.target, self.notes, out),
        }
        fields.close();
    }
}

/// Begins the next element of a list that has no brackets yet.
fn next(parts: &mut Vec<u8>) -> &mut Vec<u8> {
    if !parts.is_empty() {
        parts.push(b',');
    }
    parts
}

fn write_text(kind: &str, text: &str, out: &mut Vec<u8>) {
    let mut fields = Fields::typed(out, kind);
    fields.text("text", text);
    fields.close();
}

fn write_output(blocks: &[Block], target: &Target<'_>, notes: &mut Notes, out: &mut Vec<u8>) {
    let mut parts = Vec::new();
    for block in blocks {
        match block {
            Block::Text(text) => {
                if text.cache.is_some() {
                    notes.drop("cache_control");
                }
                write_text("input_text", &text.text, next(&mut parts));
            }
            Block::Refusal(text) => write_text("input_text", text, next(&mut parts)),
            Block::Image(_) | Block::Document(_) | Block::Audio(_) => {
                write_medium(block, target, notes, &mut parts);
            }
            Block::Opaque(opaque) if opaque.dialect == Dialect::OpenaiResponses => {
                json::value(next(&mut parts), &opaque.raw);
            }
            Block::Opaque(_) | Block::Reasoning(_) | Block::ToolUse(_) | Block::ToolResult(_) => {
                notes.drop(kind_of(block))
            }
        }
    }
    out.push(b'[');
    out.append(&mut parts);
    out.push(b']');
}

fn kind_of(block: &Block) -> &str {
    match block {
        Block::Text(_) => "text",
        Block::Refusal(_) => "refusal",
        Block::Reasoning(_) => "reasoning",
        Block::ToolUse(_) => "tool_use",
        Block::ToolResult(_) => "tool_result",
        Block::Image(_) => "image",
        Block::Document(_) => "document",
        Block::Audio(_) => "input_audio",
        Block::Opaque(opaque) => &opaque.kind,
    }
}

/// Writes an image or a document; what cannot be carried leaves a placeholder (T9).
fn write_medium(block: &Block, target: &Target<'_>, notes: &mut Notes, parts: &mut Vec<u8>) {
    let (written, cache) = match block {
        Block::Image(image) if !target.quirks.has(Quirk::NoImages) => {
            (write_image(image, parts), image.cache)
        }
        Block::Document(document) => {
            if document.citations {
                notes.drop("citations");
            }
            if document.title.is_some() && has_no_name(&document.source) {
                notes.drop("title");
            }
            (write_document(document, parts), document.cache)
        }
        Block::Image(_)
        | Block::Audio(_)
        | Block::Text(_)
        | Block::Refusal(_)
        | Block::Reasoning(_)
        | Block::ToolUse(_)
        | Block::ToolResult(_)
        | Block::Opaque(_) => (false, None),
    };
    if cache.is_some() {
        notes.drop("cache_control");
    }
    if !written {
        let kind = kind_of(block);
        notes.drop(kind);
        let placeholder = format!("[{kind} left out: this model cannot take it]");
        write_text("input_text", &placeholder, next(parts));
    }
}

/// Whether files stored under `dialect`'s name are OpenAI's own.
const fn is_openai_file(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::OpenaiResponses | Dialect::OpenaiChat)
}

fn write_image(image: &Image, parts: &mut Vec<u8>) -> bool {
    let (key, value) = match &image.source {
        Source::File { dialect, id } if is_openai_file(*dialect) => ("file_id", Some(id.clone())),
        source => ("image_url", source.to_url()),
    };
    let Some(value) = value else { return false };
    let mut fields = Fields::typed(next(parts), "input_image");
    fields.text(key, &value);
    if let Some(detail) = image.detail {
        let name = match detail {
            Detail::Auto => "auto",
            Detail::Low => "low",
            Detail::High => "high",
            Detail::Original => "original",
        };
        fields.text("detail", name);
    }
    fields.close();
    true
}

/// Only bytes travel with a file name.
const fn has_no_name(source: &Source) -> bool {
    matches!(source, Source::File { .. } | Source::Url(_))
}

fn write_document(document: &Document, parts: &mut Vec<u8>) -> bool {
    let title = document.title.as_deref();
    if let Some(context) = &document.context {
        write_text("input_text", context, next(parts));
    }
    match &document.source {
        Source::Text(text) => {
            if let Some(title) = title {
                write_text("input_text", title, next(parts));
            }
            write_text("input_text", text, next(parts));
            return true;
        }
        Source::File { dialect, .. } if !is_openai_file(*dialect) => return false,
        Source::File { .. } | Source::Url(_) | Source::Base64 { .. } => {}
    }
    let mut fields = Fields::typed(next(parts), "input_file");
    match &document.source {
        Source::File { id, .. } => fields.text("file_id", id),
        Source::Url(url) => fields.text("file_url", url),
        Source::Base64 { .. } | Source::Text(_) => {
            // Bytes without a name are refused.
            fields.text("filename", title.unwrap_or("document.pdf"));
            fields.text("file_data", &document.source.to_url().unwrap_or_default())
        }
    };
    fields.close();
    true
}
