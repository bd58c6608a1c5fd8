//! What one offer was seen to do since somebody last took note of it.
//!
//! Invariants: a call counts here by adding to words of its offer, and for nothing waits: no lock,
//! no clock, no memory; what is taken is counted once, whoever counts on meanwhile.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use super::spread::{BUCKETS, Spread, bucket};

/// Counts of one offer by one process, until they are taken.
#[derive(Debug)]
pub struct Seen {
    asked: AtomicU32,
    answered: AtomicU32,
    failed: AtomicU32,
    first: [AtomicU32; BUCKETS],
    pace: [AtomicU32; BUCKETS],
}

/// What an offer did, added up over some time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub asked: u64,
    pub answered: u64,
    /// By the provider's fault.
    pub failed: u64,
    /// Milliseconds to the first content of a stream.
    pub first: Spread,
    /// Tokens a second of an answer.
    pub pace: Spread,
}

impl Default for Seen {
    fn default() -> Self {
        let none = || std::array::from_fn(|_| AtomicU32::new(0));
        Self {
            asked: AtomicU32::new(0),
            answered: AtomicU32::new(0),
            failed: AtomicU32::new(0),
            first: none(),
            pace: none(),
        }
    }
}

impl Seen {
    pub fn asked(&self) {
        self.asked.fetch_add(1, Relaxed);
    }

    /// An attempt failed, and the provider is to blame.
    pub fn failed(&self) {
        self.failed.fetch_add(1, Relaxed);
    }

    /// The first content of a stream came so long after the offer was asked.
    pub fn first_content(&self, after: Duration) {
        let ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        count(&self.first, ms);
    }

    /// An answer of so many tokens was whole so long after the offer was asked.
    pub fn answered(&self, tokens: u64, took: Duration) {
        self.answered.fetch_add(1, Relaxed);
        if tokens > 0 {
            let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
            count(&self.pace, tokens.saturating_mul(1_000_000) / us);
        }
    }

    /// What was counted since this was asked last; nothing where nothing was.
    #[must_use]
    pub fn take(&self) -> Option<Sums> {
        let scalar = |count: &AtomicU32| u64::from(taken(count));
        let spread = |counts: &[AtomicU32; BUCKETS]| {
            let mut spread = Spread::default();
            for (bucket, count) in counts.iter().enumerate() {
                spread.add(bucket, taken(count));
            }
            spread
        };
        let sums = Sums {
            asked: scalar(&self.asked),
            answered: scalar(&self.answered),
            failed: scalar(&self.failed),
            first: spread(&self.first),
            pace: spread(&self.pace),
        };
        (sums != Sums::default()).then_some(sums)
    }
}

fn count(counts: &[AtomicU32; BUCKETS], figure: u64) {
    if let Some(count) = counts.get(bucket(figure)) {
        count.fetch_add(1, Relaxed);
    }
}

/// Read first: the lines of offers that nobody asks stay shared between threads.
fn taken(count: &AtomicU32) -> u32 {
    match count.load(Relaxed) {
        0 => 0,
        _ => count.swap(0, Relaxed),
    }
}

impl Sums {
    pub fn merge(&mut self, other: &Self) {
        self.asked = self.asked.saturating_add(other.asked);
        self.answered = self.answered.saturating_add(other.answered);
        self.failed = self.failed.saturating_add(other.failed);
        self.first.merge(&other.first);
        self.pace.merge(&other.pace);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_taken_once() {
        let seen = Seen::default();
        assert_eq!(seen.take(), None);
        seen.asked();
        seen.asked();
        seen.failed();
        seen.first_content(Duration::from_millis(120));
        seen.answered(30, Duration::from_millis(1_500));
        seen.answered(0, Duration::from_millis(1));
        let sums = seen.take().unwrap();
        assert_eq!((sums.asked, sums.answered, sums.failed), (2, 2, 1));
        assert_eq!(sums.first.counts().collect::<Vec<_>>(), [(bucket(120), 1)]);
        assert_eq!(sums.pace.counts().collect::<Vec<_>>(), [(bucket(20), 1)]);
        assert_eq!(seen.take(), None);
    }

    #[test]
    fn nothing_is_lost_between_those_who_count_and_who_takes() {
        let seen = Seen::default();
        let mut sums = Sums::default();
        std::thread::scope(|scope| {
            let counting: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        for n in 0..10_000_u64 {
                            seen.asked();
                            seen.answered(n, Duration::from_millis(100));
                        }
                    })
                })
                .collect();
            while !counting
                .iter()
                .all(std::thread::ScopedJoinHandle::is_finished)
            {
                sums.merge(&seen.take().unwrap_or_default());
            }
        });
        sums.merge(&seen.take().unwrap_or_default());
        assert_eq!((sums.asked, sums.answered), (40_000, 40_000));
        let paced: u32 = sums.pace.counts().map(|(_, count)| count).sum();
        assert_eq!(paced, 4 * 9_999, "the answer of no tokens has no pace");
    }
}
