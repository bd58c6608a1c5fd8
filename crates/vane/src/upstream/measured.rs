//! What this server measured of an offer: filled from its own traffic, or absent.
//!
//! Invariant: a figure here was measured by this instance. Without traffic there is none, and
//! pages say so; zero is never written for unknown.

/// Figures of one offer over a day.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Half of the streams, and nineteen of twenty, began within; absent where none did.
    pub first_token_ms: Option<(u64, u64)>,
    /// Of half of the answers, from the request to their end; absent where there was none.
    pub tokens_per_second: Option<u64>,
    /// Attempts that the provider did not fail, of ten thousand.
    pub answered_per_10_000: u64,
}

impl Measured {
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
    use super::Measured;

    #[test]
    fn uptime_is_rounded_down() {
        let of = |answered_per_10_000| Measured {
            first_token_ms: Some((1, 2)),
            tokens_per_second: None,
            answered_per_10_000,
        };
        assert_eq!(of(9_999).uptime(), "99.9%");
        assert_eq!(of(10_000).uptime(), "100.0%");
        assert_eq!(of(10_000).first_token(), "1 / 2 ms");
        assert_eq!(of(10_000).pace(), "not measured yet");
    }
}
