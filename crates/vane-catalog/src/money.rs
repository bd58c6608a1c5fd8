//! Amounts of money, in whole pico-dollars.
//!
//! One unit is 1e-12 USD, so a token count times a price per million tokens is exact. Invariant:
//! no float touches money; sums and products are checked; the only rounding is for display, in
//! functions whose names or docs say how they round.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::decimal::{self, DecimalError};

/// Pico-dollars in a dollar.
const PICO_PER_USD: u64 = 1_000_000_000_000;

/// Fractional digits that a pico-dollar can hold.
const DIGITS: u32 = 12;

/// An amount of money: `i64` pico-dollars, at most $9.22 million either way. It is that whole
/// number where it is serialised, for our own files; what others read has the decimal text.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Money(i64);

impl Money {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn from_pico(pico: i64) -> Self {
        Self(pico)
    }

    #[must_use]
    pub const fn pico(self) -> i64 {
        self.0
    }

    /// Reads a decimal amount of dollars: `12`, `0.00075`, `-3.5`.
    ///
    /// # Errors
    /// When the text is no plain decimal, has digits below a pico-dollar, or is out of range.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let size = decimal::parse(digits, DIGITS)?;
        Ok(Self(if negative { -size } else { size }))
    }

    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The sum, computed in `i128`, or nothing when it does not fit.
    pub fn checked_sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let total: i128 = amounts.into_iter().map(|amount| i128::from(amount.0)).sum();
        i64::try_from(total).ok().map(Self)
    }

    /// What people read: dollars with four decimals, rounded half away from zero, so that
    /// 0.00075 reads `$0.0008` and 0.000225 reads `$0.0002`.
    #[must_use]
    pub fn display_cost(self) -> String {
        const STEP: u64 = PICO_PER_USD / 10_000;
        let steps = self.0.unsigned_abs().saturating_add(STEP / 2) / STEP;
        let sign = if self.0 < 0 && steps > 0 { "-" } else { "" };
        format!("{sign}${}.{:04}", steps / 10_000, steps % 10_000)
    }
}

/// The exact decimal digits and nothing else, fit for a JSON number: `0.00075`, `12`, `-3.5`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        decimal::write(f, self.0.unsigned_abs(), DIGITS, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::Money;

    fn usd(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    #[test]
    fn decimal_text_goes_in_and_comes_out_exactly() {
        for text in [
            "0",
            "0.00075",
            "0.000000000001",
            "12",
            "12.5",
            "-3.5",
            "9223372.036854775807",
        ] {
            assert_eq!(usd(text).to_string(), text);
        }
        assert_eq!(usd("1.50").to_string(), "1.5");
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            "-",
            ".5",
            "1.",
            "1e3",
            "+1",
            "1,5",
            "0.0000000000001",
            "9223373",
            "٣",
        ] {
            assert!(Money::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn costs_are_shown_with_four_decimals_rounded_half_up() {
        for (exact, shown) in [
            ("0.00075", "$0.0008"),
            ("0.00125", "$0.0013"),
            ("0.000225", "$0.0002"),
            ("0.00015", "$0.0002"),
            ("0.0045", "$0.0045"),
            ("0.0003", "$0.0003"),
            ("0.0014", "$0.0014"),
            ("0.00004999", "$0.0000"),
            ("2", "$2.0000"),
            ("-0.00075", "-$0.0008"),
            ("-0.00001", "$0.0000"),
        ] {
            assert_eq!(usd(exact).display_cost(), shown, "{exact}");
        }
    }

    #[test]
    fn sums_that_do_not_fit_are_none() {
        let most = Money::from_pico(i64::MAX);
        assert_eq!(most.checked_add(Money::from_pico(1)), None);
        assert_eq!(Money::checked_sum([most, most]), None);
        assert_eq!(
            Money::checked_sum([most, most, Money::from_pico(-i64::MAX)]),
            Some(most)
        );
    }
}
