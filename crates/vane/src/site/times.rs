//! When the attempts of a call were made, as its receipt tells: a waterfall and the same in rows.
//!
//! Invariant: both are of what the API says of the receipt; nothing is measured here.

use serde_json::Value;

use super::chart::{Caption, Span, waterfall};
use super::figures::lasting;

/// Letters of a provider's name that fit beside what is said of its attempt.
const NAME_CHARS_MAX: usize = 24;

pub(crate) struct Times {
    pub(crate) chart: String,
    pub(crate) rows: Vec<TimeRow>,
    /// Whether an attempt failed, so that the key of the chart has to say how that looks.
    pub(crate) has_failed: bool,
}

/// The call, or an attempt.
pub(crate) struct TimeRow {
    pub(crate) name: String,
    pub(crate) began: String,
    /// What is not known is a dash.
    pub(crate) first_content: String,
    pub(crate) took: String,
    pub(crate) ended: String,
    pub(crate) dropped: String,
}

impl Times {
    /// `id` is unique on the page.
    pub(crate) fn of(receipt: &Value, id: &str) -> Self {
        let attempts = receipt["attempts"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let mut lines = vec![Line::call(receipt)];
        lines.extend((1..).zip(attempts).map(|(n, one)| Line::attempt(n, one)));
        let caption = Caption {
            id,
            title: "Times of the call",
            description: "The call and each attempt from the beginning of the call on. The table \
                          below has the same numbers.",
        };
        let spans: Vec<Span<'_>> = lines.iter().map(Line::span).collect();
        let label = |ms: i64| lasting(ms.unsigned_abs());
        Self {
            chart: waterfall(caption, &spans, label),
            rows: std::iter::once(TimeRow::call(receipt))
                .chain((1..).zip(attempts).map(|(n, one)| TimeRow::attempt(n, one)))
                .collect(),
            has_failed: lines.iter().any(|line| line.is_failed),
        }
    }

    /// The times of the call in words.
    pub(crate) fn says(&self) -> String {
        let call = self.rows.first();
        let first = call.map(|call| call.first_content.as_str());
        let first = match first.filter(|first| *first != UNKNOWN) {
            Some(first) => format!("first content after {first}"),
            None => "no content".to_owned(),
        };
        let took = call.map_or(UNKNOWN, |call| &call.took);
        format!("{first}, ended after {took}")
    }
}

/// A span, with the words for it.
struct Line {
    name: String,
    said: String,
    began: u64,
    waited: Option<u64>,
    took: u64,
    is_failed: bool,
}

impl Line {
    fn call(receipt: &Value) -> Self {
        let took = ms(receipt, "took_ms");
        Self {
            name: "The call".to_owned(),
            said: lasting(took),
            began: 0,
            waited: receipt["first_content_ms"].as_u64(),
            took,
            is_failed: false,
        }
    }

    fn attempt(n: usize, attempt: &Value) -> Self {
        let (waited, took) = (attempt["first_content_ms"].as_u64(), ms(attempt, "took_ms"));
        let is_failed = has_failed(attempt);
        let said = match waited {
            _ if is_failed => format!("failed, {}", lasting(took)),
            Some(waited) if waited < took => {
                format!("{}, {} in all", lasting(waited), lasting(took))
            }
            _ => lasting(took),
        };
        Self {
            name: format!("{n}. {}", provider(attempt)),
            said,
            began: ms(attempt, "began_ms"),
            waited,
            took,
            is_failed,
        }
    }

    fn span(&self) -> Span<'_> {
        let whole = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        Span {
            name: &self.name,
            said: &self.said,
            began: whole(self.began),
            waited: self.waited.map(whole),
            took: whole(self.took),
            is_failed: self.is_failed,
        }
    }
}

const UNKNOWN: &str = "\u{2013}";

impl TimeRow {
    fn call(receipt: &Value) -> Self {
        Self {
            ended: said(receipt, "status").replace('_', " "),
            ..Self::of(receipt, "The call".to_owned())
        }
    }

    fn attempt(n: usize, attempt: &Value) -> Self {
        Self {
            ended: said(attempt, "outcome").replace('_', ", "),
            ..Self::of(attempt, format!("{n}. {}", provider(attempt)))
        }
    }

    fn of(timed: &Value, name: String) -> Self {
        let waited = timed["first_content_ms"].as_u64();
        let dropped = timed["dropped"].as_str().unwrap_or(UNKNOWN);
        Self {
            name,
            began: lasting(ms(timed, "began_ms")),
            first_content: waited.map_or_else(|| UNKNOWN.to_owned(), lasting),
            took: lasting(ms(timed, "took_ms")),
            ended: String::new(),
            dropped: dropped.replace(',', ", "),
        }
    }
}

fn has_failed(attempt: &Value) -> bool {
    said(attempt, "outcome").starts_with("failed")
}

fn provider(attempt: &Value) -> String {
    said(attempt, "provider")
        .chars()
        .take(NAME_CHARS_MAX)
        .collect()
}

fn said<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn ms(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_default()
}
