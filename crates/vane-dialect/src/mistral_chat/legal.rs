//! Whether a body is legal at Mistral as it stands, so that its bytes may go there.
//!
//! Mistral answers 422 to a key it does not know, at any depth, and 400 to messages out of order.
//! The scan reads the body once and keeps nothing of it but the calls that wait for a result.
//! It says yes only where the encoder would ask the same call; in doubt it says no.

mod message;
mod order;

use crate::call::Effort;
use crate::dialect::Dialect;
use crate::effort;
use crate::head::Head;
use crate::json::Str;
use crate::quirk::{Quirk, Quirks};
use message::{Message, Object};
use order::Order;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use std::fmt;

/// Hotter is refused.
const TEMPERATURE_MAX: f64 = 1.5;
const TOOLS_MAX: usize = 128;

/// Whether Mistral takes the chat of `door` as it stands, but for the members in `cut`.
#[must_use]
pub fn chat(head: &Head, door: Dialect, cut: &[&str], quirks: Quirks) -> bool {
    let Some(tools) = tools(head.raw("tools")) else {
        return false;
    };
    let mut keys = head.keys().filter(|key| !cut.contains(key));
    let legal = |key: &str| match head.raw(key) {
        Some(raw) => is_legal(key, raw, door, quirks, &tools),
        None => is_nullable(key),
    };
    keys.all(legal) && head.raw("messages").is_some()
}

fn is_nullable(key: &str) -> bool {
    matches!(
        key,
        "temperature" | "top_p" | "max_tokens" | "min_tokens" | "random_seed" | "stop" | "tools"
    )
}

fn is_legal(key: &str, raw: &str, door: Dialect, quirks: Quirks, tools: &[Str<'_>]) -> bool {
    match key {
        // Read here already, or by whoever scanned the head.
        "model" | "tools" => true,
        "messages" => {
            let mut reader = serde_json::Deserializer::from_str(raw);
            Messages(quirks).deserialize(&mut reader).is_ok()
        }
        "stream" | "safe_prompt" => reads::<bool>(raw),
        "parallel_tool_calls" => !tools.is_empty() && reads::<bool>(raw),
        "temperature" => number(raw).is_some_and(|heat| (0.0..=TEMPERATURE_MAX).contains(&heat)),
        "top_p" | "presence_penalty" | "frequency_penalty" => number(raw).is_some(),
        "max_tokens" | "min_tokens" | "document_image_limit" | "document_page_limit" => {
            reads::<u64>(raw)
        }
        "random_seed" => reads::<u32>(raw),
        "stop" => reads::<Str<'_>>(raw) || reads::<Vec<Str<'_>>>(raw),
        "metadata" => reads::<Object>(raw),
        "prompt_cache_key" => text(raw).is_some_and(|key| key.0.is_ascii()),
        "reasoning_effort" => {
            let asked = text(raw).and_then(|name| Effort::from_name(&name.0));
            !quirks.has(Quirk::NoReasoning)
                && asked.is_some_and(|asked| effort::takes(quirks, asked))
        }
        "response_format" => reads::<Format<'_>>(raw) && Format::is_legal(raw),
        "tool_choice" => !tools.is_empty() && choice(raw, door, tools),
        _ => false,
    }
}

fn reads<'a, T: Deserialize<'a>>(raw: &'a str) -> bool {
    serde_json::from_str::<T>(raw).is_ok()
}

fn text(raw: &str) -> Option<Str<'_>> {
    serde_json::from_str(raw).ok()
}

fn number(raw: &str) -> Option<f64> {
    serde_json::from_str(raw).ok()
}

/// The names of the tools, if all are functions that Mistral takes; none where there are none.
fn tools(raw: Option<&str>) -> Option<Vec<Str<'_>>> {
    let Some(raw) = raw else {
        return Some(Vec::new());
    };
    let tools: Vec<Tool<'_>> = serde_json::from_str(raw).ok()?;
    if !(1..=TOOLS_MAX).contains(&tools.len()) {
        return None;
    }
    let mut names: Vec<Str<'_>> = Vec::with_capacity(tools.len());
    for tool in tools {
        let name = tool.function.name;
        if tool.kind.0 != "function" || !is_name(&name.0) || names.contains(&name) {
            return None;
        }
        names.push(name);
    }
    Some(names)
}

fn choice(raw: &str, door: Dialect, tools: &[Str<'_>]) -> bool {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named<'a> {
        #[serde(borrow)]
        name: Str<'a>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Choice<'a> {
        #[serde(borrow, rename = "type")]
        kind: Str<'a>,
        #[serde(borrow)]
        function: Named<'a>,
    }
    if let Some(Str(word)) = text(raw) {
        return matches!(&*word, "auto" | "none" | "required")
            || (word == "any" && door == Dialect::MistralChat);
    }
    let choice = serde_json::from_str::<Choice<'_>>(raw);
    choice.is_ok_and(|c| c.kind.0 == "function" && tools.contains(&c.function.name))
}

/// Whether a function may be called so.
fn is_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(legal)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    function: Function<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only their types are of interest")]
struct Function<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow, default)]
    description: Str<'a>,
    parameters: Object,
    #[serde(default)]
    strict: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Format<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow, default)]
    json_schema: Option<Schema<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only their types are of interest")]
struct Schema<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    schema: Object,
    #[serde(borrow, default)]
    description: Str<'a>,
    #[serde(default)]
    strict: bool,
}

impl Format<'_> {
    fn is_legal(raw: &str) -> bool {
        let Ok(format) = serde_json::from_str::<Format<'_>>(raw) else {
            return false;
        };
        match &*format.kind.0 {
            "text" | "json_object" => format.json_schema.is_none(),
            "json_schema" => format.json_schema.is_some(),
            _ => false,
        }
    }
}

/// Reads the messages one by one; an error is a no.
struct Messages(Quirks);

impl<'de> DeserializeSeed<'de> for Messages {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Messages {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("messages that Mistral takes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut order = Order::new(self.0);
        while let Some(message) = seq.next_element::<Message<'de>>()? {
            if !order.takes(message) {
                return Err(A::Error::custom("a message that Mistral refuses"));
            }
        }
        if order.is_whole() {
            return Ok(());
        }
        Err(A::Error::custom("messages that do not end"))
    }
}
