//! The rates of one offer, as the catalogue's data writes them.
//!
//! The same types read a row of the catalogue and the row that a ledger keeps for a receipt, so
//! that an old charge is recomputed by the code that made it. Invariant: unknown keys and numbers
//! that are not decimal text do not parse.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::off_peak::OffPeak;
use crate::per_use::PerUse;
use crate::rate::{Factor, Rate};

/// Everything that decides what a token of this offer costs.
///
/// A missing cache rate is the input rate: an unknown discount is not given, and a provider that
/// charges nothing extra for a write charges input. A missing reasoning rate is the output rate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    pub input: Rate,
    pub output: Rate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<Rate>,
    /// Writes of the provider's default lifetime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_5m: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_12h: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_input: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_output: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_cache_read: Option<Rate>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<LongContext>,
    #[serde(default, skip_serializing_if = "ServiceTiers::is_empty")]
    pub service_tiers: ServiceTiers,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_peak: Option<OffPeak>,
    /// Region -> factor on every rate. `regional` means any region that is not global.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub regional_multiplier: BTreeMap<RegionName, Factor>,
    /// What is billed by the piece.
    #[serde(default, skip_serializing_if = "PerUse::is_empty")]
    pub per_use: PerUse,
}

/// The rates of a whole call whose input is longer than `above_input_tokens`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongContext {
    pub above_input_tokens: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_5m: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_12h: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_input: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_output: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_cache_read: Option<Rate>,
}

/// The rates of answers that say they were served at another tier or speed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceTiers {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flex: Option<ServiceTier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<ServiceTier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ultrafast: Option<ServiceTier>,
}

impl ServiceTiers {
    fn is_empty(&self) -> bool {
        self.flex.is_none() && self.priority.is_none() && self.ultrafast.is_none()
    }
}

/// The rates of one service tier.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceTier {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<Rate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Rate>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<LongContext>,
}

/// Where an answer was computed, as a price list names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegionName {
    Us,
    Eu,
    Regional,
}

impl Rates {
    /// Rates of one input and one output price and nothing else.
    #[must_use]
    pub fn flat(input: Rate, output: Rate) -> Self {
        Self {
            input,
            output,
            ..Self::default()
        }
    }

    /// Whether everything is priced at nothing, as it must be where an offer says `free`.
    #[must_use]
    pub fn are_zero(&self) -> bool {
        self.input.is_zero() && self.output.is_zero() && self.per_use.are_zero()
    }

    /// Whether there are calls that cost nothing, which only an offer that says `free` may have. A
    /// fee for what a call need not use, such as a search, is no price beside tokens of zero; one for
    /// each request is.
    #[must_use]
    pub fn may_cost_nothing(&self) -> bool {
        self.input.is_zero() && self.output.is_zero() && !self.per_use.bills_every_request()
    }
}

/// The entry for the longest threshold that `input_tokens` exceeds.
pub(crate) fn long_context(tiers: &[LongContext], input_tokens: u64) -> Option<&LongContext> {
    tiers
        .iter()
        .filter(|tier| input_tokens > tier.above_input_tokens)
        .max_by_key(|tier| tier.above_input_tokens)
}
