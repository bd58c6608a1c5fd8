//! What is told of a process's part of the ledger, in numbers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use vane_catalog::Money;

/// How a process's part of the ledger stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Records that wait to be written to the journal.
    pub waiting: u64,
    /// Records of the journal that are not in the store.
    pub not_ingested: u64,
    /// Calls that money is held for.
    pub holds: u64,
    /// Records that could not be entered and that nobody has decided about.
    pub strays: u64,
    /// What calls of this process cost the operator.
    pub lost: Money,
}

pub(super) struct Tally {
    strays: AtomicU64,
    lost: AtomicU64,
}

impl Tally {
    pub(super) const fn new(strays: u64) -> Self {
        Self {
            strays: AtomicU64::new(strays),
            lost: AtomicU64::new(0),
        }
    }

    /// What the store said last.
    pub(super) fn recount(&self, strays: u64) {
        self.strays.store(strays, Relaxed);
    }

    pub(super) fn stray(&self) {
        self.strays.fetch_add(1, Relaxed);
    }

    pub(super) fn lose(&self, amount: Money) {
        let pico = u64::try_from(amount.pico()).unwrap_or_default();
        self.lost.fetch_add(pico, Relaxed);
    }

    pub(super) fn strays(&self) -> u64 {
        self.strays.load(Relaxed)
    }

    pub(super) fn lost(&self) -> Money {
        let pico = self.lost.load(Relaxed);
        Money::from_pico(i64::try_from(pico).unwrap_or(i64::MAX))
    }
}
