//! What one token costs.
//!
//! A price in USD per million tokens, times a million, is pico-dollars per token: a price with up
//! to six decimals is a whole number and every product with a token count is exact. A finer price
//! is refused when it is read, because it could not be billed exactly; public lists hold such
//! digits only where a float left them. Invariant: a rate is never negative.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Money;
use crate::decimal::{self, DecimalError};

/// Decimals of a price per million tokens that a whole pico-dollar per token can hold.
const DIGITS: u32 = 6;

/// Pico-dollars per token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(i64);

impl Rate {
    pub const ZERO: Self = Self(0);

    /// Reads a price in USD per million tokens.
    ///
    /// # Errors
    /// When the text is no plain decimal, is finer than a pico-dollar per token, or too large.
    pub fn parse_per_million(text: &str) -> Result<Self, DecimalError> {
        decimal::parse(text, DIGITS).map(Self)
    }

    pub(crate) const fn from_pico(pico: i64) -> Self {
        Self(pico)
    }

    /// Pico-dollars of one token; of one use, where it is the rate of a use.
    #[must_use]
    pub const fn pico_per_token(self) -> i64 {
        self.0
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Exactly `tokens` times this rate, or nothing when that is more than money can hold.
    #[must_use]
    pub fn amount(self, tokens: u64) -> Option<Money> {
        let pico = i128::from(tokens).checked_mul(i128::from(self.0))?;
        i64::try_from(pico).ok().map(Money::from_pico)
    }

    /// This rate times `factor`, rounded half up to a whole pico-dollar per token. The rate is
    /// scaled, not the amount, so that tokens times rate stays the charge, to the last digit.
    #[must_use]
    pub fn times_half_up(self, factor: Factor) -> Option<Self> {
        let scaled = i128::from(self.0).checked_mul(i128::from(factor.0))?;
        let one = i128::from(Factor::ONE.0);
        i64::try_from((scaled + one / 2) / one).ok().map(Self)
    }

    /// The price per million tokens as people read it: `$0.30`, `$2`, `$0.075`.
    #[must_use]
    pub fn display_price(self) -> String {
        struct Price(Rate);
        impl fmt::Display for Price {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                decimal::write(f, self.0.0.unsigned_abs(), DIGITS, 2)
            }
        }
        format!("${}", Price(self))
    }
}

/// The price per million tokens, exact and without a sign: `0.3`, `2`, `0.075`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal::write(f, self.0.unsigned_abs(), DIGITS, 0)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Decimal(
            "a price per million tokens",
            Self::parse_per_million,
        ))
    }
}

/// A factor of rates, such as 1.1 for a region: millionths, exact as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Factor(i64);

impl Factor {
    pub const ONE: Self = Self(1_000_000);

    /// Reads a decimal factor with up to six decimals.
    ///
    /// # Errors
    /// When the text is no plain decimal, is finer than a millionth, or too large.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        decimal::parse(text, DIGITS).map(Self)
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal::write(f, self.0.unsigned_abs(), DIGITS, 0)
    }
}

impl Serialize for Factor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Factor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Decimal("a decimal factor", Self::parse))
    }
}

/// Reads decimal TEXT only: a JSON number would already have been through a float somewhere.
pub(crate) struct Decimal<T>(
    pub(crate) &'static str,
    pub(crate) fn(&str) -> Result<T, DecimalError>,
);

impl<T> Visitor<'_> for Decimal<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as decimal text", self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.1)(text).map_err(|why| E::custom(format_args!("{text:?} is {why}")))
    }
}

#[cfg(test)]
mod tests {
    use super::{Factor, Rate};
    use crate::decimal::DecimalError;

    fn rate(text: &str) -> Rate {
        Rate::parse_per_million(text).unwrap()
    }

    #[test]
    fn a_price_per_million_is_whole_pico_dollars_per_token() {
        assert_eq!(rate("0.3").pico_per_token(), 300_000);
        assert_eq!(rate("0.003625").pico_per_token(), 3_625);
        assert_eq!(rate("0.9").amount(500).unwrap().to_string(), "0.00045");
        assert_eq!(rate("300").amount(u64::MAX), None);
    }

    #[test]
    fn a_price_finer_than_a_pico_dollar_per_token_is_refused() {
        assert_eq!(
            Rate::parse_per_million("0.0000001"),
            Err(DecimalError::TooFine)
        );
        assert_eq!(rate("0.3000000000"), rate("0.3"));
        assert!(Rate::parse_per_million("-1").is_err());
    }

    #[test]
    fn prices_are_shown_with_two_decimals_or_none_or_all() {
        for (price, shown) in [
            ("0.3", "$0.30"),
            ("2", "$2"),
            ("0.075", "$0.075"),
            ("1.5", "$1.50"),
            ("0", "$0"),
        ] {
            assert_eq!(rate(price).display_price(), shown);
        }
    }

    #[test]
    fn a_factor_is_exact_or_rounded_half_up() {
        let tenth_more = Factor::parse("1.1").unwrap();
        assert_eq!(rate("5").times_half_up(tenth_more), Some(rate("5.5")));
        assert_eq!(
            rate("0.000005").times_half_up(tenth_more),
            Some(rate("0.000006"))
        );
        assert_eq!(
            rate("0.000004").times_half_up(tenth_more),
            Some(rate("0.000004"))
        );
    }

    #[test]
    fn numbers_that_are_not_text_are_refused() {
        assert!(serde_json::from_str::<Rate>("0.3").is_err());
        assert!(serde_json::from_str::<Rate>("\"0.30\"").is_ok());
        assert_eq!(serde_json::to_string(&rate("0.30")).unwrap(), "\"0.3\"");
    }
}
