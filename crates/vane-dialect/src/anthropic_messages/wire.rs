//! Pieces of JSON that requests, answers and streams of this dialect share.

use crate::answer::Answer;
use crate::block::CacheMark;
use crate::event::Stop;
use crate::exchange::Reply;
use crate::json::{self, Object, Path};
use std::borrow::Cow;

/// Writes the members of one JSON object. Keys are literals of ours: they need no escapes.
pub(super) struct Members<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Members<'a> {
    pub(super) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    /// Begins a member; its value is written to what is returned.
    pub(super) fn key(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        json::string(self.out, name);
        self.out.push(b':');
        self.out
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        json::string(self.key(name), text);
    }

    pub(super) fn raw(&mut self, name: &str, raw: &str) {
        self.key(name).extend_from_slice(raw.as_bytes());
    }

    /// More of the value that was begun last.
    pub(super) fn append(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    pub(super) fn number(&mut self, name: &str, number: u64) {
        json::number(self.key(name), number);
    }

    pub(super) fn cache(&mut self, cache: Option<CacheMark>) {
        let Some(mark) = cache else { return };
        let text = match mark {
            CacheMark::Default => r#"{"type":"ephemeral"}"#,
            CacheMark::FiveMinutes => r#"{"type":"ephemeral","ttl":"5m"}"#,
            CacheMark::OneHour => r#"{"type":"ephemeral","ttl":"1h"}"#,
        };
        self.raw("cache_control", text);
    }

    pub(super) fn close(self) {
        self.out.push(b'}');
    }
}

/// Writes a JSON array.
pub(super) fn list<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// Tool arguments as the JSON object that `input` must be. Text that is no object (an upstream
/// lied, or the answer was cut) is wrapped, so that no reader fails on it.
pub(super) fn object_text(arguments: &str) -> Cow<'_, str> {
    if arguments.trim().is_empty() {
        return Cow::Borrowed("{}");
    }
    match serde_json::from_str::<&serde_json::value::RawValue>(arguments) {
        Ok(raw) if raw.get().starts_with('{') => Cow::Borrowed(arguments),
        Ok(_) | Err(_) => Cow::Owned(wrapped("arguments", arguments)),
    }
}

/// `{"KEY":"TEXT"}`
pub(super) fn wrapped(key: &str, text: &str) -> String {
    let mut out = Vec::new();
    let mut members = Members::open(&mut out);
    members.text(key, text);
    members.close();
    String::from_utf8(out).unwrap_or_default()
}

/// The free text of a custom tool that was asked for as a function of one string.
pub(super) fn unwrapped(arguments: &str) -> String {
    let input = Object::read_str(arguments, &Path::Root)
        .and_then(|mut object| object.get::<String>(CUSTOM_INPUT, &Path::Root));
    match input {
        Ok(Some(text)) => text,
        Ok(None) | Err(_) => arguments.to_owned(),
    }
}

/// The one parameter of a custom tool that is sent as a function.
pub(super) const CUSTOM_INPUT: &str = "input";

/// The id of an answer: the upstream's, or ours where it gave none.
pub(super) fn answer_id<'a>(given: &'a str, reply: &'a Reply) -> &'a str {
    if given.is_empty() { &reply.id } else { given }
}

/// The model that answered, or the one asked for where the upstream did not say.
pub(super) fn answer_model<'a>(given: &'a str, reply: &'a Reply) -> &'a str {
    if given.is_empty() {
        reply.call.model()
    } else {
        given
    }
}

/// A native `stop_reason`; `sequence` is the stop string that ended the answer, if one did.
pub(super) fn read_stop(reason: &str, sequence: Option<&str>) -> Stop {
    match reason {
        "end_turn" => Stop::End,
        "max_tokens" => Stop::MaxOutput,
        "stop_sequence" => Stop::Sequence(sequence.map(str::to_owned)),
        "tool_use" => Stop::ToolUse,
        "pause_turn" => Stop::Pause,
        "refusal" => Stop::Refusal,
        "model_context_window_exceeded" => Stop::Context,
        other => Stop::Other(other.to_owned()),
    }
}

/// Writes `stop_reason` and `stop_sequence`. A client that got a tool call must be told to run
/// it, whatever the upstream called its stop.
pub(super) fn write_stop(members: &mut Members<'_>, stop: &Stop, has_tools: bool) {
    let (reason, sequence) = match stop {
        Stop::Sequence(Some(sequence)) => ("stop_sequence", Some(sequence.as_str())),
        Stop::ToolUse => ("tool_use", None),
        Stop::End | Stop::Sequence(None) | Stop::Other(_) if has_tools => ("tool_use", None),
        Stop::End | Stop::Sequence(None) | Stop::Other(_) => ("end_turn", None),
        Stop::MaxOutput => ("max_tokens", None),
        Stop::Context => ("model_context_window_exceeded", None),
        Stop::Refusal => ("refusal", None),
        Stop::Pause => ("pause_turn", None),
    };
    members.text("stop_reason", reason);
    match sequence {
        Some(sequence) => members.text("stop_sequence", sequence),
        None => members.raw("stop_sequence", "null"),
    }
    let details = match stop {
        Stop::Refusal => r#"{"type":"refusal","category":null,"explanation":null}"#,
        Stop::End
        | Stop::Sequence(_)
        | Stop::MaxOutput
        | Stop::Context
        | Stop::ToolUse
        | Stop::Pause
        | Stop::Other(_) => "null",
    };
    members.raw("stop_details", details);
}

/// Whether the answer calls a tool of the client.
pub(super) fn has_tools(answer: &Answer) -> bool {
    let is_tool = |block: &crate::Block| matches!(block, crate::Block::ToolUse(_));
    answer.blocks.iter().any(is_tool)
}
