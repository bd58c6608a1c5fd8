//! Money set aside for one call. It ends in a settlement, or goes back when it is dropped.

use std::sync::Arc;

use vane_catalog::Money;

use super::purse::Purse;
use crate::book;

#[must_use = "money that nobody holds goes back"]
#[derive(Debug)]
pub struct Hold {
    /// Where nothing limits the call, nothing is set aside.
    purse: Option<Arc<Purse>>,
    amount: Money,
}

impl Hold {
    pub(super) const fn unlimited() -> Self {
        Self {
            purse: None,
            amount: Money::ZERO,
        }
    }

    pub(super) const fn of(purse: Arc<Purse>, amount: Money) -> Self {
        Self {
            purse: Some(purse),
            amount,
        }
    }

    /// What the call may cost; nothing where nothing limits it.
    #[must_use]
    pub fn limit(&self) -> Option<Money> {
        self.purse.is_some().then_some(self.amount)
    }

    /// Sets more aside for the call, under the same condition as it was made; from memory alone,
    /// so that it may be refused where the balance has it. Who can wait makes another hold and
    /// [joins](Self::join) it.
    #[must_use]
    pub fn extend(&mut self, by: Money) -> bool {
        let Some(purse) = &self.purse else {
            return true;
        };
        let Some(amount) = self.amount.checked_add(by) else {
            return false;
        };
        let extends = by >= Money::ZERO && purse.extend(by);
        if extends {
            self.amount = amount;
        }
        extends
    }

    /// Takes over what another hold of the same payer has set aside. False where it cannot, because
    /// the lease of this one is gone and the other is of the next: then that goes back.
    #[must_use]
    pub fn join(&mut self, mut other: Self) -> bool {
        let (Some(purse), Some(others)) = (&self.purse, &other.purse) else {
            // Nothing limits the call, or not any more.
            return true;
        };
        if !Arc::ptr_eq(purse, others) {
            return false;
        }
        let Some(amount) = self.amount.checked_add(other.amount) else {
            return false;
        };
        self.amount = amount;
        other.purse = None;
        purse.joined();
        true
    }

    /// As the books are told of it.
    pub(super) fn told(&self) -> Option<book::Hold> {
        let lease = self.purse.as_ref()?.lease()?;
        Some(book::Hold {
            lease,
            amount: self.amount,
        })
    }

    /// The call has cost its customer so much.
    pub(super) fn post(mut self, pays: Money) -> Charge {
        let Some(purse) = self.purse.take() else {
            return Charge {
                paid: pays,
                purse: None,
            };
        };
        let (spent, paid) = purse.post(self.amount, pays);
        Charge {
            paid,
            purse: Some((purse, spent)),
        }
    }
}

/// What a call has been charged in memory, until the journal has it too.
#[must_use]
#[derive(Debug)]
pub(super) struct Charge {
    pub(super) paid: Money,
    /// Whose lease it was spent of, and how much of it.
    purse: Option<(Arc<Purse>, Money)>,
}

impl Charge {
    pub(super) fn undo(self) {
        if let Some((purse, spent)) = self.purse {
            purse.unspend(spent);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(purse) = self.purse.take() {
            purse.release(self.amount);
        }
    }
}
