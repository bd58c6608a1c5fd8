//! What strict clients need of a stream and some servers leave out.
//!
//! Google's chunks have calls without an index, and end with `stop` though tools are called. SDKs
//! that add deltas up by their index fail at that, and clients that wait for `tool_calls` forget the
//! calls. Whoever numbers its calls is taken at its word.

use super::range_in;
use crate::exchange::Amend;
use crate::json::{Json, Object, Path};
use serde_json::value::RawValue;

/// The calls of one stream, as far as their server does not number them.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    /// Of each call in the present chunk: its number, if it was sent without.
    chunk: Vec<Option<usize>>,
    /// A call came without a number.
    any: bool,
}

impl Numbering {
    pub(super) fn begin_chunk(&mut self) {
        self.chunk.clear();
    }

    /// The next call of the chunk is the stream's call of this number.
    pub(super) fn call(&mut self, number: Option<usize>) {
        self.any |= number.is_some();
        self.chunk.push(number);
    }

    /// What of a chunk must say otherwise: its calls, and why it ends.
    pub(super) fn amends(
        &self,
        data: &[u8],
        calls: Option<Json<'_>>,
        stop: Option<Json<'_>>,
    ) -> Vec<Amend> {
        if !self.any {
            return Vec::new();
        }
        let calls = calls.filter(|_| self.chunk.iter().any(Option::is_some));
        let mut amends = calls.map_or_else(Vec::new, |raw| self.numbers(data, raw));
        if let Some(raw) = stop.filter(|raw| raw.get() == "\"stop\"") {
            amends.push(Amend {
                range: range_in(data, raw),
                text: "\"tool_calls\"".to_owned(),
            });
        }
        amends.sort_unstable_by_key(|amend| amend.range.start);
        amends
    }

    fn numbers(&self, data: &[u8], calls: Json<'_>) -> Vec<Amend> {
        let entries: Vec<&RawValue> = serde_json::from_str(calls.get()).unwrap_or_default();
        let numbered = entries.iter().zip(&self.chunk);
        let missing = numbered.filter_map(|(entry, number)| Some((entry, (*number)?)));
        let amends = missing.filter_map(|(entry, number)| {
            let mut said = Object::read(entry, &Path::Root).ok()?;
            Some(match said.take_even_null("index") {
                Some(said) => Amend {
                    range: range_in(data, said.into()),
                    text: number.to_string(),
                },
                None => {
                    let inside = range_in(data, (*entry).into()).start + 1;
                    Amend {
                        range: inside..inside,
                        text: format!("\"index\":{number},"),
                    }
                }
            })
        });
        amends.collect()
    }
}
