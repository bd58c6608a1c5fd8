//! The budget of a lineage of keys. It is a matter of the books: here it is only set and shown.

use vane_catalog::Money;

use crate::account::AccountId;
use crate::book::{Act, Op, Period};
use crate::error::LedgerError;
use crate::id::new_id;
use crate::store::Store;

/// The instance that operators write as; servers count from one.
const OPERATOR: i64 = 0;

impl Store {
    /// Sets what the lineage of a key may spend in each period; what it spent already counts.
    pub fn set_budget(
        &self,
        account: AccountId,
        id: &str,
        budget: Option<(Money, Period)>,
        now: i64,
    ) -> Result<(), LedgerError> {
        let key = self.read(|txn| super::record::of_account(txn, account, id))?;
        if key.budget == budget {
            return Ok(());
        }
        set(self, &key.lineage, budget, now)
    }
}

pub(super) fn set(
    store: &Store,
    lineage: &str,
    budget: Option<(Money, Period)>,
    now: i64,
) -> Result<(), LedgerError> {
    let op = Op {
        id: new_id()?,
        at: now,
        instance: OPERATOR,
        act: Act::SetBudget {
            key: lineage.to_owned(),
            budget,
        },
    };
    for outcome in store.apply(&[op])? {
        outcome.map_err(LedgerError::Refused)?;
    }
    Ok(())
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
