//! What the wire says of a block, and what is kept of one until it is whole.

use crate::block::State;
use crate::cite::Citation;
use crate::dialect::Dialect;
use crate::json::{Object, Path, Raw, Str};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fmt::Write;

/// A block that has begun.
#[derive(Debug)]
pub(super) enum Growing {
    /// Text, and whatever else needs nothing kept.
    Text,
    Thinking {
        signature: String,
    },
    Tool {
        key: u64,
        whole: String,
        grew: bool,
    },
    /// A tool whose free text stands inside a JSON object: it is known when that is whole.
    Custom {
        key: u64,
        tool: Named,
        input: String,
    },
    Opaque {
        kind: String,
        raw: Raw,
        input: String,
        /// Text that comes in pieces: the summary of a `compaction`.
        content: String,
    },
}

/// What a delta is a piece of.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) enum Growth {
    #[default]
    Text,
    Thinking,
    Input,
}

/// Whose call it is.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) namespace: Option<String>,
}

/// What the wire says of a block: its beginning, or more of it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Said<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) text: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) thinking: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) signature: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) data: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) id: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
    #[serde(borrow)]
    caller: Option<&'a RawValue>,
    #[serde(borrow)]
    citations: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) partial_json: Option<Str<'a>>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) citation: Option<&'a RawValue>,
}

/// Who calls a tool.
#[derive(Deserialize)]
struct Caller<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Str<'a>>,
}

impl Said<'_> {
    /// The pages that a text names.
    pub(super) fn citations(&self) -> Vec<Citation> {
        let list = self.citations.map(RawValue::get).unwrap_or("[]");
        let list: Vec<&RawValue> = serde_json::from_str(list).unwrap_or_default();
        list.into_iter().filter_map(Citation::read).collect()
    }

    /// Whether code that runs at the provider makes this call.
    pub(super) fn is_by_code(&self) -> bool {
        let caller = self.caller.map_or("null", RawValue::get);
        let caller: Option<Caller<'_>> = serde_json::from_str(caller).unwrap_or_default();
        let kind = caller.and_then(|caller| caller.kind);
        kind.is_some_and(|Str(kind)| kind.starts_with("code_execution_"))
    }

    pub(super) const fn has_content(&self) -> bool {
        self.content.is_some()
    }

    /// Text of a block that only this dialect knows; other deltas have lists of this name.
    pub(super) fn content(&self) -> Option<Str<'_>> {
        serde_json::from_str(self.content?.get()).ok()
    }
}

/// State in its native form; whose it is the gateway adds when it seals it.
pub(super) fn native(data: &str, redacted: bool) -> State {
    State {
        redacted,
        ..State::native(Dialect::AnthropicMessages, data)
    }
}

pub(super) fn text<'a>(member: Option<&'a Str<'_>>) -> &'a str {
    member.map_or("", |Str(text)| text.as_ref())
}

/// Whether an `input` says nothing yet: a streamed one begins as `{}` or `null`.
pub(super) fn is_empty(input: &str) -> bool {
    let inside = input.strip_prefix('{').and_then(|i| i.strip_suffix('}'));
    inside.unwrap_or(input).trim().is_empty() || input == "null"
}

/// `raw` with what came after it in pieces, so that it can go back as one block.
pub(super) fn completed(raw: Raw, input: &str, content: &str) -> Raw {
    let content = match content {
        "" => None,
        content => Some(serde_json::Value::from(content).to_string()),
    };
    let input = serde_json::from_str::<&RawValue>(input).ok();
    if input.is_none() && content.is_none() {
        return raw;
    }
    let Ok(block) = Object::read(raw.raw(), &Path::Root) else {
        return raw;
    };
    let mut whole = String::from("{");
    for (name, value) in block.rest() {
        let value = match name.as_ref() {
            "input" => input.map_or(value.get(), RawValue::get),
            "content" => content.as_deref().unwrap_or(value.get()),
            _ => value.get(),
        };
        let name = serde_json::Value::from(name.as_ref());
        let _ = write!(whole, "{name}:{value},");
    }
    whole.pop();
    whole.push('}');
    Raw::parse(whole).unwrap_or(raw)
}
