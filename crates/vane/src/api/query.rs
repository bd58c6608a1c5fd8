//! The parameters of a question. One that is not known, or stands twice, is refused by name.

use crate::relay::percent_decoded;
use std::collections::BTreeMap;
use vane_catalog::Date;
use vane_dialect::Fault;

#[derive(Debug, Default)]
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    pub(super) fn read(text: &str) -> Result<Self, Fault> {
        let mut values = BTreeMap::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (percent_decoded(name), percent_decoded(value));
            if value.contains('\0') {
                return Err(Fault::invalid(&name, format!("`{name}` is no text")));
            }
            if values.insert(name.clone(), value).is_some() {
                return Err(Fault::invalid(&name, format!("`{name}` stands twice")));
            }
        }
        Ok(Self(values))
    }

    /// Refuses all parameters but these.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Fault> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => {
                let known = match known {
                    [] => "there is none".to_owned(),
                    known => format!("there are {}", known.join(", ")),
                };
                let message = format!("`{name}` is no parameter of this route: {known}");
                Err(Fault::invalid(name, message))
            }
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn number(&self, name: &str, least: i64, most: i64) -> Result<Option<i64>, Fault> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|n| (least..=most).contains(n));
        let wrong = || {
            Fault::invalid(
                name,
                format!("`{name}` must be a whole number from {least} to {most}"),
            )
        };
        number.map(Some).ok_or_else(wrong)
    }

    /// The first second of a day.
    pub(super) fn day(&self, name: &str) -> Result<Option<i64>, Fault> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let wrong = || {
            Fault::invalid(
                name,
                format!("`{name}` must be a day such as 2026-11-20 (UTC)"),
            )
        };
        Date::parse(text)
            .map(|date| Some(date.starts_at()))
            .ok_or_else(wrong)
    }
}
