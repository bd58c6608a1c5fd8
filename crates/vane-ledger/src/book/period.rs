//! The periods of budgets: days, weeks from Monday and months, in UTC.

use serde::{Deserialize, Serialize};
use vane_catalog::Date;

const DAY: i64 = 86_400;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    Day,
    Week,
    Month,
}

impl Period {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Day, Self::Week, Self::Month]
            .into_iter()
            .find(|period| period.as_str() == text)
    }

    /// The first second of the period that `at` lies in.
    pub fn start(self, at: i64) -> i64 {
        let date = Date::of(at);
        let days = match self {
            Self::Day => 1,
            Self::Week => date.weekday(),
            Self::Month => date.day_of_month(),
        };
        let before = i64::from(days).saturating_sub(1).saturating_mul(DAY);
        date.starts_at().saturating_sub(before)
    }

    /// The first second after the period that `at` lies in.
    pub fn end(self, at: i64) -> i64 {
        let start = self.start(at);
        match self {
            Self::Day => start.saturating_add(DAY),
            Self::Week => start.saturating_add(DAY.saturating_mul(7)),
            // No month is longer than 31 days, and none shorter than 28.
            Self::Month => self.start(start.saturating_add(DAY.saturating_mul(31))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Period;
    use vane_catalog::Date;

    #[test]
    fn periods_begin_where_the_calendar_says() {
        let at = |text| Date::parse(text).unwrap().starts_at();
        for (now, day, week, month) in [
            ("2026-11-21", "2026-11-21", "2026-11-16", "2026-11-01"),
            ("2026-11-22", "2026-11-22", "2026-11-16", "2026-11-01"),
            ("2026-11-23", "2026-11-23", "2026-11-23", "2026-11-01"),
            ("2028-03-01", "2028-03-01", "2028-02-28", "2028-03-01"),
            ("2028-02-29", "2028-02-29", "2028-02-28", "2028-02-01"),
        ] {
            let last = at(now) + 86_399;
            let starts = [Period::Day, Period::Week, Period::Month].map(|p| p.start(last));
            assert_eq!(starts, [at(day), at(week), at(month)], "{now}");
            assert_eq!(Period::Day.end(last), last + 1);
        }
        assert_eq!(Period::Month.end(at("2028-02-29")), at("2028-03-01"));
        assert_eq!(Period::Month.end(at("2026-12-31")), at("2027-01-01"));
    }
}
