//! The body of a change: an object of which every field is known, and read exactly.
//!
//! What is absent stays as it is, `null` takes it away. A field that is not known is refused by its
//! name before anything is read. Numbers are read from their digits, never as floats.

use super::Change;
use crate::config::nearest::nearest;
use serde_json::value::RawValue;
use std::num::NonZeroU32;
use vane_catalog::Money;
use vane_dialect::Fault;
use vane_dialect::json::Object;
use vane_ledger::book::Period;

/// Names in one list.
const NAMES_MAX: usize = 1_000;
/// A million dollars: more is a mistake.
const AMOUNT_MAX: Money = Money::from_pico(1_000_000_000_000_000_000);
/// The last second of the year 9999.
const SECOND_MAX: i64 = 253_402_300_799;

pub(super) struct Body<'a> {
    fields: Object<'a>,
    /// What stands before the name of a field in an object within.
    path: &'static str,
}

impl<'a> Body<'a> {
    /// Reads an object that has these fields, or some of them. No body is one without fields.
    pub(super) fn read(bytes: &'a [u8], known: &[&str]) -> Result<Self, Fault> {
        let bytes = if bytes.is_empty() { b"{}" } else { bytes };
        Self::of(Object::read_body(bytes)?, "", known)
    }

    fn of(fields: Object<'a>, path: &'static str, known: &[&str]) -> Result<Self, Fault> {
        if let Some(name) = fields.names().find(|name| !known.contains(name)) {
            let near = nearest(name, known.iter().copied());
            let near = near.map(|near| format!("; did you mean `{path}{near}`?"));
            let message = match known {
                [] => format!("`{path}{name}` is no field here: there is none"),
                known => format!(
                    "`{path}{name}` is no field here: there are {}{}",
                    known.join(", "),
                    near.unwrap_or_default()
                ),
            };
            return Err(Fault::invalid(format!("{path}{name}"), message));
        }
        Ok(Self { fields, path })
    }

    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.fields.names().next().is_none()
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Change<String>, Fault> {
        self.change(name, "must be text", |raw| {
            serde_json::from_str(raw.get()).ok()
        })
    }

    pub(super) fn need_text(&mut self, name: &str) -> Result<String, Fault> {
        let text = self.text(name)?.flatten();
        text.ok_or_else(|| self.wrong(name, "is required"))
    }

    /// A field that is there, and no `null`.
    pub(super) fn firm_text(&mut self, name: &str) -> Result<Option<String>, Fault> {
        match self.text(name)? {
            Some(None) => Err(self.wrong(name, "must be text")),
            text => Ok(text.flatten()),
        }
    }

    pub(super) fn count(&mut self, name: &str) -> Result<Change<NonZeroU32>, Fault> {
        let what = "must be a whole number from 1 to 4294967295, or null";
        self.change(name, what, |raw| digits(raw)?.parse().ok())
    }

    /// Seconds from zero up to a limit.
    pub(super) fn seconds(&mut self, name: &str, most: i64) -> Result<Option<i64>, Fault> {
        let what = format!("must be a whole number of seconds from 0 to {most}");
        let within = |raw: &RawValue| integer(raw).filter(|n| (0..=most).contains(n));
        match self.change(name, &what, within)? {
            Some(None) => Err(self.wrong(name, &what)),
            seconds => Ok(seconds.flatten()),
        }
    }

    /// An instant that lies ahead, in unix seconds.
    pub(super) fn instant(&mut self, name: &str, now: i64) -> Result<Change<i64>, Fault> {
        let what = "must be a second that lies ahead, as a whole number of unix seconds, or null";
        let ahead = |raw: &RawValue| integer(raw).filter(|at| (now + 1..=SECOND_MAX).contains(at));
        self.change(name, what, ahead)
    }

    pub(super) fn names(&mut self, name: &str) -> Result<Change<Vec<String>>, Fault> {
        let what = format!("must be a list of 1 to {NAMES_MAX} names, or null");
        self.change(name, &what, |raw| {
            let names: Vec<String> = serde_json::from_str(raw.get()).ok()?;
            (1..=NAMES_MAX).contains(&names.len()).then_some(names)
        })
    }

    pub(super) fn budget(&mut self) -> Result<Change<(Money, Period)>, Fault> {
        let what = r#"must be such as {"amount": "5", "period": "day"}, or null"#;
        let Some(raw) = self.fields.take_even_null("budget") else {
            return Ok(None);
        };
        if raw.get() == "null" {
            return Ok(Some(None));
        }
        if !raw.get().starts_with('{') {
            return Err(self.wrong("budget", what));
        }
        let fields = Object::read_body(raw.get().as_bytes())?;
        let mut within = Body::of(fields, "budget.", &["amount", "period"])?;
        let period = within.need_text("period")?;
        let period = Period::parse(&period)
            .ok_or_else(|| within.wrong("period", "must be day, week or month"))?;
        let amount = within.amount("amount")?;
        Ok(Some(Some((amount, period))))
    }

    fn amount(&mut self, name: &str) -> Result<Money, Fault> {
        let raw = self.fields.take_even_null(name);
        let raw = raw.ok_or_else(|| self.wrong(name, "is required"))?;
        let dollars = "must be dollars, such as \"25\" or 25.50";
        let digits = amount_digits(raw).ok_or_else(|| self.wrong(name, dollars))?;
        let amount = Money::parse(&digits);
        let amount =
            amount.map_err(|error| self.wrong(name, &format!("must be plain dollars: {error}")))?;
        match amount > Money::ZERO && amount <= AMOUNT_MAX {
            true => Ok(amount),
            false => Err(self.wrong(name, "must be above zero and at most a million dollars")),
        }
    }

    fn change<T>(
        &mut self,
        name: &str,
        what: &str,
        read: impl FnOnce(&RawValue) -> Option<T>,
    ) -> Result<Change<T>, Fault> {
        match self.fields.take_even_null(name) {
            None => Ok(None),
            Some(raw) if raw.get() == "null" => Ok(Some(None)),
            Some(raw) => match read(raw) {
                Some(value) => Ok(Some(Some(value))),
                None => Err(self.wrong(name, what)),
            },
        }
    }

    pub(super) fn wrong(&self, name: &str, what: &str) -> Fault {
        let name = format!("{}{name}", self.path);
        Fault::invalid(name.clone(), format!("`{name}` {what}"))
    }
}

/// The digits of a JSON string or number, as they were written.
pub(super) fn amount_digits(raw: &RawValue) -> Option<String> {
    match raw.get().as_bytes().first()? {
        b'"' => serde_json::from_str(raw.get()).ok(),
        _ => digits(raw).map(str::to_owned),
    }
}

/// The digits of a JSON number.
fn digits(raw: &RawValue) -> Option<&str> {
    let starts = raw.get().as_bytes().first()?;
    matches!(starts, b'-' | b'0'..=b'9').then_some(raw.get())
}

fn integer(raw: &RawValue) -> Option<i64> {
    digits(raw)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["name", "budget", "requests_per_minute", "expires_at"];

    #[track_caller]
    fn refused(body: &str, named: &str) -> Fault {
        let read = || {
            let mut body = Body::read(body.as_bytes(), &KNOWN)?;
            body.text("name")?;
            body.budget()?;
            body.count("requests_per_minute")?;
            body.instant("expires_at", 1_000)
        };
        let fault: Fault = read().unwrap_err();
        assert_eq!(fault.param.as_deref(), Some(named), "{body}: {fault:?}");
        fault
    }

    #[test]
    fn m12_an_unknown_field_is_named_also_within() {
        for (body, named) in [
            (r#"{"role":"owner"}"#, "role"),
            (r#"{"name":"x","Budget":null}"#, "Budget"),
            (
                r#"{"budget":{"amount":1,"period":"day","posted":9}}"#,
                "budget.posted",
            ),
            (r#"{"limits":{"name":"x"}}"#, "limits"),
            (r#"{"":1}"#, ""),
        ] {
            let read = Body::read(body.as_bytes(), &KNOWN).and_then(|mut body| body.budget());
            let fault = read.unwrap_err();
            let named = Some(named).filter(|named| !named.is_empty());
            assert_eq!(fault.param.as_deref(), named, "{body}: {fault:?}");
        }
        let fault = Body::read(br#"{"request_per_minute":1}"#, &KNOWN)
            .err()
            .unwrap();
        assert!(
            fault
                .message
                .ends_with("did you mean `requests_per_minute`?"),
            "{fault:?}"
        );
    }

    #[test]
    fn s13_amounts_of_budgets_are_read_from_their_digits_or_refused() {
        for amount in [
            "0",
            "-1",
            "\"-1\"",
            "1e3",
            "\"1e3\"",
            "0.0000000000001",
            "1000000.000000000001",
            "99999999999999999999999999",
            "\"\"",
            "\" 5\"",
            "\"$5\"",
            "null",
            "true",
            "[5]",
            "{}",
            "\"NaN\"",
            "\"Infinity\"",
            "-0",
            "1E1",
        ] {
            refused(
                &format!(r#"{{"budget":{{"amount":{amount},"period":"day"}}}}"#),
                "budget.amount",
            );
        }
        let body = br#"{"budget":{"amount":0.000000000001,"period":"week"}}"#;
        let mut body = Body::read(body, &KNOWN).unwrap();
        let week = Some(Some((Money::from_pico(1), Period::Week)));
        assert_eq!(body.budget().unwrap(), week);
    }

    #[test]
    fn s13_counts_and_instants_are_whole_and_in_bounds() {
        for count in [
            "0",
            "-1",
            "1.0",
            "1e3",
            "4294967296",
            "\"5\"",
            "true",
            "[]",
            "{}",
        ] {
            refused(
                &format!(r#"{{"requests_per_minute":{count}}}"#),
                "requests_per_minute",
            );
        }
        for at in [
            "0",
            "1000",
            "-5",
            "1e9",
            "1001.5",
            "253402300800",
            "9223372036854775808",
            "\"2027-01-31\"",
        ] {
            refused(&format!(r#"{{"expires_at":{at}}}"#), "expires_at");
        }
        for budget in ["5", "\"5/day\"", "[]", "true"] {
            refused(&format!(r#"{{"budget":{budget}}}"#), "budget");
        }
        refused(r#"{"budget":{"amount":5}}"#, "budget.period");
        refused(
            r#"{"budget":{"amount":5,"period":"year"}}"#,
            "budget.period",
        );
        refused(r#"{"name":5}"#, "name");
        let mut body = Body::read(br#"{"name":null}"#, &KNOWN).unwrap();
        assert_eq!(body.text("name").unwrap(), Some(None));
        assert_eq!(body.count("requests_per_minute").unwrap(), None);
    }
}
