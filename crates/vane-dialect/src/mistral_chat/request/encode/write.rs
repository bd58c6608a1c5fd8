//! Messages -> JSON with legal keys only.

use super::outline::{Message, SentCall};
use super::parts::Part;
use crate::mistral_chat::members::{Members, list};
use crate::mistral_chat::parts::{text_part, thinking_part};

/// Writes one message; with `strings`, several texts are joined to one.
pub(super) fn message(out: &mut Vec<u8>, message: &Message<'_>, strings: bool) {
    let mut members = Members::open(out);
    match message {
        Message::System(parts) => {
            members.text("role", "system");
            content(&mut members, parts, strings);
        }
        Message::User(parts) => {
            members.text("role", "user");
            content(&mut members, parts, strings);
        }
        Message::Assistant {
            content: parts,
            calls,
            prefill,
        } => {
            members.text("role", "assistant");
            content(&mut members, parts, strings);
            if !calls.is_empty() {
                list(members.key("tool_calls"), calls, tool_call);
            }
            if *prefill {
                members.value("prefix", &true);
            }
        }
        Message::Tool {
            id,
            name,
            content: parts,
        } => {
            members.text("role", "tool");
            members.text("tool_call_id", id);
            members.text("name", name);
            content(&mut members, parts, strings);
        }
    }
    members.close();
}

/// A string where one text is all, else a list of parts; never null.
fn content(members: &mut Members<'_>, parts: &[Part<'_>], strings: bool) {
    match parts {
        [] => members.text("content", ""),
        [Part::Text(text)] => members.text("content", text),
        parts => {
            let texts: Option<Vec<&str>> = parts.iter().map(Part::as_text).collect();
            match texts.filter(|_| strings) {
                Some(texts) => members.text("content", &texts.join("\n\n")),
                None => list(members.key("content"), parts, part),
            }
        }
    }
}

fn part(out: &mut Vec<u8>, part: &Part<'_>) {
    match part {
        Part::Text(text) => text_part(out, text),
        Part::Thinking { text, signature } => thinking_part(out, text, *signature),
        Part::Own(raw) => out.extend_from_slice(raw.as_bytes()),
        Part::Image(url, detail) => image(out, url, *detail),
        Part::Document(url, name) => {
            let mut members = Members::open(out);
            members.text("type", "document_url");
            members.text("document_url", url);
            members.maybe("document_name", name.as_ref());
            members.close();
        }
        Part::File(id) => {
            let mut members = Members::open(out);
            members.text("type", "file");
            members.text("file_id", id);
            members.close();
        }
        Part::Audio(data) => {
            let mut members = Members::open(out);
            members.text("type", "input_audio");
            members.text("input_audio", data);
            members.close();
        }
    }
}

fn image(out: &mut Vec<u8>, url: &str, detail: Option<&str>) {
    let mut members = Members::open(out);
    members.text("type", "image_url");
    match detail {
        None => members.text("image_url", url),
        Some(detail) => {
            let mut image = Members::open(members.key("image_url"));
            image.text("url", url);
            image.text("detail", detail);
            image.close();
        }
    }
    members.close();
}

fn tool_call(out: &mut Vec<u8>, call: &SentCall<'_>) {
    let mut members = Members::open(out);
    members.text("id", &call.id);
    members.text("type", "function");
    let mut function = Members::open(members.key("function"));
    function.text("name", call.name);
    function.text("arguments", &call.arguments);
    function.close();
    members.close();
}
