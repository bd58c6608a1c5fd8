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

impl Default for Breaker {
    fn default() -> Self {
        Self {
            born: Instant::now(),
            failures: AtomicU32::new(0),
            openings: AtomicU32::new(0),
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

    /// A call takes the place of the probe: until it ends, others see the breaker as open.
    pub fn begin(&self) {
        let until = self.open_until_ms.load(Relaxed);
        if until != 0 && until <= self.now_ms() {
            let probe_until = self.now_ms() + millis(BENCH_FIRST);
            let _ = self
                .open_until_ms
                .compare_exchange(until, probe_until, Relaxed, Relaxed);
        }
    }

    pub fn succeeded(&self) {
        // Loads first: a healthy offer's cache line stays shared between threads.
        if self.failures.load(Relaxed) != 0 || self.open_until_ms.load(Relaxed) != 0 {
            self.failures.store(0, Relaxed);
            self.openings.store(0, Relaxed);
            self.open_until_ms.store(0, Relaxed);
        }
    }

    /// Counts a failure; `retry_after` is the upstream's own word, which is kept.
    pub fn failed(&self, retry_after: Option<Duration>) {
        let failures = self.failures.fetch_add(1, Relaxed) + 1;
        let was_open = self.open_until_ms.load(Relaxed) != 0;
        if failures < FAILURES && !was_open && retry_after.is_none() {
            return;
        }
        let openings = self.openings.fetch_add(1, Relaxed);
        let doubled = BENCH_FIRST * 2_u32.saturating_pow(openings.min(16));
        let bench = retry_after.unwrap_or(doubled).min(BENCH_LONGEST);
        self.open_until_ms
            .store(self.now_ms() + millis(bench).max(1), Relaxed);
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

    #[tokio::test(start_paused = true)]
    async fn r5_opens_after_three_failures_and_probes_half_open() {
        let breaker = Breaker::default();
        breaker.failed(None);
        breaker.failed(None);
        assert_eq!(breaker.standing(), Standing::Closed);
        breaker.failed(None);
        assert!(matches!(breaker.standing(), Standing::Open { .. }));
        tokio::time::advance(BENCH_FIRST).await;
        assert_eq!(breaker.standing(), Standing::HalfOpen);
        breaker.begin();
        assert!(
            matches!(breaker.standing(), Standing::Open { .. }),
            "one probe at a time"
        );
        breaker.succeeded();
        assert_eq!(breaker.standing(), Standing::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_probe_benches_for_longer_and_never_for_hours() {
        let breaker = Breaker::default();
        let mut last = 0;
        for _ in 0..40 {
            breaker.failed(None);
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
        breaker.failed(Some(Duration::from_secs(2)));
        assert_eq!(breaker.standing(), Standing::Open { for_ms: 2000 });
    }
}
