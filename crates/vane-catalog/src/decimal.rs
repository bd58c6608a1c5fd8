//! Plain decimal text to whole units and back, without a float in between.

use std::fmt;

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecimalError {
    /// Not digits with at most one point between them.
    Malformed,
    /// More fractional digits than the unit can hold.
    TooFine,
    /// Larger than the unit can hold.
    TooLarge,
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a plain decimal number such as \"0.30\"",
            Self::TooFine => "more decimals than can be billed exactly",
            Self::TooLarge => "too large",
        })
    }
}

impl std::error::Error for DecimalError {}

/// The number in units of `10^-digits`. Zeros beyond the last digit are ignored.
pub(crate) fn parse(text: &str, digits: u32) -> Result<i64, DecimalError> {
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return Err(DecimalError::Malformed),
        Some(parts) => parts,
        None => (text, ""),
    };
    if whole.is_empty() || !(whole.bytes().chain(fraction.bytes())).all(|b| b.is_ascii_digit()) {
        return Err(DecimalError::Malformed);
    }
    let fraction = fraction.trim_end_matches('0');
    let places = u32::try_from(fraction.len()).map_err(|_| DecimalError::TooFine)?;
    let missing = digits.checked_sub(places).ok_or(DecimalError::TooFine)?;
    let mut units: i64 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        let digit = i64::from(digit - b'0');
        units = units
            .checked_mul(10)
            .and_then(|n| n.checked_add(digit))
            .ok_or(DecimalError::TooLarge)?;
    }
    units
        .checked_mul(10_i64.pow(missing))
        .ok_or(DecimalError::TooLarge)
}

/// The most decimals that any unit has: more do not fit a count of 64 bits.
const DIGITS_MAX: usize = 19;

/// Writes `units` of `10^-digits` exactly, with at least `places_min` decimals unless it is whole.
pub(crate) fn write(
    f: &mut fmt::Formatter<'_>,
    units: u64,
    digits: u32,
    places_min: usize,
) -> fmt::Result {
    let one = 10_u64.pow(digits);
    let (whole, rest) = (units / one, units % one);
    if rest == 0 {
        return write!(f, "{whole}");
    }
    // Every answer has its cost in it: digit by digit is a quarter of what formatting takes.
    let mut fraction = [b'0'; DIGITS_MAX];
    let fraction = &mut fraction[..usize::try_from(digits).unwrap_or_default()];
    let mut left = rest;
    for place in fraction.iter_mut().rev() {
        *place += u8::try_from(left % 10).unwrap_or_default();
        left /= 10;
    }
    let zeros = fraction.iter().rev().take_while(|digit| **digit == b'0');
    let kept = (fraction.len() - zeros.count()).max(places_min);
    let fraction = &fraction[..kept.min(fraction.len())];
    write!(f, "{whole}.")?;
    f.write_str(std::str::from_utf8(fraction).unwrap_or_default())
}
