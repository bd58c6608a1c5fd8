//! What one offer did lately, as this process saw it: when its answers began, how fast they came,
//! how often it failed.
//!
//! Invariant: only what happened within a day of the question is told. What is kept is bounded, and
//! the lock is held for a few words, never while anyone waits.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::measured::Measured;

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
/// Answers of which times are kept: the newest.
const ANSWERS_MAX: usize = 512;

#[derive(Debug, Default)]
pub struct Window(Mutex<Lately>);

#[derive(Debug, Default)]
struct Lately {
    /// Oldest first, one for each hour in which it was asked.
    hours: VecDeque<Hour>,
    /// Instant and milliseconds to the first content of a stream.
    first_content: VecDeque<(i64, u64)>,
    /// Instant and tokens a second of an answer.
    pace: VecDeque<(i64, u64)>,
}

#[derive(Debug)]
struct Hour {
    begun: i64,
    asked: u64,
    failed: u64,
}

impl Window {
    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn asked(&self, now: i64) {
        self.lately().count(now, 1, 0);
    }

    /// An attempt failed, and the provider is to blame.
    pub fn failed(&self, now: i64) {
        self.lately().count(now, 0, 1);
    }

    /// The first content of a stream came so long after the offer was asked.
    pub fn first_content(&self, now: i64, after: Duration) {
        let ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        keep(&mut self.lately().first_content, now, ms);
    }

    /// An answer of so many tokens was whole so long after the offer was asked.
    pub fn answered(&self, now: i64, tokens: u64, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let per_second = tokens.saturating_mul(1_000_000) / us;
        if tokens > 0 {
            keep(&mut self.lately().pace, now, per_second);
        }
    }

    /// What the last day comes to; nothing where nobody was asked.
    pub fn measured(&self, now: i64) -> Option<Measured> {
        let lately = self.lately();
        let hours = lately.hours.iter().filter(|hour| now - hour.begun < DAY);
        let (mut asked, mut failed) = (0_u64, 0_u64);
        for hour in hours {
            asked += hour.asked;
            failed += hour.failed;
        }
        let answered = asked.saturating_sub(failed).saturating_mul(10_000);
        let first = of_the_day(&lately.first_content, now);
        let pace = of_the_day(&lately.pace, now);
        Some(Measured {
            first_token_ms: percentile(&first, 50).zip(percentile(&first, 95)),
            tokens_per_second: percentile(&pace, 50),
            answered_per_10_000: answered.checked_div(asked)?,
        })
    }
}

impl Lately {
    fn count(&mut self, now: i64, asked: u64, failed: u64) {
        let begun = now - now.rem_euclid(HOUR);
        while self
            .hours
            .front()
            .is_some_and(|hour| begun - hour.begun >= DAY)
        {
            self.hours.pop_front();
        }
        // A clock that was set back counts on in the hour that it had reached.
        match self.hours.back_mut().filter(|hour| hour.begun >= begun) {
            Some(hour) => {
                hour.asked += asked;
                hour.failed += failed;
            }
            None => self.hours.push_back(Hour {
                begun,
                asked,
                failed,
            }),
        }
    }
}

fn keep(kept: &mut VecDeque<(i64, u64)>, now: i64, figure: u64) {
    if kept.len() == ANSWERS_MAX {
        kept.pop_front();
    }
    kept.push_back((now, figure));
}

/// In order of size.
fn of_the_day(kept: &VecDeque<(i64, u64)>, now: i64) -> Vec<u64> {
    let lately = kept.iter().filter(|(at, _)| now - at < DAY);
    let mut figures: Vec<u64> = lately.map(|(_, figure)| *figure).collect();
    figures.sort_unstable();
    figures
}

/// The smallest figure that so many of a hundred do not exceed.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_796_000_000;

    #[test]
    fn only_the_last_day_is_told_and_nothing_of_nobody() {
        let window = Window::default();
        assert!(window.measured(NOW).is_none());
        window.asked(NOW - 2 * DAY);
        window.failed(NOW - 2 * DAY);
        window.first_content(NOW - 2 * DAY, Duration::from_millis(9));
        assert!(window.measured(NOW).is_none());
        for n in 1..=20 {
            window.asked(NOW);
            window.first_content(NOW, Duration::from_millis(n * 10));
            window.answered(NOW, 30, Duration::from_millis(1_500));
        }
        window.failed(NOW);
        let measured = window.measured(NOW + HOUR).unwrap();
        assert_eq!(measured.first_token_ms, Some((100, 190)));
        assert_eq!(measured.tokens_per_second, Some(20));
        assert_eq!(measured.uptime(), "95.0%");
        assert!(window.measured(NOW + DAY + HOUR).is_none());
    }

    #[test]
    fn an_offer_that_only_failed_has_no_times() {
        let window = Window::default();
        window.asked(NOW);
        window.failed(NOW);
        let measured = window.measured(NOW).unwrap();
        assert_eq!(measured.uptime(), "0.0%");
        assert_eq!(measured.first_token_ms, None);
        assert_eq!(measured.tokens_per_second, None);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let window = Window::default();
        for n in 0..2_000 {
            window.asked(NOW + n * HOUR);
            window.first_content(NOW, Duration::from_millis(1));
        }
        let lately = window.lately();
        assert!(lately.hours.len() <= 25 && lately.first_content.len() == ANSWERS_MAX);
    }
}
