//! When the journal is told of a running call, which bounds what a crash loses of it.
//!
//! Invariant: between two notes there is no more output than a step, and no more time than
//! [`NOTED_EVERY`]. Calls that began together and run alike are not noted in the same moment: a
//! thousand notes at once would hold up every stream of their thread.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

/// Output bytes of a call whose money is limited, and of others.
const NOTED_BYTES: u64 = 256;
const NOTED_BYTES_METERED: u64 = 2_048;
/// A stream that is slower than that is noted this often.
const NOTED_EVERY: Duration = Duration::from_secs(5);

/// What of a call was noted.
#[derive(Debug, Default)]
pub(super) struct Noted {
    /// Its output, in bytes.
    bytes: u64,
    /// Once there is output: how much of it, or which instant, is to be noted next.
    next: Option<(u64, Instant)>,
}

impl Noted {
    /// The present moment, if so much output is to be noted in it. Then it counts as noted.
    pub(super) fn due(&mut self, output: u64, is_limited: bool) -> Option<Instant> {
        if output <= self.bytes {
            return None;
        }
        let now = Instant::now();
        let step = match is_limited {
            true => NOTED_BYTES,
            false => NOTED_BYTES_METERED,
        };
        let (bytes, at) = *self.next.get_or_insert_with(|| first(step, now));
        if output < bytes && now < at {
            return None;
        }
        self.bytes = output;
        self.next = Some((output.saturating_add(step), now + NOTED_EVERY));
        Some(now)
    }
}

/// Somewhere within the first step, evenly over calls.
fn first(step: u64, now: Instant) -> (u64, Instant) {
    /// The golden ratio of 2^32: its multiples are spread evenly, however many there are.
    const STRIDE: u32 = 0x9e37_79b9;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let part = NEXT.fetch_add(STRIDE, Relaxed);
    let after = NOTED_EVERY.mul_f64(f64::from(part) / f64::from(u32::MAX));
    ((step * u64::from(part)) >> 32, now + after)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of a thousand calls that run alike, and write so much every 100 ms, are noted in
    /// each 100 ms of 20 seconds.
    async fn noted(bytes: u64, is_limited: bool) -> Vec<u64> {
        let mut calls: Vec<Noted> = Vec::new();
        calls.resize_with(1_000, Noted::default);
        let mut all = Vec::new();
        for nth in 1..=200 {
            tokio::time::advance(Duration::from_millis(100)).await;
            let due = |call: &mut Noted| call.due(bytes * nth, is_limited).is_some();
            all.push(calls.iter_mut().map(due).map(u64::from).sum());
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn r11_streams_that_run_alike_are_not_noted_at_once() {
        // By time: 5 s are 50 times 100 ms.
        let slow = noted(10, false).await;
        assert!(slow.iter().all(|count| *count <= 40), "{slow:?}");
        // By output: a step is 20 times 100 ms.
        let fast = noted(102, false).await;
        assert!(fast.iter().all(|count| *count <= 80), "{fast:?}");
        assert!(fast.iter().skip(20).all(|count| *count > 0), "{fast:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn m6_no_more_than_a_step_goes_unnoted() {
        for (is_limited, step) in [(true, NOTED_BYTES), (false, NOTED_BYTES_METERED)] {
            let (mut call, mut last) = (Noted::default(), 0);
            for output in 1..20_000 {
                if call.due(output, is_limited).is_some() {
                    assert!(output - last <= step, "{output} after {last}");
                    last = output;
                }
            }
            assert!(20_000 - last <= step);
        }
        let mut call = Noted::default();
        let mut last = Instant::now();
        for output in 1..100 {
            tokio::time::advance(Duration::from_millis(500)).await;
            if let Some(now) = call.due(output, false) {
                assert!(now - last <= NOTED_EVERY);
                last = now;
            }
        }
        assert_eq!(call.due(call.bytes, false), None, "nothing new");
    }
}
