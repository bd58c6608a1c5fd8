//! The budget of a lineage of keys. It is a matter of the books: here it is only set and shown.

use vane_catalog::Money;

use crate::book::{Budget, Period, Row};
use crate::error::LedgerError;
use crate::store::{Txn, books};

/// Sets what a lineage may spend in each period; what it spent already counts.
pub(super) fn put(
    txn: Txn<'_>,
    lineage: &str,
    budget: Option<(Money, Period)>,
) -> Result<(), LedgerError> {
    let key = lineage.to_owned();
    let row = match budget {
        Some((amount, period)) => Row::Budget(Budget {
            key,
            amount,
            period,
        }),
        None => Row::NoBudget(key),
    };
    books::put(txn, &row)
}

/// A budget from its columns; both are there or neither is.
pub(super) fn read(
    amount: Option<i64>,
    period: Option<String>,
) -> Result<Option<(Money, Period)>, LedgerError> {
    let read = |(amount, period): (i64, String)| {
        let period = Period::parse(&period).ok_or(LedgerError::Unreadable { what: "period" })?;
        Ok((Money::from_pico(amount), period))
    };
    amount.zip(period).map(read).transpose()
}
