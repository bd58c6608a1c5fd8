//! Citations of web pages in an answer's text, as OpenAI's dialects tell them.
//!
//! Providers say which part of a text a page stands behind in characters, or by giving the part a
//! block of its own. Positions here count characters from the beginning of the block.

use crate::json;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::ops::Range;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    pub url: String,
    pub title: Option<String>,
    /// The characters that it stands behind; `None`: the whole block.
    pub span: Option<Range<u64>>,
}

/// The members of every provider's citation, read for what they have in common.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, borrow)]
    url_citation: Option<&'a RawValue>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    start_index: Option<u64>,
    #[serde(default)]
    end_index: Option<u64>,
}

impl Citation {
    /// Reads an annotation or citation; `None` for one that names no page.
    pub(crate) fn read(raw: &RawValue) -> Option<Self> {
        let wire: Wire<'_> = serde_json::from_str(raw.get()).ok()?;
        if !matches!(&*wire.kind, "url_citation" | "web_search_result_location") {
            return None;
        }
        // Chat completions put the members into an object of the type's name.
        if let Some(inner) = wire.url_citation {
            let inner = inner.get().strip_prefix('{')?;
            let flat = format!(r#"{{"type":"url_citation",{inner}"#);
            return Self::read(&RawValue::from_string(flat).ok()?);
        }
        Some(Self {
            url: wire.url?,
            title: wire.title,
            span: wire
                .start_index
                .zip(wire.end_index)
                .map(|(from, to)| from..to),
        })
    }

    /// Writes the members that both of OpenAI's dialects have; the block's text begins at
    /// character `from` of what the positions count in and has `length` of them.
    pub(crate) fn write(&self, out: &mut Vec<u8>, from: u64, length: u64) {
        let span = self.span.clone().unwrap_or(0..length);
        out.extend_from_slice(b"\"start_index\":");
        json::number(out, from.saturating_add(span.start));
        out.extend_from_slice(b",\"end_index\":");
        json::number(out, from.saturating_add(span.end));
        out.extend_from_slice(b",\"title\":");
        json::string(out, self.title.as_deref().unwrap_or(&self.url));
        out.extend_from_slice(b",\"url\":");
        json::string(out, &self.url);
    }
}

/// How many characters a text has.
pub(crate) fn length(text: &str) -> u64 {
    text.chars().count().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Citation;

    fn read(text: &str) -> Option<Citation> {
        Citation::read(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn every_providers_citation_of_a_page_is_read() {
        let page = |span| Citation {
            url: "https://a.example".into(),
            title: Some("A".into()),
            span,
        };
        for text in [
            r#"{"type":"url_citation","url_citation":{"end_index":9,"start_index":2,"title":"A","url":"https://a.example"}}"#,
            r#"{"type":"url_citation","start_index":2,"end_index":9,"title":"A","url":"https://a.example"}"#,
        ] {
            assert_eq!(read(text), Some(page(Some(2..9))), "{text}");
        }
        let anthropics = r#"{"type":"web_search_result_location","cited_text":"x","url":"https://a.example","title":"A","encrypted_index":"Eo8B"}"#;
        assert_eq!(read(anthropics), Some(page(None)));
        for other in [
            r#"{"type":"char_location","cited_text":"x","document_index":0}"#,
            r#"{"type":"file_citation","file_id":"f","index":0}"#,
            r#"{"type":"url_citation","url_citation":{}}"#,
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
