//! Writes the members of a JSON object in the order they are given.

use crate::json;
use serde::Serialize;
use serde_json::value::RawValue;

pub(crate) struct Members<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> Members<'o> {
    pub(crate) fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// Writes the key and gives the place of its value.
    pub(crate) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        json::string(self.out, key);
        self.out.push(b':');
        self.out
    }

    pub(crate) fn text(&mut self, key: &str, text: &str) {
        json::string(self.key(key), text);
    }

    pub(crate) fn value(&mut self, key: &str, value: &impl Serialize) {
        json::value(self.key(key), value);
    }

    /// Writes nothing where there is nothing.
    pub(crate) fn maybe(&mut self, key: &str, value: Option<&impl Serialize>) {
        if let Some(value) = value {
            self.value(key, value);
        }
    }

    /// Writes JSON text byte for byte.
    pub(crate) fn raw(&mut self, key: &str, raw: &RawValue) {
        self.json(key, raw.get());
    }

    /// As [`Members::raw`], for JSON text of ours.
    pub(crate) fn json(&mut self, key: &str, json: &str) {
        self.key(key).extend_from_slice(json.as_bytes());
    }

    pub(crate) fn close(self) {
        self.out.push(b'}');
    }
}

/// Writes a JSON array, one item after the other.
pub(crate) fn list<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut item: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (at, each) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        item(out, each);
    }
    out.push(b']');
}
