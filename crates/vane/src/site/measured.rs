//! What this server measured of an offer: filled from its own traffic, or absent.
//!
//! Invariant: a figure here was measured by this instance. Without traffic there is none, and
//! pages say so; zero is never written for unknown.

/// Figures of one offer over a day.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub first_token_ms_p50: u64,
    pub first_token_ms_p95: u64,
    pub tokens_per_second: u64,
    /// Calls that were answered, of ten thousand.
    pub answered_per_10_000: u64,
}

impl Measured {
    /// `98.7%`, rounded down: a hundred percent is said of nothing that ever failed.
    #[must_use]
    pub fn uptime(&self) -> String {
        let tenths = self.answered_per_10_000.min(10_000) / 10;
        format!("{}.{}%", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::Measured;

    #[test]
    fn uptime_is_rounded_down() {
        let of = |answered_per_10_000| Measured {
            first_token_ms_p50: 1,
            first_token_ms_p95: 2,
            tokens_per_second: 3,
            answered_per_10_000,
        };
        assert_eq!(of(9_999).uptime(), "99.9%");
        assert_eq!(of(10_000).uptime(), "100.0%");
    }
}
