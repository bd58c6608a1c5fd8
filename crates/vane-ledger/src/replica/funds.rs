//! What this process knows of the money of accounts: their balances, and the purses of their calls.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use vane_catalog::Money;

use super::Payer;
use super::purse::Purse;
use crate::account::AccountId;
use crate::quick::QuickMap;

#[derive(Debug, Default)]
pub(super) struct Funds {
    purses: RwLock<QuickMap<AccountId, Purses>>,
    balances: RwLock<QuickMap<AccountId, Balance>>,
}

/// The purses of an account.
#[derive(Debug, Default)]
struct Purses {
    /// Of all its keys without a budget.
    own: Option<Arc<Purse>>,
    of_keys: QuickMap<String, Arc<Purse>>,
}

impl Purses {
    fn get(&self, key: Option<&str>) -> Option<&Arc<Purse>> {
        match key {
            None => self.own.as_ref(),
            Some(key) => self.of_keys.get(key),
        }
    }

    fn put(&mut self, purse: &Arc<Purse>) {
        let purse = Arc::clone(purse);
        match &purse.key {
            None => self.own = Some(purse),
            Some(key) => drop(self.of_keys.insert(key.clone(), purse)),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Purse>> {
        self.own.iter().chain(self.of_keys.values())
    }
}

fn remove(purses: &mut QuickMap<AccountId, Purses>, purse: &Purse) {
    let Some(of_account) = purses.get_mut(&purse.account) else {
        return;
    };
    match &purse.key {
        None => of_account.own = None,
        Some(key) => drop(of_account.of_keys.remove(key)),
    }
    if of_account.all().next().is_none() {
        purses.remove(&purse.account);
    }
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
    fn read(&self) -> RwLockReadGuard<'_, QuickMap<AccountId, Purses>> {
        self.purses.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, QuickMap<AccountId, Purses>> {
        self.purses.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The purse that the payer's calls hold against.
    pub(super) fn purse(&self, payer: Payer<'_>) -> Arc<Purse> {
        if let Some(purse) = self.known(payer) {
            return purse;
        }
        let key = payer.budget.map(|_| payer.key);
        let mut purses = self.write();
        let of_account = purses.entry(payer.account).or_default();
        if let Some(purse) = of_account.get(key) {
            return Arc::clone(purse);
        }
        let purse = Arc::new(Purse::new(payer.account, payer.prepaid, key));
        of_account.put(&purse);
        purse
    }

    /// The same, where it has been asked for.
    pub(super) fn known(&self, payer: Payer<'_>) -> Option<Arc<Purse>> {
        let key = payer.budget.map(|_| payer.key);
        self.read().get(&payer.account)?.get(key).cloned()
    }

    /// All purses of an account.
    pub(super) fn of(&self, account: AccountId) -> Vec<Arc<Purse>> {
        let purses = self.read();
        let of_account = purses.get(&account);
        of_account.map_or_else(Vec::new, |some| some.all().cloned().collect())
    }

    /// Whether calls still hold against this purse.
    pub(super) fn has(&self, purse: &Purse) -> bool {
        let purses = self.read();
        let of_account = purses.get(&purse.account);
        let there = of_account.and_then(|some| some.get(purse.key.as_deref()));
        there.is_some_and(|there| std::ptr::eq(&**there, purse))
    }

    /// Calls hold against new purses from now on. What was held against the others is not known to
    /// any lease.
    pub(super) fn renew(&self) {
        for former in std::mem::take(&mut *self.write()).values() {
            former.all().for_each(|purse| purse.retire());
        }
    }

    /// The same for the calls of one purse.
    pub(super) fn retire(&self, purse: &Purse) {
        purse.retire();
        if self.has(purse) {
            remove(&mut self.write(), purse);
        }
    }

    /// Drops a purse that has had nothing for so long: that of a key which nobody uses any more.
    pub(super) fn forget(&self, purse: &Purse, idle_for: Duration) {
        if purse.is_done_with(idle_for) && self.has(purse) {
            // Who has it in hand finds nothing there, asks the lender, and is given another.
            remove(&mut self.write(), purse);
        }
    }

    /// All purses there are.
    pub(super) fn all(&self) -> Vec<Arc<Purse>> {
        let purses = self.read();
        purses.values().flat_map(Purses::all).cloned().collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    const fn payer(key: &str, budget: Option<Money>) -> Payer<'_> {
        Payer {
            account: AccountId(1),
            prepaid: true,
            key,
            budget,
        }
    }

    #[test]
    fn a_key_has_its_own_purse_where_it_has_a_budget() {
        let funds = Funds::default();
        let budget = Some(Money::from_pico(5));
        let own = funds.purse(payer("a", None));
        let first = funds.purse(payer("a", budget));
        let second = funds.purse(payer("b", budget));
        assert!(Arc::ptr_eq(&own, &funds.purse(payer("b", None))));
        assert!(Arc::ptr_eq(&first, &funds.purse(payer("a", budget))));
        assert!(!Arc::ptr_eq(&first, &second) && !Arc::ptr_eq(&own, &first));
        assert_eq!((funds.all().len(), funds.of(AccountId(1)).len()), (3, 3));
        funds.retire(&first);
        assert!(!funds.has(&first) && funds.has(&second) && funds.has(&own));
        assert!(!Arc::ptr_eq(&first, &funds.purse(payer("a", budget))));
    }

    #[test]
    fn a_purse_that_has_nothing_and_is_not_used_is_forgotten_and_no_other() {
        let funds = Funds::default();
        let purse = funds.purse(payer("a", Some(Money::from_pico(5))));
        let forgotten = |idle_for| {
            funds.forget(&purse, idle_for);
            !funds.has(&purse)
        };
        purse.lend("lease", Money::from_pico(5));
        assert!(!forgotten(Duration::ZERO), "it has money");
        assert!(purse.extend(Money::from_pico(3)));
        assert!(purse.empty(Duration::ZERO).is_some());
        assert!(!forgotten(Duration::ZERO), "a call holds money of it");
        let (spent, _) = purse.post(Money::from_pico(3), Money::from_pico(3));
        assert_eq!(spent, Money::from_pico(3));
        assert!(
            !forgotten(Duration::from_secs(3_600)),
            "it was used just now"
        );
        purse.doubt("lease");
        assert!(!forgotten(Duration::ZERO), "nobody knows what it has");
        purse.made_sure(None);
        assert!(forgotten(Duration::ZERO));
        assert_eq!(funds.all().len(), 0);
    }
}
