//! The fields of a form that was sent with POST.
//!
//! Invariant: a field that stands twice, or is no text, is refused: two readers of one form must
//! not see two things.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};

use crate::relay::percent_decoded;

const FIELDS_MAX: usize = 60;

#[derive(Default)]
pub struct Form(BTreeMap<String, String>);

impl Form {
    /// What was sent as a form.
    ///
    /// # Errors
    /// If it is another kind of body, or no form.
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Fault> {
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let kind = kind
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default();
        if kind.trim() != "application/x-www-form-urlencoded" {
            let message = "forms are sent as application/x-www-form-urlencoded";
            return Err(Fault::new(Kind::MediaType, Blame::Caller, message));
        }
        Self::parse(body)
    }

    /// # Errors
    /// If it is no text, has a field twice, or too many.
    pub fn parse(body: &[u8]) -> Result<Self, Fault> {
        let wrong = |what: &str| Fault::invalid("", format!("the form {what}"));
        let text = std::str::from_utf8(body).map_err(|_| wrong("is no text"))?;
        let mut fields = BTreeMap::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = |part: &str| percent_decoded(&part.replace('+', " "));
            let (name, value) = (decoded(name), decoded(value));
            if value.contains('\0') || fields.len() >= FIELDS_MAX {
                return Err(wrong("is too much, or no text"));
            }
            if fields.insert(name, value).is_some() {
                return Err(wrong("has a field twice"));
            }
        }
        Ok(Self(fields))
    }

    /// A field; empty where there is none.
    #[must_use]
    pub fn raw(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The same without spaces around it.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn forms_are_read_as_browsers_send_them_or_refused() {
        let mut headers = HeaderMap::new();
        assert!(Form::read(&headers, b"a=b").is_err());
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        headers.insert(CONTENT_TYPE, kind);
        let form = Form::read(&headers, b"a=+x%2By+&b=%C3%A9&c").unwrap();
        assert_eq!((form.raw("a"), form.text("a")), (" x+y ", "x+y"));
        assert_eq!(
            (form.text("b"), form.text("c"), form.text("d")),
            ("é", "", "")
        );
        for wrong in [&b"a=1&a=2"[..], b"a=%00", b"\xff=1"] {
            assert!(Form::read(&headers, wrong).is_err(), "{wrong:?}");
        }
        let many = "x".repeat(70).split("").collect::<Vec<_>>().join("&");
        assert!(Form::read(&headers, many.as_bytes()).is_err());
    }
}
