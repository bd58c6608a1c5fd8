//! The key ring: every key that works in memory, for the path of a request.
//!
//! Known keys cost no lock and no query. The ring holds ALL keys that may work as of one revision of
//! the database, so a key it does not hold works only if the revision has moved: one row read
//! tells. What has become of one that ended its own row tells, so that ended keys take no memory,
//! however many there are. Those reads are limited, so that a flood of invented keys costs the
//! database nothing to speak of. A [`Watch`] looks at the revision four times a second, which is how a key
//! revoked elsewhere stops here. If the database cannot be read, the last known keys stay valid
//! and [`KeyRing::fault`] says so.

mod allowance;
mod snapshot;
mod source;
mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use vane_catalog::Money;

use self::allowance::Allowance;
use self::snapshot::{Ringed, Snapshot};
use self::source::Source;
use crate::account::{AccountId, AccountKind};
use crate::error::LedgerError;
use crate::key::{Key, KeyHasher, Limits};
use crate::member::{Right, Role};
use crate::store::Store;

pub use self::watch::Watch;

/// The key and account behind one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The id of the first key of the lineage, by which money and limits are counted: a rotated
    /// key is the same caller.
    pub key_id: String,
    pub key_name: String,
    pub account_id: AccountId,
    pub account_name: String,
    pub kind: AccountKind,
    /// What the key may spend in each period of its budget, where it has one.
    pub budget: Option<Money>,
    pub limits: Limits,
    /// Whether calls of the account are refused.
    pub frozen: bool,
    /// Whom the key acts for, if for anybody.
    pub acting: Option<Acting>,
}

/// The member that a key acts for, and its role as of the last look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acting {
    pub member: String,
    pub role: Role,
}

impl Caller {
    /// Whether the member that the key acts for has a right, or a key that acts for nobody.
    pub fn may(&self, right: Right) -> bool {
        Role::may(self.acting.as_ref().map(|acting| acting.role), right)
    }
}

/// Why a key was turned away. Only who holds the right key learns what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("this is not a Vane key; check that it was copied whole")]
    Malformed,
    #[error("no such key; check it, or ask the account's owner for a new one")]
    Unknown,
    #[error("this key was revoked; ask the account's owner for a new one")]
    Revoked,
    #[error("this key has expired; ask the account's owner for a new one")]
    Expired,
    #[error("this key was replaced and its time is over; use the one that took its place")]
    Replaced,
}

/// What memory alone can say of a key.
#[derive(Debug)]
pub enum Recall {
    Known(Result<Arc<Caller>, Denied>),
    /// Perhaps made a moment ago, or ended: [`KeyRing::ask`] reads the database, off the runtime.
    Unseen(Key),
}

pub struct KeyRing {
    keys: ArcSwap<Snapshot>,
    hasher: KeyHasher,
    source: Mutex<Source>,
    allowance: Allowance,
    fault: ArcSwapOption<LedgerError>,
}

impl KeyRing {
    pub fn open(store: &Store) -> Result<Self, LedgerError> {
        let mut source = Source::open(store)?;
        let ring = Self {
            keys: ArcSwap::from_pointee(source.look(Snapshot::load)?),
            hasher: store.hasher().clone(),
            source: Mutex::new(source),
            allowance: Allowance::default(),
            fault: ArcSwapOption::empty(),
        };
        Ok(ring)
    }

    /// Looks a key up, reading the database only if memory does not know it.
    pub fn lookup(&self, presented: &str, now: i64) -> Result<Arc<Caller>, Denied> {
        match self.recall(presented, now) {
            Recall::Known(answer) => answer,
            Recall::Unseen(key) => self.ask(&key, now),
        }
    }

    /// Looks a key up in memory. Never blocks.
    pub fn recall(&self, presented: &str, now: i64) -> Recall {
        let Some(key) = Key::parse(presented) else {
            return Recall::Known(Err(Denied::Malformed));
        };
        match self.keys.load().get(key.id()) {
            Some(ringed) => Recall::Known(self.judge(&key, ringed, now)),
            None if self.allowance.take(now) => Recall::Unseen(key),
            None => Recall::Known(Err(Denied::Unknown)),
        }
    }

    /// The caller of a key that this process makes calls with itself, by the key's id: nobody holds
    /// its text. Whoever asks here has proved otherwise who is asking.
    pub fn own(&self, id: &str, now: i64) -> Result<Arc<Caller>, Denied> {
        let keys = self.keys.load();
        keys.get(id)
            .map_or(Err(Denied::Unknown), |ringed| standing(ringed, now))
    }

    /// Looks a key up in the database: among those that work, if any has changed since they were
    /// last read, and else by its own row. Blocks.
    pub fn ask(&self, key: &Key, now: i64) -> Result<Arc<Caller>, Denied> {
        // A failure is kept for `fault`; the keys of the last good read still count.
        let _ = self.refresh();
        if let Some(ringed) = self.keys.load().get(key.id()) {
            return self.judge(key, ringed, now);
        }
        match self.source().look(|txn| Ringed::find(txn, key.id())) {
            Ok(Some(ringed)) => self.judge(key, &ringed, now),
            Ok(None) | Err(_) => Err(Denied::Unknown),
        }
    }

    /// Reads the keys again if any has changed. True if so. Blocks.
    pub fn refresh(&self) -> Result<bool, Arc<LedgerError>> {
        let mut source = self.source();
        let keys = self.keys.load();
        match source.look(|txn| keys.newer(txn)) {
            Ok(newer) => {
                self.fault.store(None);
                let changed = newer.is_some();
                if let Some(snapshot) = newer {
                    self.keys.store(Arc::new(snapshot));
                }
                Ok(changed)
            }
            Err(error) => {
                let error = Arc::new(error);
                self.fault.store(Some(Arc::clone(&error)));
                Err(error)
            }
        }
    }

    /// Of what is in memory: it rises with every change of a key, also of one of a provider.
    pub fn revision(&self) -> i64 {
        self.keys.load().revision()
    }

    /// Why the keys could not be read last time; `None` while all is well.
    pub fn fault(&self) -> Option<Arc<LedgerError>> {
        self.fault.load_full()
    }

    fn source(&self) -> MutexGuard<'_, Source> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, key: &Key, ringed: &Ringed, now: i64) -> Result<Arc<Caller>, Denied> {
        match self.hasher.matches(key, &ringed.hash) {
            true => standing(ringed, now),
            false => Err(Denied::Unknown),
        }
    }
}

/// The caller of a key, if the key works now.
fn standing(ringed: &Ringed, now: i64) -> Result<Arc<Caller>, Denied> {
    let is_over = |end: Option<i64>| end.is_some_and(|end| now >= end);
    if ringed.revoked {
        Err(Denied::Revoked)
    } else if is_over(ringed.caller.limits.expires_at) {
        Err(Denied::Expired)
    } else if is_over(ringed.retires_at) {
        Err(Denied::Replaced)
    } else {
        Ok(Arc::clone(&ringed.caller))
    }
}
