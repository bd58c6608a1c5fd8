//! Between amounts of the books and the whole cents in which people pay.

use vane_catalog::Money;

use crate::config::Payments;

const PICO_PER_CENT: i64 = 10_000_000_000;
/// A percentage is kept like an amount: one percent is one dollar's worth of pico-dollars.
const PICO_PER_ONE: i128 = 1_000_000_000_000;

#[must_use]
pub fn is_whole_cents(amount: Money) -> bool {
    amount.pico() % PICO_PER_CENT == 0
}

/// Whole cents; `None` for what is none.
pub(super) fn cents(amount: Money) -> Option<i64> {
    is_whole_cents(amount).then(|| amount.pico() / PICO_PER_CENT)
}

/// An amount that a provider names in cents; `None` if it is none that the books could hold.
pub(super) fn of_cents(cents: i64) -> Option<Money> {
    let pico = cents.checked_mul(PICO_PER_CENT)?;
    (pico >= 0).then(|| Money::from_pico(pico))
}

/// What is paid on top of `amount`; `None` if that is more than can be.
#[must_use]
pub fn fee(payments: &Payments, amount: Money) -> Option<Money> {
    let share = percent_rounded_up_to_cents(amount, payments.fee_percent)?;
    let fee = share.checked_add(payments.fee_fixed)?;
    // Both together must still be payable.
    amount.checked_add(fee).map(|_| fee)
}

fn percent_rounded_up_to_cents(amount: Money, percent: Money) -> Option<Money> {
    let exact = i128::from(amount.pico()).checked_mul(i128::from(percent.pico()))?;
    let per_cent = 100 * PICO_PER_ONE * i128::from(PICO_PER_CENT);
    let whole = exact / per_cent + i128::from(exact % per_cent > 0);
    of_cents(i64::try_from(whole).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    #[test]
    fn a_percentage_is_rounded_up_to_the_cent() {
        for (amount, percent, expected) in [
            ("25", "0", "0"),
            ("25", "5", "1.25"),
            ("25", "2.9", "0.73"),
            ("10", "2.9", "0.29"),
            ("0.01", "0.000000000001", "0.01"),
            ("999999", "100", "999999"),
            ("1000", "5.5", "55"),
        ] {
            let share = percent_rounded_up_to_cents(usd(amount), usd(percent));
            assert_eq!(share, Some(usd(expected)), "{percent} % of {amount}");
        }
    }

    #[test]
    fn cents_are_whole_and_never_below_zero() {
        assert_eq!(cents(usd("25.01")), Some(2_501));
        assert_eq!(cents(usd("25.001")), None);
        assert_eq!(of_cents(2_501), Some(usd("25.01")));
        assert_eq!(of_cents(-1), None);
        assert_eq!(of_cents(i64::MAX), None);
    }
}
