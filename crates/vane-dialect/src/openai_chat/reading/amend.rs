//! What strict clients need of a stream and some servers leave out.
//!
//! Google's chunks have calls without an index, and end with `stop` though tools are called; Ollama's
//! have one index for all calls; MiniMax's have an empty role, and no delta at the end. SDKs that add
//! deltas up by their index fail at that, and clients that wait for `tool_calls` forget the calls.

use super::range_in;
use crate::exchange::Amend;
use crate::json::{Json, Object, Path};
use crate::openai_chat::wire::Choice;
use serde_json::value::RawValue;

/// What one stream was seen to leave out.
#[derive(Debug, Default)]
pub(super) struct Mending {
    /// Of each call in the present chunk: its number, if it was sent without it.
    calls: Vec<Option<usize>>,
    /// Calls come without a number. Who numbers its calls is taken at its word on how they end:
    /// OpenAI itself ends one that was demanded by name with `stop`.
    unnumbered: bool,
    /// The client was told whose message it is.
    named: bool,
}

/// What of a choice may have to say otherwise.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    place: usize,
    is_chat: bool,
    names_delta: bool,
    role: Option<Json<'a>>,
    calls: Option<Json<'a>>,
    stop: Option<Json<'a>>,
}

impl<'a> From<&Choice<'a>> for Sent<'a> {
    fn from(choice: &Choice<'a>) -> Self {
        let delta = choice.delta.as_ref();
        Self {
            place: choice.place,
            is_chat: choice.text.is_none(),
            names_delta: choice.names_delta,
            role: delta.and_then(|delta| delta.role),
            calls: delta.and_then(|delta| delta.tool_calls),
            stop: choice.finish_reason,
        }
    }
}

/// The number of a call, where its server tells none or another.
pub(super) enum Number {
    Told,
    Other(usize),
    Missing(usize),
}

impl Mending {
    pub(super) fn begin_chunk(&mut self) {
        self.calls.clear();
    }

    /// The next call of the chunk.
    pub(super) fn call(&mut self, number: &Number) {
        self.unnumbered |= matches!(number, Number::Missing(_));
        self.calls.push(match number {
            Number::Told => None,
            Number::Other(number) | Number::Missing(number) => Some(*number),
        });
    }

    /// What of a chunk must say otherwise.
    pub(super) fn amends(&mut self, data: &[u8], sent: Sent<'_>) -> Vec<Amend> {
        let mut amends = Vec::new();
        if sent.is_chat && !sent.names_delta {
            amends.push(delta(data, sent.place));
        }
        if let Some(role) = sent.role {
            let named = std::mem::replace(&mut self.named, true);
            if role.get() == "\"\"" {
                let text = if named { "null" } else { "\"assistant\"" };
                amends.push(instead(data, role, text));
            }
        }
        if let Some(calls) = sent
            .calls
            .filter(|_| self.calls.iter().any(Option::is_some))
        {
            amends.extend(self.numbers(data, calls));
        }
        let stop = sent.stop.filter(|stop| stop.get() == "\"stop\"");
        if let Some(stop) = stop.filter(|_| self.unnumbered) {
            amends.push(instead(data, stop, "\"tool_calls\""));
        }
        amends.sort_unstable_by_key(|amend| amend.range.start);
        amends
    }

    fn numbers(&self, data: &[u8], calls: Json<'_>) -> Vec<Amend> {
        let entries: Vec<&RawValue> = serde_json::from_str(calls.get()).unwrap_or_default();
        let numbered = entries.iter().zip(&self.calls);
        let missing = numbered.filter_map(|(entry, number)| Some((entry, (*number)?)));
        let amends = missing.filter_map(|(entry, number)| {
            let mut said = Object::read(entry, &Path::Root).ok()?;
            Some(match said.take_even_null("index") {
                Some(said) => instead(data, said.into(), &number.to_string()),
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

/// An empty delta within the choice that begins at `place`.
fn delta(data: &[u8], place: usize) -> Amend {
    let inside = place + 1;
    let rest = data.get(inside..).unwrap_or_default().trim_ascii_start();
    let comma = if rest.starts_with(b"}") { "" } else { "," };
    Amend {
        range: inside..inside,
        text: format!("\"delta\":{{}}{comma}"),
    }
}

fn instead(data: &[u8], said: Json<'_>, text: &str) -> Amend {
    Amend {
        range: range_in(data, said),
        text: text.to_owned(),
    }
}
