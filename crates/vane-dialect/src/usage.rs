//! What an answer used, as disjoint counts.
//!
//! Providers count differently: OpenAI-style `prompt_tokens` includes cached tokens, Anthropic's
//! `input_tokens` does not. Every decoder makes its counts disjoint, so that a sum of the fields
//! is never more than the provider's own total and no price is applied to a token twice.

/// Token counts of one answer. The fields do not overlap, except that `reasoning` is a part of
/// `output`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens billed at the full rate.
    pub input_uncached: u64,
    /// Input tokens read from the provider's prompt cache.
    pub cache_read: u64,
    /// Input tokens written to the cache for the provider's default lifetime (5 minutes at
    /// Anthropic).
    pub cache_write: u64,
    /// Input tokens written to the cache for an hour.
    pub cache_write_1h: u64,
    /// All output tokens, reasoning included.
    pub output: u64,
    /// The part of `output` that was reasoning.
    pub reasoning: u64,
    /// Billed units that are not tokens.
    pub units: Units,
    /// What the answer said about how it was served; it picks the rate.
    pub served: Served,
}

/// Billed units that are not tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Units {
    pub web_searches: u64,
    pub images: u64,
}

/// How the provider says it served the call. Rates differ by it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Served {
    pub tier: Tier,
    pub region: Region,
    pub fast: bool,
}

/// The service tier of an ANSWER (never of the request).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tier {
    #[default]
    Standard,
    Flex,
    Priority,
    Batch,
}

/// The inference region of an answer, where it changes the price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Region {
    #[default]
    Global,
    Us,
    Eu,
}

impl Usage {
    /// All input tokens, cached or not.
    #[must_use]
    pub fn input_total(&self) -> u64 {
        self.input_uncached
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write)
            .saturating_add(self.cache_write_1h)
    }

    /// Counts from a provider whose prompt total includes its cached tokens. Parts that exceed
    /// the total are cut to it: a lying count must never make another bucket negative.
    #[must_use]
    pub fn from_inclusive(prompt: u64, read: u64, written: u64, output: u64, reasoning: u64) -> Self {
        let cache_read = read.min(prompt);
        let cache_write = written.min(prompt.saturating_sub(cache_read));
        Self {
            input_uncached: prompt.saturating_sub(cache_read).saturating_sub(cache_write),
            cache_read,
            cache_write,
            output,
            reasoning: reasoning.min(output),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m2_parts_larger_than_the_total_never_go_negative() {
        let usage = Usage::from_inclusive(10, 64, 5, 3, 9);
        assert_eq!(usage.input_uncached, 0);
        assert_eq!(usage.cache_read, 10);
        assert_eq!(usage.cache_write, 0);
        assert_eq!(usage.reasoning, 3);
        assert_eq!(usage.input_total(), 10);
    }
}
