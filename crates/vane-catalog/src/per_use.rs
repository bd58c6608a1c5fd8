//! What a piece costs that is no token: a search, an image, a request.
//!
//! A unit that is not named is not priced, and a call that would use it is refused; zero says
//! that the provider takes nothing more for it. Fees are not touched by regions, tiers and hours:
//! providers scale the prices of tokens with those, and nothing else.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use vane_dialect::usage::{SearchContext, Unit, Units};

use crate::cost::Unpriced;
use crate::decimal::{self, DecimalError};
use crate::money::Money;
use crate::rate::Rate;

const CONTEXTS: [SearchContext; 3] = [
    SearchContext::Low,
    SearchContext::Medium,
    SearchContext::High,
];

/// The fee of each unit that has one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PerUse(BTreeMap<Unit, Fee>);

/// What one use costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fee {
    Flat(UsePrice),
    /// By how much context the search took.
    BySearchContext(ByContext),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByContext {
    pub low: UsePrice,
    pub medium: UsePrice,
    pub high: UsePrice,
}

impl Fee {
    /// The rate of a use: its pico-dollars are for one use here, not for one token.
    #[must_use]
    pub const fn rate(self, context: SearchContext) -> Rate {
        match (self, context) {
            (Self::Flat(price), _) => price.0,
            (Self::BySearchContext(fees), SearchContext::Low) => fees.low.0,
            (Self::BySearchContext(fees), SearchContext::Medium) => fees.medium.0,
            (Self::BySearchContext(fees), SearchContext::High) => fees.high.0,
        }
    }
}

impl PerUse {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn fee(&self, unit: Unit) -> Option<Fee> {
        self.0.get(&unit).copied()
    }

    /// Whether no use costs anything.
    pub(crate) fn are_zero(&self) -> bool {
        self.0
            .values()
            .all(|fee| CONTEXTS.iter().all(|at| fee.rate(*at).is_zero()))
    }

    /// Whether a request costs something by itself, whatever it searches.
    pub(crate) fn bills_every_request(&self) -> bool {
        self.fee(Unit::Request)
            .is_some_and(|fee| CONTEXTS.iter().all(|at| !fee.rate(*at).is_zero()))
    }

    /// These fees, and those of `other` where it states one.
    #[must_use]
    pub fn overlaid(&self, other: &Self) -> Self {
        let mut fees = self.0.clone();
        fees.extend(other.0.iter().map(|(unit, fee)| (*unit, *fee)));
        Self(fees)
    }

    /// What an answer is billed beside its tokens: every priced unit it used, and itself where a
    /// request has a fee.
    pub(crate) fn used(
        &self,
        units: Units,
        context: SearchContext,
    ) -> impl Iterator<Item = (Unit, u64, Rate)> {
        self.0.iter().map(move |(unit, fee)| {
            let count = match unit {
                Unit::Request => 1,
                _ => units.get(*unit),
            };
            (*unit, count, fee.rate(context))
        })
    }

    /// The units that were used and have no fee.
    pub(crate) fn unpriced(&self, units: Units) -> Units {
        let mut unpriced = Units::default();
        for (unit, count) in units.iter().filter(|(unit, _)| self.fee(*unit).is_none()) {
            unpriced.add(unit, count);
        }
        unpriced
    }

    /// The most that these uses can cost, at the dearest context.
    pub(crate) fn ceiling(&self, uses: Units) -> Result<Money, Unpriced> {
        let amounts = self
            .used(uses, SearchContext::High)
            .map(|(_, count, rate)| rate.amount(count).ok_or(Unpriced::TooLarge));
        let amounts: Vec<Money> = amounts.collect::<Result<_, _>>()?;
        Money::checked_sum(amounts).ok_or(Unpriced::TooLarge)
    }
}

impl FromIterator<(Unit, Fee)> for PerUse {
    fn from_iter<I: IntoIterator<Item = (Unit, Fee)>>(fees: I) -> Self {
        Self(fees.into_iter().collect())
    }
}

impl Serialize for PerUse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(unit, fee)| (unit.name(), fee)))
    }
}

impl<'de> Deserialize<'de> for PerUse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fees = BTreeMap::<String, Fee>::deserialize(deserializer)?;
        let known = |(name, fee): (String, Fee)| match Unit::from_name(&name) {
            Some(unit) => Ok((unit, fee)),
            None => Err(D::Error::custom(format_args!("unknown unit {name:?}"))),
        };
        fees.into_iter().map(known).collect()
    }
}

/// USD for one use: up to twelve decimals, so always whole pico-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsePrice(Rate);

/// Decimals of a dollar that a pico-dollar holds.
const DIGITS: u32 = 12;

impl UsePrice {
    /// Reads a price in USD for one use.
    ///
    /// # Errors
    /// When the text is no plain decimal, is finer than a pico-dollar, or too large.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        decimal::parse(text, DIGITS).map(|pico| Self(Rate::from_pico(pico)))
    }
}

impl fmt::Display for UsePrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal::write(f, self.0.pico_per_token().unsigned_abs(), DIGITS, 0)
    }
}

impl Serialize for UsePrice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UsePrice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(crate::rate::Decimal(
            "a price in USD for one use",
            Self::parse,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::{PerUse, UsePrice};
    use vane_dialect::usage::{SearchContext, Unit};

    #[test]
    fn fees_are_read_exactly_and_written_as_they_were() {
        let text =
            r#"{"request":{"low":"0.005","medium":"0.008","high":"0.012"},"web_search":"0"}"#;
        let fees: PerUse = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&fees).unwrap(), text);
        let request = fees.fee(Unit::Request).unwrap();
        let pico = |context| request.rate(context).pico_per_token();
        assert_eq!(pico(SearchContext::Low), 5_000_000_000);
        assert_eq!(pico(SearchContext::High), 12_000_000_000);
        assert!(fees.fee(Unit::Image).is_none() && !fees.are_zero());
    }

    #[test]
    fn what_is_no_unit_or_no_text_is_refused() {
        for wrong in [
            r#"{"searches":"0.01"}"#,
            r#"{"web_search":0.01}"#,
            r#"{"web_search":"-0.01"}"#,
            r#"{"request":{"low":"0.005"}}"#,
        ] {
            assert!(serde_json::from_str::<PerUse>(wrong).is_err(), "{wrong}");
        }
        assert!(UsePrice::parse("0.0000000000001").is_err());
    }
}
