//! Content parts of messages and of tool outputs, as a provider takes them.

use crate::block::{Block, Detail, Document, Image, Source};
use crate::dialect::Dialect;
use crate::exchange::Target;
use crate::json;
use crate::notes::Notes;
use crate::openai_responses::wire::Fields;
use crate::quirk::Quirk;

/// Begins the next element of a list that has no brackets yet.
pub(super) fn next(parts: &mut Vec<u8>) -> &mut Vec<u8> {
    if !parts.is_empty() {
        parts.push(b',');
    }
    parts
}

pub(super) fn write_text(kind: &str, text: &str, out: &mut Vec<u8>) {
    let mut fields = Fields::typed(out, kind);
    fields.text("text", text);
    fields.close();
}

pub(super) fn write_output(
    blocks: &[Block],
    target: &Target<'_>,
    notes: &mut Notes,
    out: &mut Vec<u8>,
) {
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
            Block::Opaque(opaque) if let Some(words) = opaque.words() => {
                write_text("input_text", &words, next(&mut parts));
            }
            Block::Opaque(_) | Block::Reasoning(_) | Block::ToolUse(_) | Block::ToolResult(_) => {
                notes.drop(kind_of(block))
            }
        }
    }
    if parts.is_empty() {
        return json::string(out, "");
    }
    out.push(b'[');
    out.append(&mut parts);
    out.push(b']');
}

pub(super) fn kind_of(block: &Block) -> &str {
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
pub(super) fn write_medium(
    block: &Block,
    target: &Target<'_>,
    notes: &mut Notes,
    parts: &mut Vec<u8>,
) {
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
        Source::File { .. } | Source::Text(_) | Source::Url(_) | Source::Base64 { .. } => {
            ("image_url", image.source.to_url())
        }
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
