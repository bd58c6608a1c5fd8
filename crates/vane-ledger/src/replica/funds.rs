//! What this process knows of the money of accounts: their balances, and the purses of their calls.

use std::sync::{Arc, PoisonError, RwLock};

use vane_catalog::Money;

use super::Payer;
use super::purse::Purse;
use crate::account::AccountId;
use crate::quick::QuickMap;

#[derive(Debug, Default)]
pub(super) struct Funds {
    purses: RwLock<QuickMap<AccountId, Vec<Arc<Purse>>>>,
    balances: RwLock<QuickMap<AccountId, Balance>>,
}

/// A balance as the store had it, and what was settled here since.
#[derive(Clone, Copy, Debug, Default)]
struct Balance {
    stored: Money,
    unsettled: Money,
}

/// What a commit has brought into the store of one account.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Arrived {
    /// What its calls were counted with here, in pico-dollars.
    pub(super) counted: i64,
    /// What the last of them left there.
    pub(super) balance: Option<Money>,
}

impl Funds {
    /// The purse that the payer's calls hold against.
    pub(super) fn purse(&self, payer: Payer<'_>) -> Arc<Purse> {
        let key = payer.budget.map(|_| payer.key);
        let is_it = |purse: &&Arc<Purse>| purse.key.as_deref() == key;
        let purses = self.purses.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(purse) = purses
            .get(&payer.account)
            .and_then(|all| all.iter().find(is_it))
        {
            return Arc::clone(purse);
        }
        drop(purses);
        let mut purses = self.purses.write().unwrap_or_else(PoisonError::into_inner);
        let all = purses.entry(payer.account).or_default();
        if let Some(purse) = all.iter().find(is_it) {
            return Arc::clone(purse);
        }
        let purse = Arc::new(Purse::new(payer.account, payer.prepaid, key));
        all.push(Arc::clone(&purse));
        purse
    }

    /// All purses of an account.
    pub(super) fn of(&self, account: AccountId) -> Vec<Arc<Purse>> {
        let purses = self.purses.read().unwrap_or_else(PoisonError::into_inner);
        purses.get(&account).cloned().unwrap_or_default()
    }

    /// Whether calls still hold against this purse.
    pub(super) fn has(&self, purse: &Arc<Purse>) -> bool {
        let purses = self.purses.read().unwrap_or_else(PoisonError::into_inner);
        let of_account = purses.get(&purse.account);
        of_account.is_some_and(|all| all.iter().any(|one| Arc::ptr_eq(one, purse)))
    }

    /// Calls hold against new purses from now on. What was held against the others is not known to
    /// any lease.
    pub(super) fn renew(&self) {
        let mut purses = self.purses.write().unwrap_or_else(PoisonError::into_inner);
        for purse in std::mem::take(&mut *purses).into_values().flatten() {
            purse.retire();
        }
    }

    /// The same for the calls of one purse.
    pub(super) fn retire(&self, purse: &Purse) {
        purse.retire();
        let mut purses = self.purses.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(all) = purses.get_mut(&purse.account) {
            all.retain(|one| !std::ptr::eq(&**one, purse));
        }
    }

    /// All purses there are.
    pub(super) fn all(&self) -> Vec<Arc<Purse>> {
        let purses = self.purses.read().unwrap_or_else(PoisonError::into_inner);
        purses.values().flatten().cloned().collect()
    }

    /// How many calls hold money.
    pub(super) fn holds(&self) -> u64 {
        self.all()
            .iter()
            .fold(0, |sum, purse| sum.saturating_add(purse.holds()))
    }

    /// The store's balance, from before any settlement that is not counted as ingested.
    pub(super) fn stored(&self, account: AccountId, balance: Money) {
        let mut balances = self
            .balances
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        balances.entry(account).or_default().stored = balance;
    }

    pub(super) fn settled(&self, account: AccountId, charged: Money) {
        self.change(account, |known| known.checked_add(charged));
    }

    /// What was counted as settled is not.
    pub(super) fn unsettled(&self, account: AccountId, charged: Money) {
        self.change(account, |known| known.checked_sub(charged));
    }

    /// Settlements are in the store.
    pub(super) fn ingested(&self, arrived: QuickMap<AccountId, Arrived>) {
        let mut balances = self
            .balances
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        for (account, arrived) in arrived {
            let Some(known) = balances.get_mut(&account) else {
                continue;
            };
            let counted = Money::from_pico(arrived.counted);
            known.unsettled = known
                .unsettled
                .checked_sub(counted)
                .unwrap_or(known.unsettled);
            known.stored = arrived.balance.unwrap_or(known.stored);
        }
    }

    fn change(&self, account: AccountId, change: impl FnOnce(Money) -> Option<Money>) {
        let mut balances = self
            .balances
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // Accounts that never asked for money here have no balance to tell.
        if let Some(known) = balances.get_mut(&account) {
            known.unsettled = change(known.unsettled).unwrap_or(known.unsettled);
        }
    }

    pub(super) fn balance(&self, account: AccountId) -> Option<Money> {
        let balances = self.balances.read().unwrap_or_else(PoisonError::into_inner);
        let known = balances.get(&account)?;
        known.stored.checked_sub(known.unsettled)
    }
}
