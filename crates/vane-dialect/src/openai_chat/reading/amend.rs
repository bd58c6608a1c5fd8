//! What strict clients need of an answer and some servers leave out or say in other words.
//!
//! Google's chunks have calls without an index, and end with `stop` though tools are called; Ollama's
//! have one index for all calls; MiniMax's have an empty role, and no delta at the end. SDKs that add
//! deltas up by their index fail at that, and clients that wait for `tool_calls` forget the calls. Clients
//! that read a reason or a tier into OpenAI's enumerations fail at any other word.

use super::{Form, range_in, stop};
use crate::exchange::Amend;
use crate::json::{Json, Object, Path};
use crate::openai_chat::response;
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
        let message = delta.or(choice.message.as_ref());
        Self {
            place: choice.place,
            is_chat: choice.text.is_none(),
            names_delta: choice.names_delta,
            role: delta.and_then(|delta| delta.role),
            calls: message.and_then(|message| message.tool_calls),
            stop: choice.finish_reason,
        }
    }
}

/// Whether OpenAI's clients know the service tier, which may be left out.
pub(super) fn is_tier(said: Option<Json<'_>>) -> bool {
    let known = [
        "\"auto\"",
        "\"default\"",
        "\"fast\"",
        "\"flex\"",
        "\"priority\"",
        "\"scale\"",
    ];
    said.is_none_or(|said| known.contains(&said.get()))
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

    /// What of a chunk or of a whole answer must say otherwise.
    pub(super) fn amends(&mut self, data: &[u8], sent: Sent<'_>, form: Form) -> Vec<Amend> {
        let mut amends = match form {
            Form::Chunks => self.amends_of_delta(data, sent),
            Form::Whole => Vec::new(),
        };
        if let Some(said) = sent.stop
            && let Some(reason) = self.reason(said, sent, form)
        {
            amends.push(instead(data, said, reason));
        }
        amends.sort_unstable_by_key(|amend| amend.range.start);
        amends
    }

    /// The reason in OpenAI's words, where it is told in others.
    fn reason(&self, said: Json<'_>, sent: Sent<'_>, form: Form) -> Option<&'static str> {
        let in_chunks = form == Form::Chunks;
        let called = match form {
            Form::Chunks => self.unnumbered,
            Form::Whole => sent.calls.is_some(),
        };
        let meant = match said.get() {
            "\"stop\"" if in_chunks && called => return Some("\"tool_calls\""),
            "\"stop\"" | "\"length\"" | "\"tool_calls\"" | "\"content_filter\""
            | "\"function_call\"" => return None,
            "\"\"" if in_chunks => return Some("null"),
            "\"\"" => "stop",
            _ => response::finish_reason(&stop(&said.string()?, None).ok()?, false, false),
        };
        Some(match meant {
            "length" => "\"length\"",
            "content_filter" => "\"content_filter\"",
            "tool_calls" => "\"tool_calls\"",
            _ if called => "\"tool_calls\"",
            _ => "\"stop\"",
        })
    }

    fn amends_of_delta(&mut self, data: &[u8], sent: Sent<'_>) -> Vec<Amend> {
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

pub(super) fn instead(data: &[u8], said: Json<'_>, text: &str) -> Amend {
    Amend {
        range: range_in(data, said),
        text: text.to_owned(),
    }
}
