//! Answers that can only be JSON, or JSON of one schema.
//!
//! A schema becomes rules, and the rules are walked byte by byte with a stack: a token may come if each of
//! its bytes may. Invariant: from every place that a walk can reach, the text can be finished by
//! tokens of one byte each, so that no answer runs into a dead end. Where a schema leaves a choice that is
//! no matter of content, less is written than could be: members stand in the schema's order, none is
//! made up where the schema lists some, and white space is what printers write.

mod frame;
mod mask;
mod number;
mod pattern;
mod rules;
mod schema;
mod text;
mod trie;
mod vocabulary;
mod walk;

#[cfg(test)]
mod tests;

use serde_json::{Value as Json, json};

use crate::{Fault, Tool};
pub(crate) use mask::{Guide, Mask};
use rules::{Rules, Shape};
pub(crate) use schema::CALLS_MAX;
use trie::Trie;
pub(crate) use vocabulary::Vocabulary;
pub(crate) use walk::WAYS_MAX;
pub use walk::Walk;

/// Bytes of a schema.
const SCHEMA_BYTES_MAX: usize = 512 << 10;

/// What the text of an answer may be.
#[derive(Debug)]
pub struct Grammar {
    rules: Rules,
    root: u32,
}

impl Grammar {
    /// Any JSON object.
    pub fn object() -> Self {
        let mut rules = Rules::new();
        let root = rules.reserve();
        let object = rules.any_object();
        rules.push(root, Shape::Object(object));
        rules.settle();
        Self { rules, root }
    }

    /// JSON that this schema allows. What of a schema is not understood is refused, with its place:
    /// a constraint that is passed over would be a promise broken.
    pub fn of_schema(schema: &str) -> Result<Self, Fault> {
        if schema.len() > SCHEMA_BYTES_MAX {
            return Err(Fault::Refused(format!(
                "a schema of {} bytes, of at most {SCHEMA_BYTES_MAX}",
                schema.len()
            )));
        }
        let schema: Json = serde_json::from_str(schema)
            .map_err(|error| Fault::Refused(format!("the schema is no JSON: {error}")))?;
        Self::of_value(&schema)
    }

    /// One of these words, as it is.
    pub(crate) fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut rules = Rules::new();
        let root = rules.reserve();
        let list = rules.add_list(Trie::of(words.into_iter().map(str::as_bytes)), 0);
        rules.push(root, Shape::Listed(list));
        rules.settle();
        Self { rules, root }
    }

    /// A list of calls of these tools, of one if it is `single`.
    pub(crate) fn of_calls(tools: &[&Tool], single: bool) -> Result<Self, Fault> {
        let mut known = Vec::new();
        for tool in tools {
            let (schema, _) = Self::of_arguments(tool)?;
            known.push((tool.name.as_str(), schema));
        }
        let (rules, root) = schema::read_calls(&known, single)?;
        Ok(Self { rules, root })
    }

    /// What a tool takes, and the schema that says so.
    pub(crate) fn of_arguments(tool: &Tool) -> Result<(Json, Self), Fault> {
        let schema: Json = serde_json::from_str(&tool.parameters).map_err(|error| {
            Fault::Refused(format!("the parameters of tool `{}`: {error}", tool.name))
        })?;
        match Self::of_value(&schema) {
            Ok(grammar) => Ok((schema, grammar)),
            Err(Fault::Refused(why)) if tool.strict => {
                Err(Fault::Refused(format!("tool `{}`: {why}", tool.name)))
            }
            // What cannot be held to its schema can still be held to being an object.
            Err(_) => Ok((json!({"type": "object"}), Self::object())),
        }
    }

    pub(crate) fn of_value(schema: &Json) -> Result<Self, Fault> {
        let (rules, root) = schema::read(schema)?;
        if rules.is_possible(root) {
            Ok(Self { rules, root })
        } else {
            Err(Fault::Refused(
                "schema: no value of bounded depth satisfies it".to_owned(),
            ))
        }
    }

    /// The beginning of a text.
    pub fn walk(&self) -> Walk<'_> {
        Walk::new(self)
    }

    /// Whether this is a whole text of the grammar. Valid JSON that is written otherwise than the
    /// grammar writes it is not.
    pub fn accepts(&self, text: &[u8]) -> bool {
        let mut walk = self.walk();
        text.iter().all(|byte| walk.step(*byte)) && walk.is_complete()
    }
}
