//! What one offer did, hour by hour and day by day.
//!
//! Invariant: hours and days are those of UTC, known by the instant at which they begin; one in
//! which nobody asked is not there.

use std::collections::BTreeMap;

use crate::upstream::Sums;

pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 86_400;

/// Hours that are told one by one.
const HOURS: i64 = 24;

/// A time that ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// This hour and the 23 before it.
    Day,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    hours: BTreeMap<i64, Sums>,
}

/// When the hour or the day of an instant began.
pub(super) fn begun(at: i64, length: i64) -> i64 {
    at - at.rem_euclid(length)
}

impl Course {
    /// What was done in the hour of an instant.
    pub(super) fn add(&mut self, at: i64, sums: &Sums) {
        let hour = self.hours.entry(begun(at, HOUR)).or_default();
        hour.merge(sums);
    }

    /// Drops what no page tells of any more.
    pub(super) fn forget(&mut self, now: i64) {
        let first = begun(now, HOUR) - HOURS * HOUR;
        self.hours = self.hours.split_off(&first);
    }

    /// What it all came to over a span.
    #[must_use]
    pub fn over(&self, span: Span, now: i64) -> Sums {
        let first = match span {
            Span::Day => begun(now, HOUR) - (HOURS - 1) * HOUR,
        };
        let mut all = Sums::default();
        for sums in self.hours.range(first..=now).map(|(_, sums)| sums) {
            all.merge(sums);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_796_000_000;

    fn asked(asked: u64) -> Sums {
        Sums {
            asked,
            ..Sums::default()
        }
    }

    #[test]
    fn only_what_lies_in_the_span_is_told() {
        let mut course = Course::default();
        let hour = begun(NOW, HOUR);
        course.add(hour - 24 * HOUR, &asked(100));
        course.add(hour - 23 * HOUR, &asked(10));
        course.add(NOW, &asked(1));
        assert_eq!(course.over(Span::Day, NOW).asked, 11);
        assert_eq!(course.over(Span::Day, NOW + 23 * HOUR).asked, 1);
        assert_eq!(course.over(Span::Day, NOW + DAY), Sums::default());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut course = Course::default();
        for hour in 0..1_000 {
            course.add(NOW + hour * HOUR, &asked(1));
            course.forget(NOW + hour * HOUR);
        }
        assert!(course.hours.len() <= 25);
    }
}
