//! OpenRouter's `reasoning_details`: reasoning text and the state that must go back with it.
//!
//! A streamed answer spreads one list over its chunks: pieces of one entry are joined, so that
//! the state is the list that the unstreamed twin would have had.

use super::wire::member;
use crate::json::{self, Json};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Debug, Default)]
pub(super) struct Details {
    /// The list as it stood, as long as it came in one piece.
    whole: Option<String>,
    entries: Vec<Entry>,
    /// Whether there is a signature or encrypted content: text alone is no state.
    has_state: bool,
}

/// An entry: its joined text and its other members as they stood.
#[derive(Debug)]
struct Entry {
    kind: String,
    index: u64,
    /// The name of the member that grows, and its text.
    text: Option<(&'static str, String)>,
    others: Vec<(String, String)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    index: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    summary: Option<&'a RawValue>,
    #[serde(borrow)]
    signature: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl Details {
    /// Takes a list; returns the text that it tells.
    pub(super) fn add(&mut self, raw: Json<'_>) -> String {
        let mut told = String::new();
        let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
            return told;
        };
        if list.is_empty() {
            return told;
        }
        let first = self.entries.is_empty();
        self.whole = first.then(|| raw.get().to_owned());
        for entry in list {
            let Ok(wire) = serde_json::from_str::<Wire<'_>>(entry.get()) else {
                continue;
            };
            self.has_state |= wire.signature.is_some() || wire.data.is_some();
            let text = member(wire.text).map(|text| ("text", text));
            let text = text.or_else(|| member(wire.summary).map(|text| ("summary", text)));
            if let Some((_, text)) = &text {
                told.push_str(text);
            }
            self.join(
                &wire,
                text.map(|(name, text)| (name, text.into_owned())),
                entry,
            );
        }
        told
    }

    fn join(&mut self, wire: &Wire<'_>, text: Option<(&'static str, String)>, raw: &RawValue) {
        let kind = member(wire.kind).unwrap_or_default();
        let index = wire.index.map_or(0, |raw| Json::from(raw).count());
        let others = members(raw);
        // Encrypted content comes whole; only text grows.
        let last = self
            .entries
            .last_mut()
            .filter(|last| last.kind == kind && last.index == index && wire.data.is_none());
        let Some(last) = last else {
            return self.entries.push(Entry {
                kind: kind.into_owned(),
                index,
                text,
                others,
            });
        };
        match (&mut last.text, text) {
            (Some((_, grown)), Some((_, more))) => grown.push_str(&more),
            (none @ None, more) => *none = more,
            (Some(_), None) => {}
        }
        for (name, value) in others {
            match last.others.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = value,
                None => last.others.push((name, value)),
            }
        }
    }

    /// The list as JSON text, if there is state in it; begins anew.
    pub(super) fn take(&mut self) -> Option<String> {
        let Self {
            whole,
            entries,
            has_state,
        } = std::mem::take(self);
        if !has_state {
            return None;
        }
        if whole.is_some() {
            return whole;
        }
        let mut out = vec![b'['];
        for entry in &entries {
            if out.len() > 1 {
                out.push(b',');
            }
            entry.write(&mut out);
        }
        out.push(b']');
        String::from_utf8(out).ok()
    }
}

impl Entry {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        let mut first = true;
        let mut name = |out: &mut Vec<u8>, name: &str| {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            json::string(out, name);
            out.push(b':');
        };
        for (key, value) in &self.others {
            name(out, key);
            out.extend_from_slice(value.as_bytes());
        }
        if let Some((key, text)) = &self.text {
            name(out, key);
            json::string(out, text);
        }
        out.push(b'}');
    }
}

/// The members that do not grow, as they stood.
fn members(raw: &RawValue) -> Vec<(String, String)> {
    let object = json::Object::read(raw, &json::Path::Root).unwrap_or_default();
    let rest = object.rest().into_iter();
    rest.filter(|(name, value)| !matches!(&**name, "text" | "summary") && value.get() != "null")
        .map(|(name, value)| (name.into_owned(), value.get().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(details: &mut Details, text: &str) -> String {
        details.add(Json::new(text))
    }

    #[test]
    fn t4_a_whole_list_comes_back_byte_identical() {
        let list = r#"[ {"type":"reasoning.text","text":"hm","signature":"s\/1","index":0} ]"#;
        let mut details = Details::default();
        assert_eq!(add(&mut details, list), "hm");
        assert_eq!(details.take().as_deref(), Some(list));
        assert_eq!(details.take(), None);
    }

    #[test]
    fn t4_a_list_spread_over_chunks_is_joined() {
        let mut details = Details::default();
        add(
            &mut details,
            r#"[{"type":"reasoning.text","text":"a","index":0,"format":"f"}]"#,
        );
        add(
            &mut details,
            r#"[{"type":"reasoning.text","text":"b","index":0,"signature":null}]"#,
        );
        add(
            &mut details,
            r#"[{"type":"reasoning.text","signature":"sig","index":0}]"#,
        );
        add(
            &mut details,
            r#"[{"type":"reasoning.encrypted","data":"x","index":1}]"#,
        );
        assert_eq!(
            details.take().as_deref(),
            Some(
                r#"[{"type":"reasoning.text","index":0,"format":"f","signature":"sig","text":"ab"},{"type":"reasoning.encrypted","data":"x","index":1}]"#
            )
        );
    }

    #[test]
    fn text_alone_is_no_state() {
        let mut details = Details::default();
        assert_eq!(
            add(
                &mut details,
                r#"[{"type":"reasoning.summary","summary":"s"}]"#
            ),
            "s"
        );
        assert_eq!(details.take(), None);
    }
}
