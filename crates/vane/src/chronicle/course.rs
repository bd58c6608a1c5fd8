//! What one offer did, hour by hour and day by day.
//!
//! Invariant: hours and days are those of UTC, known by the instant at which they begin; one in
//! which nobody asked is not there. Days for which there are hours are their sums.

use std::collections::BTreeMap;

use crate::upstream::Sums;

pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 86_400;

/// Hours and days that are told one by one.
pub(super) const HOURS: i64 = 24;
pub(super) const DAYS: i64 = 30;

/// A time that ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// This hour and the 23 before it.
    Day,
    /// Today and the 6 days before.
    Week,
    /// Today and the 29 days before.
    Month,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    /// From yesterday on.
    hours: BTreeMap<i64, Sums>,
    /// Those of which the hours are not known.
    days: BTreeMap<i64, Sums>,
}

/// When the hour or the day of an instant began.
pub(super) fn begun(at: i64, length: i64) -> i64 {
    at - at.rem_euclid(length)
}

impl Course {
    /// Adds to what was done in an hour.
    pub(super) fn add(&mut self, hour: i64, sums: &Sums) {
        self.hours.entry(hour).or_default().merge(sums);
    }

    pub(super) fn set_hour(&mut self, hour: i64, sums: Sums) {
        self.hours.insert(hour, sums);
    }

    pub(super) fn set_day(&mut self, day: i64, sums: Sums) {
        self.days.insert(day, sums);
    }

    /// Adds what another did.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (hour, sums) in &other.hours {
            self.add(*hour, sums);
        }
        for (day, sums) in &other.days {
            self.days.entry(*day).or_default().merge(sums);
        }
    }

    fn sum(&self, from: i64, until: i64) -> Sums {
        let mut all = Sums::default();
        let days = self.days.range(from..until);
        for (_, sums) in days.chain(self.hours.range(from..until)) {
            all.merge(sums);
        }
        all
    }

    /// What it all came to over a span.
    #[must_use]
    pub fn over(&self, span: Span, now: i64) -> Sums {
        let (hour, today) = (begun(now, HOUR), begun(now, DAY));
        match span {
            Span::Day => self.sum(hour - (HOURS - 1) * HOUR, hour + HOUR),
            Span::Week => self.sum(today - 6 * DAY, today + DAY),
            Span::Month => self.sum(today - (DAYS - 1) * DAY, today + DAY),
        }
    }

    /// The hours of the last day and when each began, the oldest first.
    pub fn hours(&self, now: i64) -> impl Iterator<Item = (i64, Sums)> {
        let hour = begun(now, HOUR);
        let begins = (0..HOURS).rev().map(move |ago| hour - ago * HOUR);
        begins.map(|hour| (hour, self.sum(hour, hour + HOUR)))
    }

    /// The last days, today among them, the oldest first.
    pub fn days(&self, now: i64) -> impl Iterator<Item = (i64, Sums)> {
        let today = begun(now, DAY);
        let begins = (0..DAYS).rev().map(move |ago| today - ago * DAY);
        begins.map(|day| (day, self.sum(day, day + DAY)))
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

    /// One attempt this hour, ten at the beginning of the day that ends now, a hundred before it, and
    /// a thousand on each of some days before.
    fn course() -> Course {
        let (hour, today) = (begun(NOW, HOUR), begun(NOW, DAY));
        let mut course = Course::default();
        course.add(hour, &asked(1));
        course.add(hour - 23 * HOUR, &asked(10));
        course.add(hour - 24 * HOUR, &asked(100));
        for ago in [2, 6, 7, 29, 30] {
            course.set_day(today - ago * DAY, asked(1_000));
        }
        course
    }

    #[test]
    fn only_what_lies_in_a_span_is_told() {
        let over = |span, now| course().over(span, now).asked;
        assert_eq!(over(Span::Day, NOW), 11);
        assert_eq!(over(Span::Week, NOW), 2_111);
        assert_eq!(over(Span::Month, NOW), 4_111);
        assert_eq!(over(Span::Day, NOW + 23 * HOUR), 1);
        assert_eq!(over(Span::Day, NOW + DAY), 0);
        assert_eq!(over(Span::Month, NOW + 31 * DAY), 0);
    }

    #[test]
    fn each_hour_and_each_day_is_there_once() {
        let course = course();
        let hours: Vec<(i64, u64)> = course
            .hours(NOW)
            .map(|(at, sums)| (at, sums.asked))
            .collect();
        assert_eq!(hours.len(), 24);
        assert_eq!(hours[0], (begun(NOW, HOUR) - 23 * HOUR, 10));
        assert_eq!(hours[23], (begun(NOW, HOUR), 1));
        let days: Vec<(i64, u64)> = course
            .days(NOW)
            .map(|(at, sums)| (at, sums.asked))
            .collect();
        assert_eq!(days.len(), 30);
        assert_eq!(days[0].1, 1_000);
        let all: u64 = days.iter().map(|(_, asked)| asked).sum();
        assert_eq!(all, course.over(Span::Month, NOW).asked);
    }

    #[test]
    fn an_hour_that_is_read_again_is_not_added() {
        let mut course = course();
        let hour = begun(NOW, HOUR);
        course.set_hour(hour, asked(5));
        course.set_hour(hour, asked(6));
        assert_eq!(course.over(Span::Day, NOW).asked, 16);
        let mut both = course.clone();
        both.merge(&course);
        assert_eq!(
            both.over(Span::Month, NOW).asked,
            2 * course.over(Span::Month, NOW).asked
        );
    }
}
