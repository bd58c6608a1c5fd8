//! What is gone: each opening stands for what usage by hour says that its book had until then.
//!
//! A customer's book lacks so many receipts that were charged so much, the operator's lack the
//! other side of them. Both are reckoned from what is left, so that no opening can be changed, made
//! up or lost alone, and what is gone sums to zero as what is there does.

use std::collections::BTreeMap;

use super::{Halt, broken};
use crate::book::{BookId, BookKind, Opening};
use crate::error::LedgerError;
use crate::store::Txn;
use vane_catalog::Money;

const BY_ACCOUNT: &str = "SELECT account, CAST(sum(calls) AS BIGINT),
    CAST(sum(charged) AS BIGINT), CAST(sum(cost) AS BIGINT) FROM gone_hour GROUP BY account";

/// What is gone of a book before its opening.
pub(super) struct Before {
    amount: i128,
    entries: i64,
}

impl Before {
    pub(super) fn of(opening: &Opening) -> Self {
        Self {
            amount: i128::from(opening.balance.pico()),
            entries: opening.seq,
        }
    }

    /// An entry is not gone.
    pub(super) fn keeps(&mut self, amount: Money) {
        self.amount = self.amount.saturating_sub(i128::from(amount.pico()));
        self.entries = self.entries.saturating_sub(1);
    }
}

/// Calls, and what customers were charged for them.
type Calls = (i64, i128);

pub(super) struct Gone {
    by_account: BTreeMap<i64, Calls>,
    cost: i128,
    /// Of the openings that were met: what providers are owed, and all of it.
    owed: i128,
    sum: i128,
}

impl Gone {
    pub(super) fn read(txn: Txn<'_>) -> Result<Self, LedgerError> {
        let mut gone = Self {
            by_account: BTreeMap::new(),
            cost: 0,
            owed: 0,
            sum: 0,
        };
        txn.each(BY_ACCOUNT, &[], |row| {
            let (charged, cost): (i64, i64) = (row.get(2)?, row.get(3)?);
            let calls = (row.get(1)?, i128::from(charged));
            gone.by_account.insert(row.get(0)?, calls);
            gone.cost = gone.cost.saturating_add(i128::from(cost));
            Ok::<_, LedgerError>(())
        })?;
        Ok(gone)
    }

    /// Takes the opening of a book; says what is wrong with it.
    pub(super) fn take(&mut self, book: BookId, before: &Before) -> Result<(), &'static str> {
        self.sum = self.sum.saturating_add(before.amount);
        let (owner, kind) = (book.0.div_euclid(8), book.0.rem_euclid(8));
        let is = |one: BookKind| one.of(0).0 == kind;
        if is(BookKind::Customer) {
            let (calls, charged) = self.by_account.remove(&owner).unwrap_or_default();
            if calls != before.entries {
                return Err("its opening stands for another number of receipts than are gone");
            }
            if charged.checked_neg() != Some(before.amount) {
                return Err("its opening stands for other charges than are gone");
            }
        } else if is(BookKind::ProviderPayable) {
            self.owed = self.owed.saturating_add(before.amount);
        } else if !is(BookKind::OperatorLoss) {
            return Err("it has no usage, and an opening");
        }
        Ok(())
    }

    /// When all openings were met.
    pub(super) fn end(self) -> Result<(), Halt> {
        let lost = self.by_account.iter().find(|(_, (calls, _))| *calls != 0);
        if let Some((account, (calls, _))) = lost {
            let what = format!("{calls} receipts are gone, and its book has no opening");
            return broken(15, format!("account {account}: {what}"));
        }
        if self.owed != self.cost {
            return broken(
                15,
                "what providers are owed of what is gone is not what that cost",
            );
        }
        if self.sum != 0 {
            return broken(15, "what is gone does not sum to zero over the openings");
        }
        Ok(())
    }
}
