//! What an answer used, as disjoint counts.
//!
//! Providers count differently: OpenAI-style `prompt_tokens` includes cached tokens, Anthropic's
//! `input_tokens` does not. Every decoder makes its counts disjoint, so that a sum of the fields
//! is never more than the provider's own total and no price is applied to a token twice.

use std::fmt;

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

/// What providers bill beside tokens, by the piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// An answer, where the provider takes a fee for each. Never counted: every answer is one.
    Request,
    WebSearch,
    /// A search of posts on X (xAI).
    XSearch,
    FileSearch,
    /// Code that ran once at the provider.
    CodeRun,
    Image,
    /// A source that a live search used.
    Source,
    /// What was heard of recordings in a request: seconds at Mistral, tokens elsewhere.
    Audio,
    /// Another model that was asked inside the answer, at rates of its own: an advisor, a fallback.
    Iteration,
}

impl Unit {
    pub const ALL: [Self; 9] = [
        Self::Request,
        Self::WebSearch,
        Self::XSearch,
        Self::FileSearch,
        Self::CodeRun,
        Self::Image,
        Self::Source,
        Self::Audio,
        Self::Iteration,
    ];

    /// The word for it in prices, receipts and errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::WebSearch => "web_search",
            Self::XSearch => "x_search",
            Self::FileSearch => "file_search",
            Self::CodeRun => "code_run",
            Self::Image => "image",
            Self::Source => "source",
            Self::Audio => "audio",
            Self::Iteration => "iteration",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.name() == name)
    }
}

/// How many of each unit an answer used, as the provider counts them.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Units([u64; Unit::ALL.len()]);

impl Units {
    /// `count` of one unit.
    #[must_use]
    pub const fn of(unit: Unit, count: u64) -> Self {
        let mut units = [0; Unit::ALL.len()];
        units[unit as usize] = count;
        Self(units)
    }

    #[must_use]
    pub const fn get(self, unit: Unit) -> u64 {
        self.0[unit as usize]
    }

    pub const fn add(&mut self, unit: Unit, count: u64) {
        let slot = &mut self.0[unit as usize];
        *slot = slot.saturating_add(count);
    }

    /// The larger count of each unit: for two tellings of the same uses.
    #[must_use]
    pub fn or_more(mut self, other: Self) -> Self {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = (*mine).max(theirs);
        }
        self
    }

    /// The units that were used.
    pub fn iter(self) -> impl Iterator<Item = (Unit, u64)> {
        Unit::ALL
            .into_iter()
            .zip(self.0)
            .filter(|(_, count)| *count > 0)
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Debug for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self.iter().map(|(unit, count)| (unit.name(), count));
        f.debug_map().entries(used).finish()
    }
}

/// How the provider says it served the call. Rates differ by it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Served {
    pub tier: Tier,
    pub region: Region,
    pub fast: bool,
    /// How much of what a search found went into the answer; Perplexity's fee goes by it.
    pub search_context: SearchContext,
}

/// The service tier of an ANSWER (never of the request).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tier {
    #[default]
    Standard,
    Flex,
    Priority,
    Batch,
    /// The provider counted and takes nothing for it.
    Waived,
}

/// The inference region of an answer, where it changes the price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Region {
    #[default]
    Global,
    Us,
    Eu,
}

/// How much context a search may take. The providers that know the word default to the least.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SearchContext {
    #[default]
    Low,
    Medium,
    High,
}

impl SearchContext {
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "low" => Some(Self::Low),
            "medium" => Some(Self::Medium),
            "high" => Some(Self::High),
            _ => None,
        }
    }
}

impl Usage {
    /// The same counts, as though the answer had been served at the standard tier and speed.
    #[must_use]
    pub fn at_standard(self) -> Self {
        let served = Served {
            tier: Tier::Standard,
            fast: false,
            ..self.served
        };
        Self { served, ..self }
    }

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
    pub fn from_inclusive(
        prompt: u64,
        read: u64,
        written: u64,
        output: u64,
        reasoning: u64,
    ) -> Self {
        let cache_read = read.min(prompt);
        let cache_write = written.min(prompt.saturating_sub(cache_read));
        Self {
            input_uncached: prompt
                .saturating_sub(cache_read)
                .saturating_sub(cache_write),
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

    #[test]
    fn units_are_counted_apart_and_shown_by_name() {
        for (at, unit) in Unit::ALL.into_iter().enumerate() {
            assert_eq!(unit as usize, at, "the place of a unit is its index");
            assert_eq!(Unit::from_name(unit.name()), Some(unit));
        }
        let mut units = Units::of(Unit::WebSearch, 2);
        units.add(Unit::Image, 1);
        units = units.or_more(Units::of(Unit::WebSearch, 3));
        assert_eq!(format!("{units:?}"), r#"{"web_search": 3, "image": 1}"#);
        assert!(Units::of(Unit::Source, 0).is_empty());
    }
}
