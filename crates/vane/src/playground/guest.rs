//! The guest: a built-in account and key, by which calls of nobody in particular are counted.
//!
//! Invariants: nobody holds the key's text; it has a budget of nothing, so that the books refuse
//! whatever costs; an account of this name that people use is not taken for it.

use super::pass;
use crate::gateway::Gateway;
use crate::limits::{Shared, Together, network};
use arc_swap::ArcSwapOption;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use vane_catalog::Money;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::book::Period;
use vane_ledger::{
    Account, AccountId, AccountKind, Caller, KeyRing, LedgerError, Limits, NewKey, Purpose, Sealer,
    Store,
};

/// The name of the account, and of its key.
pub const GUEST: &str = "guest";
/// Calls of all guests at a time, in one process; `vane key set` changes it.
const CONCURRENCY: u32 = 16;
const SPAN_SECONDS: i64 = 60;

/// What is known of guests in this process.
pub struct Guests {
    /// The id of the key.
    key: ArcSwapOption<String>,
    arrivals: Together<IpAddr>,
    passes: Sealer,
}

impl Guests {
    /// # Errors
    /// If no key can be derived for passes.
    pub fn new(store: &Store, shared: Option<&Arc<Shared>>) -> Result<Self, LedgerError> {
        Ok(Self {
            key: ArcSwapOption::empty(),
            arrivals: Together::new("guests", SPAN_SECONDS, shared.cloned()),
            passes: store.sealer(Purpose::Pass)?,
        })
    }

    /// Finds the account and its key, or makes them. Blocks.
    ///
    /// # Errors
    /// If the database is away, or the account is somebody's.
    pub fn establish(&self, store: &Store, ring: &KeyRing, now: i64) -> Result<(), LedgerError> {
        let key = key_of(store, &account(store, now)?, now)?;
        // Where it fails, the key is not known, which is told to who calls.
        let _known = ring.refresh();
        self.key.store(Some(Arc::new(key)));
        Ok(())
    }

    /// Who calls when nobody says who calls.
    pub(super) async fn caller(&self, gateway: &Arc<Gateway>) -> Result<Arc<Caller>, Fault> {
        let now = gateway.clock.now();
        if self.key.load().is_none() {
            let gateway = gateway.clone();
            let made = tokio::task::spawn_blocking(move || {
                let guests = &gateway.guests;
                guests.establish(&gateway.store, &gateway.ring, now)
            });
            match made.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(closed(&error)),
                Err(error) => return Err(closed(&error)),
            }
        }
        let key = self.key.load_full().unwrap_or_default();
        gateway.ring.own(&key, now).map_err(|denied| {
            // Made anew at the next call: an operator who closes the door says so in the
            // configuration.
            self.key.store(None);
            closed(&denied)
        })
    }

    /// Lets one more call of an address in.
    pub(super) async fn enter(&self, gateway: &Gateway, client: IpAddr) -> Result<(), Fault> {
        let (now, most) = (
            gateway.clock.now(),
            gateway.state().config.guest.requests_per_minute,
        );
        if self.arrivals.enter(network(client), most, now).await {
            return Ok(());
        }
        let left = SPAN_SECONDS.saturating_sub(now.rem_euclid(SPAN_SECONDS));
        let message = format!(
            "guests of one address may make {most} calls a minute: wait {left} seconds, or sign in"
        );
        let fault = Fault::new(Kind::RateLimited, Blame::Caller, message);
        Err(Fault {
            retry_after: Some(Duration::from_secs(left.unsigned_abs())),
            ..fault
        })
    }

    pub(super) fn pass(&self, account: AccountId, call: &str, now: i64) -> Option<String> {
        pass::seal(&self.passes, account, call, now)
    }

    pub(super) fn open(&self, pass: &str, now: i64) -> Option<(AccountId, String)> {
        pass::open(&self.passes, pass, now)
    }
}

fn account(store: &Store, now: i64) -> Result<Account, LedgerError> {
    if let Some(account) = store.find_account(GUEST)? {
        return Ok(account);
    }
    match store.create_account(GUEST, AccountKind::Metered, now) {
        // Another process was first.
        Err(error @ LedgerError::AccountExists { .. }) => store.find_account(GUEST)?.ok_or(error),
        made => made,
    }
}

/// The id of the guest's key.
fn key_of(store: &Store, account: &Account, now: i64) -> Result<String, LedgerError> {
    let keys = store.list_keys(account.id)?;
    let is_ours = keys
        .iter()
        .all(|key| key.name == GUEST && key.member.is_none());
    if !is_ours || !store.list_members(account.id)?.is_empty() {
        return Err(LedgerError::AccountExists {
            name: GUEST.to_owned(),
        });
    }
    let bounded = |key: &&vane_ledger::KeyRecord| {
        key.works_at(now) && key.budget.is_some_and(|(amount, _)| amount == Money::ZERO)
    };
    if let Some(key) = keys.iter().find(bounded) {
        return Ok(key.id.clone());
    }
    let new = NewKey {
        name: GUEST.to_owned(),
        budget: Some((Money::ZERO, Period::Month)),
        limits: Limits {
            concurrency: NonZeroU32::new(CONCURRENCY),
            ..Limits::default()
        },
        member: None,
    };
    // Its text is forgotten here.
    Ok(store.create_key(account.id, &new, now)?.id().to_owned())
}

fn closed(why: &dyn std::fmt::Display) -> Fault {
    tracing::warn!(%why, "there are no guests: an account or key named `guest` is in the way");
    let message = "guests are not served at present: sign in, or call with a key";
    Fault::new(Kind::Unavailable, Blame::Us, message)
}
