//! The time, in unix seconds, and the time that has passed.
//!
//! The only place that asks the system for it. Everything else takes `now` as an argument, or a
//! `Clock` that a test can hold still.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Real time, or time that stands still until it is moved.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    pub fn manual(now: i64) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(now)))
    }

    /// Unix seconds. A machine whose clock stands before 1970 is taken to be at 1970.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the Clock that others must ask"
    )]
    pub fn now(&self) -> i64 {
        match self {
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| {
                    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
                }),
            Self::Manual(now) => now.load(Ordering::Relaxed),
        }
    }

    /// The time at which a test holds the clock still: another program must be told it, and knows
    /// the real one by itself.
    pub fn held(&self) -> Option<i64> {
        match self {
            Self::System => None,
            Self::Manual(now) => Some(now.load(Ordering::Relaxed)),
        }
    }

    /// Time since some moment of this process. It never goes back and never jumps, whatever is
    /// done to the machine's clock: what lasts a minute is measured with it.
    pub fn elapsed(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        match self {
            Self::System => START.get_or_init(Instant::now).elapsed(),
            Self::Manual(now) => {
                let now = now.load(Ordering::Relaxed);
                Duration::from_secs(u64::try_from(now).unwrap_or(0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(1_000);
        assert_eq!(clock.clone().now(), 1_000);
        let Clock::Manual(hand) = &clock else {
            panic!("made manual")
        };
        hand.store(2_000, Ordering::Relaxed);
        assert_eq!(clock.now(), 2_000);
        assert_eq!(clock.elapsed(), Duration::from_secs(2_000));
        assert_eq!((clock.held(), Clock::System.held()), (Some(2_000), None));
    }

    #[test]
    fn what_has_passed_never_goes_back() {
        let first = Clock::System.elapsed();
        assert!(Clock::System.elapsed() >= first);
    }
}
