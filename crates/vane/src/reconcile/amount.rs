//! Amounts of other programs as ours, and how far two may lie apart.

use vane_catalog::Money;

/// Decimals of a dollar that a pico-dollar holds.
const DIGITS: usize = 12;

/// Dollars from a decimal number, also with an exponent, as programs that reckon in floats write
/// them; rounded half up (away from zero) to a pico-dollar.
pub(super) fn dollars_half_up(text: &str) -> Option<Money> {
    let text = text.trim().trim_start_matches('$');
    let (negative, text) = text
        .strip_prefix('-')
        .map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || digits.len() > 60 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let kept = point.checked_add(i32::try_from(DIGITS).ok()?)?;
    // Digits that count; one more decides how they are rounded.
    let mut pico: i64 = 0;
    for at in 0..kept.max(0) {
        let digit = usize::try_from(at).ok().and_then(|at| digits.get(at));
        let digit = i64::from(digit.map_or(0, |digit| digit - b'0'));
        pico = pico.checked_mul(10)?.checked_add(digit)?;
        if at > 80 {
            return (pico == 0).then_some(Money::ZERO);
        }
    }
    let next = usize::try_from(kept).ok().and_then(|at| digits.get(at));
    if next.is_some_and(|digit| *digit >= b'5') {
        pico = pico.checked_add(1)?;
    }
    Some(Money::from_pico(if negative { -pico } else { pico }))
}

/// How far two numbers may lie apart: thousandths of a percent of the provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerance(u32);

impl Tolerance {
    /// Reads a percentage with up to three decimals, such as `0.5`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('%').unwrap_or(text);
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 3 {
            return None;
        }
        let thousandths = format!("{whole}{fraction:0<3}").parse().ok()?;
        (thousandths <= 100_000).then_some(Self(thousandths))
    }

    /// Whether `ours` lies further from `theirs` than that.
    pub(super) fn is_exceeded(self, ours: i128, theirs: i128) -> bool {
        let apart = (ours - theirs).abs().saturating_mul(100_000);
        apart > theirs.abs().saturating_mul(i128::from(self.0))
    }
}

/// How far `ours` lies from `theirs`, in percent with one decimal, rounded half up.
pub(super) fn percent_half_up(ours: i128, theirs: i128) -> Option<String> {
    let base = theirs.abs();
    if base == 0 {
        return None;
    }
    let apart = (ours - theirs).abs().checked_mul(2_000)?;
    let tenths = (apart + base) / (base * 2);
    let sign = if ours < theirs { '-' } else { '+' };
    Some(format!("{sign}{}.{}%", tenths / 10, tenths % 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_of_floats_are_exact_or_rounded_half_up() {
        for (text, pico) in [
            ("0.8958740000000000", Some(895_874_000_000)),
            ("0.06000000000000001", Some(60_000_000_000)),
            ("1.2345e-05", Some(12_345_000)),
            ("5e-13", Some(1)),
            ("4.9e-13", Some(0)),
            ("$12", Some(12_000_000_000_000)),
            ("-0.5", Some(-500_000_000_000)),
            ("1e-300", Some(0)),
            ("0e300", Some(0)),
            ("1e300", None),
            ("9999999999", None),
            ("1e2147483647", None),
            ("", None),
            ("1,5", None),
            ("NaN", None),
        ] {
            assert_eq!(dollars_half_up(text), pico.map(Money::from_pico), "{text}");
        }
    }

    #[test]
    fn a_tolerance_is_exceeded_beyond_it_and_not_at_it() {
        let half = Tolerance::parse("0.5").unwrap();
        assert!(!half.is_exceeded(1_005, 1_000) && half.is_exceeded(1_006, 1_000));
        assert!(half.is_exceeded(1, 0) && !half.is_exceeded(0, 0));
        assert_eq!(Tolerance::parse("1%"), Tolerance::parse("1.000"));
        for text in ["", "-1", "x", "1.0001", "101", ".5", "1."] {
            assert_eq!(Tolerance::parse(text), None, "{text}");
        }
        assert_eq!(percent_half_up(1_005, 1_000).unwrap(), "+0.5%");
        assert_eq!(percent_half_up(0, 7).unwrap(), "-100.0%");
        assert_eq!(percent_half_up(1, 0), None);
    }
}
