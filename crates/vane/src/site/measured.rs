//! What this server measured, as pages tell it: over spans, hour by hour and day by day.
//!
//! Invariants: a chart and the table beside it are made of the same cells; a span, an hour or a
//! day in which nobody asked says so and has no figures.

use serde_json::{Value, json};
use vane_catalog::{Date, Offer};

use super::View;
use super::chart::{Band, Caption, Share, line, spark, strip};
use crate::chronicle::{Course, DAY, HOUR, Span};
use crate::upstream::Measured;

const SPANS: [(Span, &str, &str); 3] = [
    (Span::Day, "24 hours", "day"),
    (Span::Week, "7 days", "week"),
    (Span::Month, "30 days", "month"),
];

/// What a span came to; nothing where nobody asked in it.
pub(crate) struct Over {
    pub(crate) span: &'static str,
    key: &'static str,
    pub(crate) measured: Option<Measured>,
}

impl Over {
    /// The spans of a course; none of one in which nobody ever asked.
    pub(crate) fn of(course: Option<&Course>, now: i64) -> Vec<Self> {
        let of = |course: &Course, span| Measured::of(&course.over(span, now));
        let Some(course) = course.filter(|course| of(course, Span::Month).is_some()) else {
            return Vec::new();
        };
        let spans = SPANS.iter().map(|(span, name, key)| Self {
            span: name,
            key,
            measured: of(course, *span),
        });
        spans.collect()
    }

    pub(crate) fn uptime(&self) -> String {
        let said = |measured: &Measured| measured.uptime();
        self.measured
            .as_ref()
            .map_or_else(|| "no traffic".to_owned(), said)
    }
}

/// The longest span of some; nothing where nobody ever asked.
pub(crate) fn longest(spans: &[Over]) -> Option<Measured> {
    spans.last()?.measured
}

/// One hour or one day.
pub(crate) struct Cell {
    pub(crate) when: String,
    pub(crate) begun: i64,
    pub(crate) measured: Option<Measured>,
}

pub(crate) fn hours(course: &Course, now: i64) -> Vec<Cell> {
    let cell = |(begun, sums)| Cell {
        when: hour(begun),
        begun,
        measured: Measured::of(&sums),
    };
    course.hours(now).map(cell).collect()
}

pub(crate) fn days(course: &Course, now: i64) -> Vec<Cell> {
    let cell = |(begun, sums)| Cell {
        when: Date::of(begun).to_string(),
        begun,
        measured: Measured::of(&sums),
    };
    course.days(now).map(cell).collect()
}

/// `2026-11-21 14:00`.
fn hour(begun: i64) -> String {
    format!("{} {:02}:00", Date::of(begun), begun.rem_euclid(DAY) / HOUR)
}

/// Those in which anybody asked.
pub(crate) fn known(cells: &[Cell]) -> Vec<(&str, Measured)> {
    let known = cells.iter();
    let known = known.filter_map(|cell| Some((cell.when.as_str(), cell.measured?)));
    known.collect()
}

/// How much went well, cell by cell.
pub(crate) fn uptime_strip(caption: Caption<'_>, cells: &[Cell]) -> String {
    let share = |cell: &Cell| match cell.measured {
        Some(measured) => Share::Of(measured.answered_per_10_000),
        None => Share::Unknown,
    };
    strip(caption, &cells.iter().map(share).collect::<Vec<_>>())
}

/// Within how long half of the streams began, cell by cell.
pub(crate) fn first_token_spark(caption: Caption<'_>, cells: &[Cell]) -> String {
    let value = |cell: &Cell| Some(signed(cell.measured?.first_token_ms?.0));
    spark(caption, &cells.iter().map(value).collect::<Vec<_>>())
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// How soon the answers of an offer began.
pub(crate) struct Latency {
    pub(crate) provider: String,
    /// What each row of the table is.
    pub(crate) each: &'static str,
    pub(crate) chart: String,
    /// When, how many attempts, within how long half and nineteen of twenty began.
    pub(crate) rows: Vec<(String, u64, u64, u64)>,
}

impl Latency {
    /// By day, or by hour where only one day is known; `None` where no stream began.
    pub(crate) fn of(view: &View<'_>, offer: &Offer, provider: &str, place: usize) -> Option<Self> {
        let course = view.past.of(&offer.id)?;
        let has_times = |cell: &&Cell| cell.measured.is_some_and(|m| m.first_token_ms.is_some());
        let (days, hours) = (days(course, view.now), hours(course, view.now));
        let (each, cells) = match days.iter().filter(has_times).count() {
            0 => return None,
            1 if hours.iter().any(|cell| has_times(&cell)) => ("Hour of UTC", hours),
            _ => ("Day of UTC", days),
        };
        let rows = cells.iter().filter_map(|cell| {
            let measured = cell.measured?;
            let (p50, p95) = measured.first_token_ms?;
            Some((cell.when.clone(), measured.asked, p50, p95))
        });
        Some(Self {
            provider: provider.to_owned(),
            each,
            chart: latency_line(&offer.name, provider, place, &cells),
            rows: rows.collect(),
        })
    }
}

fn latency_line(model: &str, provider: &str, place: usize, cells: &[Cell]) -> String {
    let id = format!("latency-{place}");
    let title = format!("Time to the first token of {model} at {provider}");
    let caption = Caption {
        id: &id,
        title: &title,
        description: "Milliseconds within which half of the streams began, and above it up to within which 95 of 100 did. A gap: nobody asked. The table below has the same figures.",
    };
    let band = |cell: &Cell| {
        let (p50, p95) = cell.measured?.first_token_ms?;
        Some(Band {
            low: signed(p50),
            middle: signed(p50),
            high: signed(p95),
        })
    };
    let spans: Vec<Option<Band>> = cells.iter().map(band).collect();
    let ends = [cells.first(), cells.last()];
    let [first, last] = ends.map(|cell| cell.map_or("", |cell| cell.when.as_str()));
    line(caption, &spans, (first, last), short)
}

/// `400 ms`, `1.5 s`: as short as the room beside an axis.
fn short(ms: i64) -> String {
    match (ms / 1_000, ms % 1_000 / 100) {
        (0, _) => format!("{ms} ms"),
        (seconds, 0) => format!("{seconds} s"),
        (seconds, tenths) => format!("{seconds}.{tenths} s"),
    }
}

/// Spans for programs, by name; null where nobody asked.
pub(crate) fn spans_json(spans: &[Over]) -> Value {
    let spans = spans
        .iter()
        .map(|over| (over.key.to_owned(), figures(over.measured)));
    match spans.clone().next() {
        Some(_) => Value::Object(spans.collect()),
        None => Value::Null,
    }
}

/// Cells in which anybody asked, for programs.
pub(crate) fn cells_json(cells: &[Cell]) -> Vec<Value> {
    let known = cells.iter().filter(|cell| cell.measured.is_some());
    let json = known.map(|cell| {
        let mut json = figures(cell.measured);
        json["at"] = json!(cell.begun);
        json
    });
    json.collect()
}

fn figures(measured: Option<Measured>) -> Value {
    let Some(measured) = measured else {
        return Value::Null;
    };
    let (p50, p95) = measured.first_token_ms.unzip();
    json!({
        "attempts": measured.asked,
        "faults": measured.failed,
        "answered_per_10_000": measured.answered_per_10_000,
        "first_token_ms_p50": p50,
        "first_token_ms_p95": p95,
        "tokens_per_second_p50": measured.tokens_per_second,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_beside_an_axis() {
        for (ms, said) in [
            (0, "0 ms"),
            (400, "400 ms"),
            (1_000, "1 s"),
            (1_500, "1.5 s"),
            (60_000, "60 s"),
        ] {
            assert_eq!(short(ms), said);
        }
    }

    #[test]
    fn hours_are_told_by_utc() {
        assert_eq!(hour(1_796_000_400), "2026-11-30 01:00");
    }
}
