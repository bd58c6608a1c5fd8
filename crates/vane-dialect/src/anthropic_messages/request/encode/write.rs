//! Parts and messages -> JSON.

use super::ids::Ids;
use super::names::Names;
use super::part::Part;
use super::turns::Message;
use crate::anthropic_messages::wire::{CUSTOM_INPUT, Members, list, object_text, wrapped};
use crate::block::{Document, Source, ToolForm, ToolResult, ToolUse};

pub(super) fn message<'a>(
    message: &Message<'a>,
    names: &Names<'_>,
    ids: &mut Ids<'a>,
    out: &mut Vec<u8>,
) {
    let mut members = Members::open(out);
    let role = if message.is_assistant {
        ids.next_assistant();
        "assistant"
    } else {
        "user"
    };
    members.text("role", role);
    list(members.key("content"), &message.parts, |out, item| {
        part(item, names, ids, out);
    });
    members.close();
}

pub(super) fn part<'a>(part: &Part<'a>, names: &Names<'_>, ids: &mut Ids<'a>, out: &mut Vec<u8>) {
    if let Part::Raw(raw) = part {
        out.extend_from_slice(raw.get().as_bytes());
        return;
    }
    let mut members = Members::open(out);
    match part {
        Part::Text(text, cache) => {
            members.text("type", "text");
            members.text("text", text);
            members.cache(*cache);
        }
        Part::Thinking { text, signature } => {
            members.text("type", "thinking");
            members.text("thinking", text);
            members.text("signature", signature);
        }
        Part::Redacted(data) => {
            members.text("type", "redacted_thinking");
            members.text("data", data);
        }
        Part::ToolUse(tool) => tool_use(tool, names, ids, &mut members),
        Part::ToolResult(result, content) => {
            tool_result(result, content, names, ids, &mut members);
        }
        Part::Image(image, kind) => {
            members.text("type", "image");
            source(&image.source, *kind, &mut members);
            members.cache(image.cache);
        }
        Part::Document(document) => self::document(document, &mut members),
        Part::Raw(_) => {}
    }
    members.close();
}

fn tool_use<'a>(
    tool: &'a ToolUse,
    names: &Names<'_>,
    ids: &mut Ids<'a>,
    members: &mut Members<'_>,
) {
    members.text("type", "tool_use");
    members.text("id", &ids.of_call(&tool.id));
    let namespace = tool.space().unwrap_or_default();
    members.text("name", &names.sent(namespace, &tool.name));
    match tool.form {
        ToolForm::Function => members.raw("input", &object_text(&tool.arguments)),
        ToolForm::Custom => members.raw("input", &wrapped(CUSTOM_INPUT, &tool.arguments)),
    }
    members.cache(tool.cache);
}

fn tool_result<'a>(
    result: &'a ToolResult,
    content: &[Part<'a>],
    names: &Names<'_>,
    ids: &mut Ids<'a>,
    members: &mut Members<'_>,
) {
    members.text("type", "tool_result");
    members.text("tool_use_id", &ids.of_result(&result.id));
    match content {
        [] => {}
        [Part::Text(text, None)] => members.text("content", text),
        parts => list(members.key("content"), parts, |out, item| {
            part(item, names, ids, out);
        }),
    }
    if result.is_error {
        members.raw("is_error", "true");
    }
    members.cache(result.cache);
}

fn document(document: &Document, members: &mut Members<'_>) {
    members.text("type", "document");
    source(&document.source, None, members);
    if let Some(title) = &document.title {
        members.text("title", title);
    }
    if let Some(context) = &document.context {
        members.text("context", context);
    }
    if document.citations {
        members.raw("citations", r#"{"enabled":true}"#);
    }
    members.cache(document.cache);
}

/// Writes where the bytes are, which are of the type `kind` where that is better known than said.
fn source(source: &Source, kind: Option<&str>, members: &mut Members<'_>) {
    let mut inner = Members::open(members.key("source"));
    match source {
        Source::Url(url) => {
            inner.text("type", "url");
            inner.text("url", url);
        }
        Source::Base64 { media_type, data } => {
            inner.text("type", "base64");
            inner.text("media_type", kind.unwrap_or(media_type));
            inner.text("data", data);
        }
        Source::Text(text) => {
            inner.text("type", "text");
            inner.text("media_type", "text/plain");
            inner.text("data", text);
        }
        Source::File { id, .. } => {
            inner.text("type", "file");
            inner.text("file_id", id);
        }
    }
    inner.close();
}
