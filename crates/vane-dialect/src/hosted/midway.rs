//! Tools that are defined in the middle of a conversation.
//!
//! Anthropic's `tool_definition`, OpenAI's `additional_tools` and `tool_search_output`: what they
//! define is asked for as though it stood in `tools`. Invariant: such an object is found wherever it
//! stands and however it is written; only bodies that hold one of the words are looked through.

use super::kind::Tool;
use crate::Dialect;
use crate::fault::Fault;
use crate::head::{Head, Word};
use crate::json::Str;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The types of objects that define tools.
const KINDS: [&str; 3] = ["additional_tools", "tool_definition", "tool_search_output"];
/// The same, as the scan of a body hears them.
const WORDS: [Word; 3] = [
    Word::AdditionalTools,
    Word::ToolDefinition,
    Word::ToolSearchOutput,
];

/// The tools that the conversation of a body defines.
///
/// # Errors
/// If a definition cannot be read: then it could not be priced.
pub(super) fn defined(dialect: Dialect, head: &Head) -> Result<Vec<Tool<'_>>, Fault> {
    let mut tools = Vec::new();
    if WORDS.iter().all(|word| head.times(*word) == 0) {
        return Ok(tools);
    }
    let fields: &[&str] = match dialect {
        Dialect::AnthropicMessages => &["system", "messages"],
        Dialect::OpenaiResponses => &["input"],
        Dialect::OpenaiChat
        | Dialect::OpenaiCompletions
        | Dialect::OpenaiEmbeddings
        | Dialect::MistralChat
        | Dialect::MistralFim
        | Dialect::MistralEmbeddings
        | Dialect::LlamaInfill => &[],
    };
    for field in fields {
        let Some(Definitions(raws)) = super::read(head, field)? else {
            continue;
        };
        for raw in raws {
            let text = raw.get();
            let is_list = text.starts_with('[');
            let read = match is_list {
                true => serde_json::from_str(text).map(|more: Vec<_>| tools.extend(more)),
                false => serde_json::from_str(text).map(|one| tools.extend::<Option<_>>(one)),
            };
            let wrong = |error| {
                let message = format!("a tool that `{field}` defines cannot be read: {error}");
                Fault::invalid(*field, message)
            };
            read.map_err(wrong)?;
        }
    }
    Ok(tools)
}

/// What objects of these types hold under the names of their definitions, anywhere in a value.
#[derive(Default)]
struct Definitions<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Definitions<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Definitions<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Definitions::default())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Definitions::default())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Definitions::default())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Definitions::default())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Definitions::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Definitions::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while let Some(Definitions(more)) = list.next_element()? {
            found.extend(more);
        }
        Ok(Definitions(found))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let (mut found, mut said) = (Vec::new(), Vec::new());
        let mut defines = false;
        while let Some(Str(key)) = object.next_key()? {
            match key.as_ref() {
                "type" => {
                    let raw: &'de RawValue = object.next_value()?;
                    let kind = serde_json::from_str::<Str<'_>>(raw.get());
                    defines |= kind.is_ok_and(|kind| KINDS.contains(&kind.0.as_ref()));
                }
                "definition" | "tools" => said.push(object.next_value::<&'de RawValue>()?),
                _ => found.extend(object.next_value::<Definitions<'de>>()?.0),
            }
        }
        if defines {
            found.extend(said);
        }
        Ok(Definitions(found))
    }
}
