//! Calendar days in UTC, from and to text and unix seconds. There is no clock in this crate:
//! instants are passed in.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const SECONDS_PER_DAY: i64 = 86_400;

/// A day, counted from 1970-01-01, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

impl Date {
    /// 1970-01-01: earlier than any rate.
    pub const EPOCH: Self = Self(0);

    /// Reads `2026-07-05`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let number = |part: &str| -> Option<i32> {
            part.bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| part.parse().ok())
                .flatten()
        };
        let (year, month, day) = (
            number(&text[..4])?,
            number(&text[5..7])?,
            number(&text[8..])?,
        );
        let date = Self(days_from_civil(year, month, day));
        // A day that does not exist, such as 02-30, comes back as another day.
        (date.civil() == (year, month, day)).then_some(date)
    }

    /// The day that holds this instant.
    #[must_use]
    pub fn of(unix_seconds: i64) -> Self {
        let days = unix_seconds.div_euclid(SECONDS_PER_DAY);
        Self(i32::try_from(days).unwrap_or(if days < 0 { i32::MIN / 2 } else { i32::MAX / 2 }))
    }

    /// The first second of the day.
    #[must_use]
    pub fn starts_at(self) -> i64 {
        i64::from(self.0).saturating_mul(SECONDS_PER_DAY)
    }

    /// Monday is 1, Sunday is 7.
    #[must_use]
    pub fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        u8::try_from((i64::from(self.0) + 3).rem_euclid(7) + 1).unwrap_or(1)
    }

    /// 1 to 31.
    #[must_use]
    pub fn day_of_month(self) -> u8 {
        u8::try_from(self.civil().2).unwrap_or(1)
    }

    fn civil(self) -> (i32, i32, i32) {
        let z = i64::from(self.0) + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let narrow = |n: i64| i32::try_from(n).unwrap_or(i32::MAX);
        (narrow(year), narrow(month), narrow(day))
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar, counted in eras of 400
/// years that begin in March, so that the leap day is the last of its year.
fn days_from_civil(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The minute of the UTC day, 0 to 1439.
pub(crate) fn minute_of_day(unix_seconds: i64) -> u16 {
    u16::try_from(unix_seconds.rem_euclid(SECONDS_PER_DAY) / 60).unwrap_or(0)
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Day;
        impl Visitor<'_> for Day {
            type Value = Date;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a day such as \"2026-07-05\"")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Date, E> {
                Date::parse(text).ok_or_else(|| E::custom(format_args!("{text:?} is no day")))
            }
        }
        deserializer.deserialize_str(Day)
    }
}

#[cfg(test)]
mod tests {
    use super::{Date, minute_of_day};

    #[test]
    fn days_go_in_and_come_out() {
        for (text, unix) in [
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400),
            ("2026-07-05", 1_783_209_600),
            ("2026-12-01", 1_796_083_200),
        ] {
            let date = Date::parse(text).unwrap();
            assert_eq!(date.to_string(), text);
            assert_eq!(date.starts_at(), unix);
            assert_eq!(Date::of(unix + 86_399), date);
        }
        for text in [
            "2026-02-30",
            "2026-13-01",
            "2026-7-5",
            "yesterday!",
            "2026-07-05T",
            "20é6-07-05",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    #[test]
    fn weekdays_and_minutes_are_utc() {
        assert_eq!(Date::parse("1970-01-01").unwrap().weekday(), 4);
        assert_eq!(Date::parse("2026-11-20").unwrap().weekday(), 5);
        assert_eq!(Date::parse("2026-11-22").unwrap().weekday(), 7);
        assert_eq!(minute_of_day(1_796_083_200 + 90), 1);
        assert_eq!(minute_of_day(-1), 1439);
    }
}
