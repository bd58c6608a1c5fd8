//! Cheaper hours.
//!
//! A window names ISO weekdays and spans of the UTC day. `10:00-00:00` ends at midnight and
//! `00:00-00:00` is the whole day; a span that ends before it starts runs into the next day and
//! belongs to the weekday it starts on.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::date::{Date, minute_of_day};
use crate::rate::Rate;

const MINUTES_PER_DAY: u16 = 1_440;

/// The rates of calls that fall into the windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OffPeak {
    pub input: Rate,
    pub output: Rate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<Rate>,
    pub windows: Vec<Window>,
}

/// Spans of the day on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// 1 is Monday, 7 is Sunday.
    pub weekdays: Vec<u8>,
    pub utc: Vec<Span>,
}

/// From a minute of the day up to, and without, another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    from: u16,
    until: u16,
}

impl OffPeak {
    /// Whether the instant falls into one of the windows.
    #[must_use]
    pub fn holds_at(&self, unix_seconds: i64) -> bool {
        let today = Date::of(unix_seconds).weekday();
        let yesterday = if today == 1 { 7 } else { today - 1 };
        let minute = minute_of_day(unix_seconds);
        self.windows.iter().any(|window| {
            let begins_today = window.weekdays.contains(&today)
                && window.utc.iter().any(|span| span.holds_on_its_day(minute));
            let began_yesterday = window.weekdays.contains(&yesterday)
                && window.utc.iter().any(|span| span.runs_over_to(minute));
            begins_today || began_yesterday
        })
    }
}

impl Span {
    fn parse(text: &str) -> Option<Self> {
        let (from, until) = text.split_once('-')?;
        let (from, until) = (minute(from)?, minute(until)?);
        Some(Self {
            from,
            until: if until == 0 { MINUTES_PER_DAY } else { until },
        })
    }

    fn wraps(self) -> bool {
        self.until <= self.from
    }

    fn holds_on_its_day(self, minute: u16) -> bool {
        minute >= self.from && (self.wraps() || minute < self.until)
    }

    fn runs_over_to(self, minute: u16) -> bool {
        self.wraps() && minute < self.until
    }
}

/// `HH:MM` as a minute of the day.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = self.until % MINUTES_PER_DAY;
        let (from, until) = ((self.from / 60, self.from % 60), (until / 60, until % 60));
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            from.0, from.1, until.0, until.1
        )
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Hours;
        impl Visitor<'_> for Hours {
            type Value = Span;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a span of the day such as \"04:00-06:00\"")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
                Span::parse(text).ok_or_else(|| E::custom(format_args!("{text:?} is no span")))
            }
        }
        deserializer.deserialize_str(Hours)
    }
}

#[cfg(test)]
mod tests {
    use super::{OffPeak, Span, Window};
    use crate::{Date, Rate};

    fn off_peak(weekdays: &[u8], utc: &[&str]) -> OffPeak {
        let utc = utc.iter().map(|text| Span::parse(text).unwrap()).collect();
        let windows = vec![Window {
            weekdays: weekdays.to_vec(),
            utc,
        }];
        OffPeak {
            input: Rate::ZERO,
            output: Rate::ZERO,
            cache_read: None,
            windows,
        }
    }

    fn at(day: &str, hour: i64, minute: i64) -> i64 {
        Date::parse(day).unwrap().starts_at() + hour * 3600 + minute * 60
    }

    #[test]
    fn a_span_holds_from_its_first_minute_to_before_its_last() {
        let hours = off_peak(&[5], &["04:00-06:00", "10:00-00:00"]);
        let friday = "2026-11-20";
        assert!(!hours.holds_at(at(friday, 3, 59)));
        assert!(hours.holds_at(at(friday, 4, 0)));
        assert!(!hours.holds_at(at(friday, 6, 0)));
        assert!(hours.holds_at(at(friday, 23, 59)));
        assert!(!hours.holds_at(at("2026-11-21", 4, 30)));
    }

    #[test]
    fn a_span_over_midnight_belongs_to_the_day_it_starts_on() {
        let hours = off_peak(&[7], &["22:00-02:00"]);
        assert!(hours.holds_at(at("2026-11-22", 23, 0)));
        assert!(hours.holds_at(at("2026-11-23", 1, 59)));
        assert!(!hours.holds_at(at("2026-11-23", 2, 0)));
        assert!(!hours.holds_at(at("2026-11-22", 1, 0)));
    }

    #[test]
    fn midnight_to_midnight_is_the_whole_day() {
        let hours = off_peak(&[6], &["00:00-00:00"]);
        assert!(hours.holds_at(at("2026-11-21", 0, 0)));
        assert!(hours.holds_at(at("2026-11-21", 23, 59)));
        assert!(!hours.holds_at(at("2026-11-22", 0, 0)));
        assert_eq!(
            Span::parse("00:00-00:00").unwrap().to_string(),
            "00:00-00:00"
        );
    }
}
