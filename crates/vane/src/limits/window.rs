//! How much was used in the last minute, in one-second steps.
//!
//! What is counted in a second stays counted until 61 seconds after that second began. So never
//! more than the limit passes in any 60 seconds, wherever they begin, and what is refused would
//! have made more than the limit in 61. A window takes 504 bytes, however much passes through.

use super::headers::Quota;
use std::time::Duration;

/// The running second and the 60 before it.
const STEPS: usize = 61;
const SECONDS: u64 = STEPS as u64;

#[derive(Debug, Clone)]
pub(super) struct Window {
    /// The latest second that anybody asked about.
    newest: u64,
    /// Second `s` counts at `s % SECONDS`.
    counts: [u64; STEPS],
    sum: u64,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            newest: 0,
            counts: [0; STEPS],
            sum: 0,
        }
    }
}

impl Window {
    /// How long until `more` fit below the limit; zero if they do now. `more` must not be above the
    /// limit itself: they would never fit.
    pub(super) fn wait(&mut self, limit: u64, more: u64, now: Duration) -> Duration {
        self.advance(now);
        let mut excess = self.sum.saturating_add(more).saturating_sub(limit);
        for second in self.seconds() {
            if excess == 0 {
                break;
            }
            let leaving = self.counts[slot(second)];
            excess = excess.saturating_sub(leaving);
            if excess == 0 {
                return leaves(second, now);
            }
        }
        Duration::ZERO
    }

    /// Counts `more` now, whether they fit or not; says in which second.
    pub(super) fn add(&mut self, more: u64, now: Duration) -> u64 {
        self.advance(now);
        let count = &mut self.counts[slot(self.newest)];
        *count = count.saturating_add(more);
        self.sum = self.sum.saturating_add(more);
        self.newest
    }

    /// Takes back what was counted in a second, if that is still counted.
    pub(super) fn take_back(&mut self, less: u64, second: u64) {
        if second.saturating_add(SECONDS) > self.newest {
            let count = &mut self.counts[slot(second)];
            let less = less.min(*count);
            *count -= less;
            self.sum = self.sum.saturating_sub(less);
        }
    }

    pub(super) fn quota(&mut self, limit: u64, now: Duration) -> Quota {
        self.advance(now);
        let last = self.seconds().rfind(|s| self.counts[slot(*s)] > 0);
        Quota {
            limit,
            remaining: limit.saturating_sub(self.sum),
            resets_in: last.map_or(Duration::ZERO, |second| leaves(second, now)),
        }
    }

    pub(super) fn is_empty(&mut self, now: Duration) -> bool {
        self.advance(now);
        self.sum == 0
    }

    /// Forgets what has left. An earlier `now` than before, of a thread that was overtaken, counts
    /// as the latest.
    fn advance(&mut self, now: Duration) {
        let now = now.as_secs();
        let passed = now.saturating_sub(self.newest).min(SECONDS);
        for second in now.saturating_sub(passed) + 1..=now {
            self.sum -= std::mem::take(&mut self.counts[slot(second)]);
        }
        self.newest = self.newest.max(now);
    }

    /// The seconds that are counted, oldest first.
    fn seconds(&self) -> impl DoubleEndedIterator<Item = u64> + use<> {
        self.newest.saturating_sub(SECONDS - 1)..=self.newest
    }
}

/// How long until what was counted in a second no longer is.
fn leaves(second: u64, now: Duration) -> Duration {
    Duration::from_secs(second.saturating_add(SECONDS)).saturating_sub(now)
}

fn slot(second: u64) -> usize {
    usize::try_from(second % SECONDS).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_window_is_as_large_as_it_says() {
        assert_eq!(size_of::<Window>(), 504);
    }

    #[test]
    fn what_leaves_makes_room_on_the_second() {
        let mut window = Window::default();
        window.add(3, at(10_999));
        window.add(1, at(11_000));
        let waits = |window: &mut Window, more, ms| window.wait(4, more, at(ms));
        assert_eq!(waits(&mut window, 1, 11_500), at(59_500));
        assert_eq!(waits(&mut window, 4, 11_500), at(60_500));
        assert_eq!(waits(&mut window, 1, 70_999), at(1));
        assert_eq!(waits(&mut window, 3, 71_000), Duration::ZERO);
        assert_eq!(waits(&mut window, 4, 71_000), at(1_000));
        assert_eq!(waits(&mut window, 4, 72_000), Duration::ZERO);
        assert!(window.is_empty(at(72_000)));
    }

    #[test]
    fn what_is_taken_back_late_takes_nothing_of_others() {
        let mut window = Window::default();
        let second = window.add(10, at(0));
        window.take_back(4, second);
        assert_eq!(window.quota(10, at(60_999)).remaining, 4);
        window.add(5, at(61_000));
        window.take_back(6, second);
        let quota = window.quota(10, at(61_000));
        assert_eq!((quota.remaining, quota.resets_in), (5, at(61_000)));
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_the_limit_and_no_refusal_is_without_reason(
            limit in 1_u64..40,
            calls in prop::collection::vec((0_u64..9_000, 1_u64..12), 1..300),
        ) {
            let mut window = Window::default();
            let mut log: Vec<(u64, u64)> = Vec::new();
            let mut now = 0;
            for (pause, asked) in calls {
                // Long silences, too, now and then.
                now += if pause % 97 == 0 { pause * 20 } else { pause / 4 };
                let more = asked.min(limit);
                let since = |ms: u64| -> u64 {
                    log.iter().filter(|(at, _)| at + ms >= now).map(|(_, n)| n).sum()
                };
                let wait = window.wait(limit, more, at(now));
                if wait.is_zero() {
                    prop_assert!(since(60_000) + more <= limit, "{} ms", now);
                    window.add(more, at(now));
                    log.push((now, more));
                } else {
                    prop_assert!(since(61_000) + more > limit, "{} ms", now);
                    let mut later = window.clone();
                    prop_assert!(!later.wait(limit, more, at(now) + wait - at(1)).is_zero());
                    prop_assert!(later.wait(limit, more, at(now) + wait).is_zero());
                }
                let quota = window.quota(limit, at(now));
                prop_assert!(quota.remaining >= limit - since_of(&log, now, 61_000).min(limit));
                prop_assert!(quota.remaining <= limit - since_of(&log, now, 60_000).min(limit));
                prop_assert!(window.clone().is_empty(at(now) + quota.resets_in));
            }
        }

        #[test]
        fn any_order_of_instants_is_survived(
            steps in prop::collection::vec((0_u64..200_000, 0_u64..9, any::<bool>()), 0..200),
        ) {
            let mut window = Window::default();
            let mut seconds = vec![0];
            for (ms, n, add) in steps {
                if add {
                    seconds.push(window.add(n, at(ms)));
                } else {
                    let second = seconds[usize::try_from(ms).unwrap() % seconds.len()];
                    window.take_back(n, second);
                }
                prop_assert_eq!(window.sum, window.counts.iter().sum::<u64>());
            }
        }
    }

    /// What a log says of the last milliseconds, both ends included.
    fn since_of(log: &[(u64, u64)], now: u64, ms: u64) -> u64 {
        let recent = log.iter().filter(|(at, _)| at + ms >= now);
        recent.map(|(_, n)| n).sum()
    }
}
