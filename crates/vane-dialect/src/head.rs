//! Head: one scan of a raw body.
//!
//! The byte path never builds a tree of a request. It scans the body once: is this one valid JSON
//! object, where do its members stand, which keys stand twice. The few values that policy needs
//! (model, stream flag, limits) are read from their ranges, and the few edits are made as splices,
//! so that every other byte goes upstream as the client wrote it.

mod scan;
mod splice;

pub use splice::Splices;

use crate::fault::Fault;
use crate::json::Str;
use std::borrow::Cow;
use std::ops::Range;

/// Nesting deeper than this is refused: no client needs it, and it is how parsers are attacked.
pub const DEPTH_MAX: usize = 128;

/// The members of a body's object, by position.
#[derive(Debug)]
pub struct Head<'a> {
    body: &'a str,
    members: Vec<Member<'a>>,
    /// Where the closing brace stands.
    end: usize,
}

#[derive(Debug)]
pub struct Member<'a> {
    pub key: Cow<'a, str>,
    /// From the key's quote to the end of the value.
    pub whole: Range<usize>,
    pub value: Range<usize>,
}

impl<'a> Head<'a> {
    /// Scans a body.
    ///
    /// # Errors
    /// If it is not exactly one valid JSON object, nests too deep, or has a top-level key twice.
    pub fn scan(body: &'a [u8]) -> Result<Self, Fault> {
        let text = std::str::from_utf8(body).map_err(|error| {
            Fault::invalid(
                "",
                format!("the body is not UTF-8 (at byte {})", error.valid_up_to()),
            )
        })?;
        let (members, end) = scan::object(text)?;
        for (at, member) in members.iter().enumerate() {
            if members[..at]
                .iter()
                .any(|earlier| earlier.key == member.key)
            {
                let key = member.key.clone();
                return Err(Fault::invalid(
                    &*key,
                    format!("the key `{key}` stands twice"),
                ));
            }
        }
        Ok(Self {
            body: text,
            members,
            end,
        })
    }

    #[must_use]
    pub fn members(&self) -> &[Member<'a>] {
        &self.members
    }

    #[must_use]
    pub fn member(&self, key: &str) -> Option<&Member<'a>> {
        self.members.iter().find(|member| member.key == key)
    }

    /// The raw text of a value; `null` counts as absent.
    #[must_use]
    pub fn raw(&self, key: &str) -> Option<&'a str> {
        let text = &self.body[self.member(key)?.value.clone()];
        (text != "null").then_some(text)
    }

    /// A string value.
    ///
    /// # Errors
    /// If the value is there but no string.
    pub fn text(&self, key: &str) -> Result<Option<Cow<'a, str>>, Fault> {
        self.read::<Str<'a>>(key, "a string")
            .map(|found| found.map(|text| text.0))
    }

    /// The model: required, and a string that is not empty.
    ///
    /// # Errors
    /// If it is missing, empty or no string.
    pub fn model(&self) -> Result<Cow<'a, str>, Fault> {
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

    /// Begins a list of edits of this body.
    #[must_use]
    pub const fn splices(&self) -> Splices<'_, 'a> {
        Splices::new(self)
    }

    fn read<T: serde::Deserialize<'a>>(&self, key: &str, what: &str) -> Result<Option<T>, Fault> {
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
