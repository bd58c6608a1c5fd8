//! What this server measured of an offer: filled from its own traffic, or absent.
//!
//! Invariant: a figure here was measured by this server, all its replicas together. Without
//! traffic there is none, and pages say so; zero is never written for unknown.

use super::seen::Sums;

/// Figures of one offer over some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// Half of the streams, and nineteen of twenty, began within; absent where none did.
    pub first_token_ms: Option<(u64, u64)>,
    /// Of half of the answers, from the request to their end; absent where there was none.
    pub tokens_per_second: Option<u64>,
    /// Attempts that the provider did not fail, of ten thousand.
    pub answered_per_10_000: u64,
    pub asked: u64,
    /// By the provider's fault.
    pub failed: u64,
}

impl Measured {
    /// Nothing where nobody was asked.
    #[must_use]
    pub fn of(sums: &Sums) -> Option<Self> {
        let well = sums
            .asked
            .saturating_sub(sums.failed)
            .saturating_mul(10_000);
        Some(Self {
            first_token_ms: sums.first.percentile(50).zip(sums.first.percentile(95)),
            tokens_per_second: sums.pace.percentile(50),
            answered_per_10_000: well.checked_div(sums.asked)?,
            asked: sums.asked,
            failed: sums.failed,
        })
    }

    /// `98.7%`, rounded down: a hundred percent is said of nothing that ever failed.
    #[must_use]
    pub fn uptime(&self) -> String {
        let tenths = self.answered_per_10_000.min(10_000) / 10;
        format!("{}.{}%", tenths / 10, tenths % 10)
    }

    /// `120 / 310 ms`.
    #[must_use]
    pub fn first_token(&self) -> String {
        let said = |(p50, p95)| format!("{p50} / {p95} ms");
        self.first_token_ms.map_or_else(none, said)
    }

    /// `120 ms to the first token`.
    #[must_use]
    pub fn latency(&self) -> String {
        let said = |(p50, _)| format!("{p50} ms to the first token");
        self.first_token_ms.map_or_else(none, said)
    }

    #[must_use]
    pub fn pace(&self) -> String {
        self.tokens_per_second.map_or_else(none, |n| n.to_string())
    }
}

/// Others were asked than those of which this is measured, or none was answered.
fn none() -> String {
    "not measured yet".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::Seen;
    use std::time::Duration;

    #[test]
    fn uptime_is_rounded_down() {
        let of = |asked, failed| {
            let sums = Sums {
                asked,
                failed,
                ..Sums::default()
            };
            Measured::of(&sums)
        };
        assert_eq!(of(10_000, 1).unwrap().uptime(), "99.9%");
        assert_eq!(of(7, 0).unwrap().uptime(), "100.0%");
        assert_eq!(of(3, 3).unwrap().uptime(), "0.0%");
        // Taken between an attempt and its end.
        assert_eq!(of(1, 2).unwrap().uptime(), "0.0%");
        assert_eq!(of(7, 0).unwrap().first_token(), "not measured yet");
        assert_eq!(of(7, 0).unwrap().pace(), "not measured yet");
    }

    #[test]
    fn nothing_is_told_of_who_was_not_asked() {
        assert_eq!(Measured::of(&Sums::default()), None);
    }

    #[test]
    fn figures_are_those_of_the_answers() {
        let seen = Seen::default();
        for n in 1..=20 {
            seen.asked();
            seen.first_content(Duration::from_millis(n));
            seen.answered(30, Duration::from_millis(1_500));
        }
        let measured = Measured::of(&seen.take().unwrap()).unwrap();
        assert_eq!(measured.first_token(), "10 / 19 ms");
        assert_eq!(measured.pace(), "21");
    }
}
