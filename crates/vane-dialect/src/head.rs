//! Head: one scan of a raw body.
//!
//! The byte path never builds a tree of a request. It scans the body once: is this one valid JSON
//! object, where do its members stand, which keys stand twice. The few values that policy needs
//! (model, stream flag, limits) are read from their ranges, and the few edits are made as splices,
//! so that every other byte goes upstream as the client wrote it.

mod data;
mod scan;
mod splice;
mod words;

pub use splice::Splices;
pub use words::Word;

use crate::fault::Fault;
use crate::json::Str;
use bytes::Bytes;
use scan::Heard;
use serde::Deserialize;
use std::borrow::Cow;
use std::ops::Range;

/// Common tokenizers make about this of prose and code.
const BYTES_PER_TOKEN: u64 = 4;

/// The members of a body's object, by position.
#[derive(Debug, Clone)]
pub struct Head {
    body: Bytes,
    members: Vec<Member>,
    /// Where the closing brace stands.
    end: usize,
    heard: Heard,
}

#[derive(Debug, Clone)]
pub struct Member {
    /// Between the key's quotes.
    key: Range<usize>,
    /// The key without its escapes, if it has any.
    unescaped: Option<String>,
    /// From the key's first quote to the end of the value.
    pub whole: Range<usize>,
    pub value: Range<usize>,
}

impl Head {
    /// Scans a body.
    ///
    /// # Errors
    /// If it is not exactly one valid JSON object, nests too deep, or has a top-level key twice.
    pub fn scan(body: &Bytes) -> Result<Self, Fault> {
        let scanned = scan::object(body)?;
        let head = Self {
            body: body.clone(),
            members: scanned.members,
            end: scanned.end,
            heard: scanned.heard,
        };
        for (at, member) in head.members.iter().enumerate() {
            let same = |earlier| head.key_bytes(earlier) == head.key_bytes(member);
            if head.members[..at].iter().any(same) {
                let key = head.key(member);
                return Err(Fault::invalid(key, format!("the key `{key}` stands twice")));
            }
        }
        Ok(head)
    }

    /// The bytes that were scanned.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Whether reasoning state that Vane sealed stands somewhere in the body: then it must be
    /// opened before it travels.
    #[must_use]
    pub const fn has_sealed_state(&self) -> bool {
        self.heard.sealed
    }

    /// How often a word stands in the body as a string of its own, key or value.
    #[must_use]
    pub const fn times(&self, word: Word) -> u32 {
        self.heard.words.times(word)
    }

    /// About how many tokens the body is: four of its bytes to one, but for pictures, documents and
    /// recordings in it, which count as what they are.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        let bytes = (self.body.len() as u64).saturating_sub(self.heard.data.bytes);
        bytes
            .div_ceil(BYTES_PER_TOKEN)
            .saturating_add(self.heard.data.tokens)
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| self.key(member))
    }

    #[must_use]
    pub fn member(&self, key: &str) -> Option<&Member> {
        self.members.get(self.position(key)?)
    }

    fn position(&self, key: &str) -> Option<usize> {
        let is_it = |member| self.key_bytes(member) == key.as_bytes();
        self.members.iter().position(is_it)
    }

    /// The key to be compared: as bytes, because to see again that they are UTF-8 would cost more
    /// than the comparison.
    fn key_bytes<'a>(&'a self, member: &'a Member) -> &'a [u8] {
        match &member.unescaped {
            Some(key) => key.as_bytes(),
            None => &self.body[member.key.clone()],
        }
    }

    fn key<'a>(&'a self, member: &'a Member) -> &'a str {
        match &member.unescaped {
            Some(key) => key,
            None => self.slice(&member.key),
        }
    }

    /// A piece of the body between two of JSON's own characters, so always whole UTF-8.
    fn slice(&self, range: &Range<usize>) -> &str {
        std::str::from_utf8(&self.body[range.clone()]).unwrap_or_default()
    }

    /// The raw text of a value; `null` counts as absent.
    #[must_use]
    pub fn raw(&self, key: &str) -> Option<&str> {
        let text = self.slice(&self.member(key)?.value);
        (text != "null").then_some(text)
    }

    /// A string value.
    ///
    /// # Errors
    /// If the value is there but no string.
    pub fn text(&self, key: &str) -> Result<Option<Cow<'_, str>>, Fault> {
        self.read::<Str<'_>>(key, "a string")
            .map(|found| found.map(|text| text.0))
    }

    /// The model: required, and a string that is not empty.
    ///
    /// # Errors
    /// If it is missing, empty or no string.
    pub fn model(&self) -> Result<Cow<'_, str>, Fault> {
        match self.text("model")? {
            Some(model) if !model.trim().is_empty() => Ok(model),
            _ => Err(Fault::invalid(
                "model",
                "`model` is required: a model id as `GET /v1/models` lists it",
            )),
        }
    }

    /// A boolean; absent is `false`.
    ///
    /// # Errors
    /// If the value is there but no boolean.
    pub fn flag(&self, key: &str) -> Result<bool, Fault> {
        Ok(self.read::<bool>(key, "a boolean")?.unwrap_or(false))
    }

    /// A whole number that is not negative.
    ///
    /// # Errors
    /// If the value is there but something else.
    pub fn count(&self, key: &str) -> Result<Option<u64>, Fault> {
        self.read::<u64>(key, "a whole number, 0 or more")
    }

    /// How many texts a value holds: the strings and lists in a list, one in whatever else.
    #[must_use]
    pub fn texts(&self, key: &str) -> u64 {
        let list = self.raw(key).filter(|raw| raw.starts_with('['));
        // Its bytes were seen to be a list.
        let texts = list.and_then(|list| scan::texts(list.as_bytes()).ok());
        texts.unwrap_or_default().max(1)
    }

    /// Begins a list of edits of this body.
    #[must_use]
    pub const fn splices(&self) -> Splices<'_> {
        Splices::new(self)
    }

    fn read<'a, T: Deserialize<'a>>(&'a self, key: &str, what: &str) -> Result<Option<T>, Fault> {
        let Some(raw) = self.raw(key) else {
            return Ok(None);
        };
        match serde_json::from_str(raw) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Fault::invalid(key, format!("`{key}` must be {what}"))),
        }
    }
}

#[cfg(test)]
mod tests;
