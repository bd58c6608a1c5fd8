//! The circuit breaker of an offer or of a provider key: after repeated failures it is benched
//! for a while, then one probe decides.
//!
//! Invariant: a benched offer is only put behind the others, never taken out of a plan, so that
//! a breaker can never leave nothing to try.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

/// Consecutive failures after which it opens.
const FAILURES: u32 = 3;
const BENCH_FIRST: Duration = Duration::from_secs(5);
const BENCH_LONGEST: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub struct Breaker {
    born: Instant,
    failures: AtomicU32,
    /// How often it opened since it last closed: each time for longer.
    openings: AtomicU32,
    /// How often it opened at all: what began before the last time says nothing of what is now.
    age: AtomicU32,
    /// Milliseconds since birth until which it is open; 0 is closed.
    open_until_ms: AtomicU64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Closed,
    /// The bench is over: the next call is the probe.
    HalfOpen,
    Open {
        for_ms: u64,
    },
}

/// A call at what the breaker guards, which has yet to say how that went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    age: u32,
    /// Whether it decides what comes after the bench.
    is_probe: bool,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            born: Instant::now(),
            failures: AtomicU32::new(0),
            openings: AtomicU32::new(0),
            age: AtomicU32::new(0),
            open_until_ms: AtomicU64::new(0),
        }
    }
}

impl Breaker {
    #[must_use]
    pub fn standing(&self) -> Standing {
        match self.open_until_ms.load(Relaxed) {
            0 => Standing::Closed,
            until => match until.saturating_sub(self.now_ms()) {
                0 => Standing::HalfOpen,
                for_ms => Standing::Open { for_ms },
            },
        }
    }

    /// A call begins. After the bench it takes the place of the probe: until it ends, others see
    /// the breaker as open.
    #[must_use]
    pub fn begin(&self) -> Trial {
        let age = self.age.load(Relaxed);
        let until = self.open_until_ms.load(Relaxed);
        let is_probe = until != 0 && until <= self.now_ms() && {
            let probe_until = self.now_ms() + millis(BENCH_FIRST);
            let open = &self.open_until_ms;
            open.compare_exchange(until, probe_until, Relaxed, Relaxed)
                .is_ok()
        };
        Trial { age, is_probe }
    }

    /// Closes it, unless the call began before it opened: a `Retry-After` holds although calls
    /// that run are answered.
    pub fn succeeded(&self, trial: Trial) {
        // Loads first: a healthy offer's cache line stays shared between threads.
        let troubled = self.failures.load(Relaxed) != 0 || self.open_until_ms.load(Relaxed) != 0;
        if troubled && trial.age == self.age.load(Relaxed) {
            self.failures.store(0, Relaxed);
            self.openings.store(0, Relaxed);
            self.open_until_ms.store(0, Relaxed);
        }
    }

    /// Counts a failure; `retry_after` is the upstream's own word, which is kept. Calls that fail
    /// together are one reason to open, not many: the bench grows with each failed probe alone.
    pub fn failed(&self, trial: Trial, retry_after: Option<Duration>) {
        if trial.age != self.age.load(Relaxed) {
            return;
        }
        let failures = self.failures.fetch_add(1, Relaxed) + 1;
        let is_open = self.open_until_ms.load(Relaxed) != 0;
        let opens = match is_open {
            true => trial.is_probe,
            false => failures >= FAILURES,
        };
        if !opens && retry_after.is_none() {
            return;
        }
        let openings = match opens {
            true => self.openings.fetch_add(1, Relaxed),
            false => self.openings.load(Relaxed),
        };
        let doubled = BENCH_FIRST * 2_u32.saturating_pow(openings.min(16));
        let bench = retry_after.unwrap_or(doubled).min(BENCH_LONGEST);
        let until = self.now_ms() + millis(bench).max(1);
        if opens || !is_open {
            self.open_until_ms.store(until, Relaxed);
            self.age.fetch_add(1, Relaxed);
        } else {
            self.open_until_ms.fetch_max(until, Relaxed);
        }
    }

    /// How long this has been watched.
    pub(super) fn now_ms(&self) -> u64 {
        millis(self.born.elapsed())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(breaker: &Breaker) {
        breaker.failed(breaker.begin(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn r5_opens_after_three_failures_and_probes_half_open() {
        let breaker = Breaker::default();
        fails(&breaker);
        fails(&breaker);
        assert_eq!(breaker.standing(), Standing::Closed);
        fails(&breaker);
        assert!(matches!(breaker.standing(), Standing::Open { .. }));
        tokio::time::advance(BENCH_FIRST).await;
        assert_eq!(breaker.standing(), Standing::HalfOpen);
        let probe = breaker.begin();
        assert!(
            matches!(breaker.standing(), Standing::Open { .. }),
            "one probe at a time"
        );
        breaker.succeeded(probe);
        assert_eq!(breaker.standing(), Standing::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_probe_benches_for_longer_and_never_for_hours() {
        let breaker = Breaker::default();
        let mut last = 0;
        for _ in 0..40 {
            fails(&breaker);
            if let Standing::Open { for_ms } = breaker.standing() {
                assert!(for_ms >= last);
                last = for_ms;
                tokio::time::advance(Duration::from_millis(for_ms)).await;
            }
        }
        assert_eq!(last, millis(BENCH_LONGEST));
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_is_honoured_from_the_first_failure() {
        let breaker = Breaker::default();
        breaker.failed(breaker.begin(), Some(Duration::from_secs(2)));
        assert_eq!(breaker.standing(), Standing::Open { for_ms: 2000 });
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_began_before_a_retry_after_do_not_end_it() {
        let breaker = Breaker::default();
        let before = breaker.begin();
        breaker.failed(breaker.begin(), Some(Duration::from_secs(30)));
        breaker.succeeded(before);
        assert_eq!(breaker.standing(), Standing::Open { for_ms: 30_000 });
        // One that was asked meanwhile, because nobody else was there, and was answered, does.
        breaker.succeeded(breaker.begin());
        assert_eq!(breaker.standing(), Standing::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_are_cut_together_bench_once() {
        let breaker = Breaker::default();
        let running: Vec<Trial> = (0..50).map(|_| breaker.begin()).collect();
        for trial in running {
            breaker.failed(trial, None);
        }
        let first = millis(BENCH_FIRST);
        assert_eq!(breaker.standing(), Standing::Open { for_ms: first });
        for _ in 0..50 {
            fails(&breaker);
        }
        let meanwhile = breaker.standing();
        assert_eq!(meanwhile, Standing::Open { for_ms: first }, "no probe");
        tokio::time::advance(BENCH_FIRST).await;
        fails(&breaker);
        assert_eq!(breaker.standing(), Standing::Open { for_ms: 2 * first });
    }
}
