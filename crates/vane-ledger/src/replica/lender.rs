//! The thread that takes leases of balances and budgets, for all purses of the process.
//!
//! A purse has one lease, which grows when calls need more and shrinks when it is idle, so that no
//! part of a balance is lost between leases. Slices are large while there is plenty and become what
//! is needed near the end: then what lies idle in other purses of the account is taken back first.
//! It also does what is due by itself, such as ending promotional credit.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use vane_catalog::Money;

use super::ReplicaError;
use super::funds::Funds;
use super::purse::{Allowed, Purse, Short, Wanted};
use crate::book::{Act, Lease, Op, Outcome, Refusal};
use crate::clock::Clock;
use crate::error::LedgerError;
use crate::id::new_id;
use crate::store::Store;

pub(super) struct Lender {
    purses: Option<Sender<Arc<Purse>>>,
    thread: Option<JoinHandle<()>>,
}

impl Lender {
    pub(super) fn start(
        store: &Store,
        funds: &Arc<Funds>,
        instance: i64,
        epoch: i64,
        clock: &Clock,
    ) -> Result<Self, ReplicaError> {
        let (purses, asked) = channel();
        let desk = Desk {
            store: store.clone(),
            funds: Arc::clone(funds),
            instance,
            epoch,
            clock: clock.clone(),
        };
        let thread = Builder::new().name("vane-lender".into());
        let thread = thread
            .spawn(move || desk.serve(&asked))
            .map_err(ReplicaError::Thread)?;
        Ok(Self {
            purses: Some(purses),
            thread: Some(thread),
        })
    }

    /// Says that calls wait for money; false if nobody lends any more.
    pub(super) fn ask(&self, purse: &Arc<Purse>) -> bool {
        self.purses
            .as_ref()
            .is_some_and(|purses| purses.send(Arc::clone(purse)).is_ok())
    }
}

impl Drop for Lender {
    fn drop(&mut self) {
        drop(self.purses.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

struct Desk {
    store: Store,
    funds: Arc<Funds>,
    instance: i64,
    epoch: i64,
    clock: Clock,
}

/// A slice has room for so many calls like the largest that waits, while there is plenty.
const CALLS_PER_SLICE: i64 = 64;
/// And is at most this part of what is free.
const PART_OF_FREE: i64 = 4;
/// Metered accounts are lent this much at least.
const METERED_SLICE: Money = Money::from_pico(1_000_000_000_000);
/// Money that no call has used for so long goes back.
const IDLE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How often it is asked what is due by itself.
const DUE_EVERY: Duration = Duration::from_secs(60);
/// Another process may be faster so often before a purse is refused.
const TRIES: usize = 4;

impl Desk {
    fn serve(&self, asked: &Receiver<Arc<Purse>>) {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        let mut looked: Option<Instant> = None;
        loop {
            if looked.is_none_or(|at| at.elapsed() >= DUE_EVERY) {
                looked = Some(Instant::now());
                // What cannot be done now is due at the next look.
                drop(self.store.do_due(self.instance, self.clock.now()));
            }
            match asked.recv_timeout(LOOK_EVERY) {
                Ok(purse) => self.answer(&purse),
                // Money that cannot be given back now stays lent: the next look tries again.
                Err(Timeout) => drop(self.take_back(self.funds.all(), IDLE)),
                Err(Disconnected) => break,
            }
        }
        let _kept = self.take_back(self.funds.all(), Duration::ZERO);
    }

    fn answer(&self, purse: &Arc<Purse>) {
        if purse.recount()
            && let Err(error) = self.take_back(vec![Arc::clone(purse)], Duration::ZERO)
        {
            return purse.refuse(away(error));
        }
        let wanted = purse.wanted();
        // Money has come back since: who waits is to look again.
        if wanted.one == Money::ZERO && purse.lease().is_some() {
            return purse.refill();
        }
        if let Err(short) = self.lend(purse, wanted) {
            purse.refuse(short);
        }
    }

    /// Lends the purse what its calls want, or as much of it as there is.
    fn lend(&self, purse: &Purse, wanted: Wanted) -> Result<(), Short> {
        let mut short = None;
        for _ in 0..TRIES {
            let room = self.room(purse).map_err(away)?;
            purse.allow(room.budget);
            if let Some(lacking) = room.lacks(wanted.one) {
                // Money in other purses of the account may be idle.
                let others = self.funds.of(purse.account);
                let others = others
                    .into_iter()
                    .filter(|other| !std::ptr::eq(&**other, purse));
                let more = self
                    .take_back(others.collect(), Duration::ZERO)
                    .map_err(away)?;
                if more == Money::ZERO {
                    let rest = room.rest();
                    if rest > Money::ZERO && wanted.all > wanted.one {
                        // Smaller calls may have what is too little for the largest.
                        let _faster = self.put(purse, rest).map_err(away)?;
                    }
                    return Err(lacking);
                }
                short = Some(lacking);
                continue;
            }
            match self.put(purse, room.slice(wanted)).map_err(away)? {
                Ok(()) => return Ok(()),
                Err(refusal) => short = Some(Short::Away(refusal.to_string())),
            }
        }
        Err(short.unwrap_or_else(|| Short::Away("the money is lent to others".to_owned())))
    }

    fn room(&self, purse: &Purse) -> Result<Room, LedgerError> {
        let book = self.store.balance(purse.account)?;
        self.funds.stored(purse.account, book.posted);
        let free = match purse.prepaid {
            true => Some(book.free().unwrap_or_default()),
            false => None,
        };
        let budget = match &purse.key {
            None => None,
            Some(key) => self.store.spending(key, self.clock.now())?,
        };
        let budget = budget.map(|spending| Allowed {
            amount: spending.budget.amount,
            gone: Money::checked_sum([spending.spent, spending.leased])
                .unwrap_or(spending.budget.amount),
            resets_at: spending.budget.period.end(self.clock.now()),
        });
        Ok(Room { free, budget })
    }

    /// Makes the purse's lease larger, or takes its first one.
    fn put(&self, purse: &Purse, by: Money) -> Result<Result<(), Refusal>, LedgerError> {
        let lease = purse.lease();
        let id = new_id()?;
        let (lease, act) = match lease {
            Some(lease) => (
                lease.clone(),
                Act::Renew {
                    lease,
                    by,
                    until: FOREVER,
                },
            ),
            None => {
                let lease = Lease {
                    account: purse.account,
                    key: purse.key.clone(),
                    epoch: self.epoch,
                    amount: by,
                    until: FOREVER,
                };
                (id.clone(), Act::Lease(lease))
            }
        };
        let done = self.apply(id, act)?;
        Ok(done.map(|_| purse.lend(&lease, by)))
    }

    /// Gives what the purses have and nobody holds back to the balances. Says how much that is.
    fn take_back(&self, purses: Vec<Arc<Purse>>, idle_for: Duration) -> Result<Money, LedgerError> {
        let mut sum = Money::ZERO;
        for purse in purses {
            let Some((lease, amount)) = purse.empty(idle_for) else {
                continue;
            };
            let by = Money::ZERO.checked_sub(amount).unwrap_or_default();
            let act = Act::Renew {
                lease: lease.clone(),
                by,
                until: FOREVER,
            };
            match self.apply(new_id()?, act) {
                Ok(Ok(_)) => sum = sum.checked_add(amount).unwrap_or(sum),
                // It is still lent.
                Ok(Err(_)) => purse.lend(&lease, amount),
                Err(error) => {
                    purse.lend(&lease, amount);
                    return Err(error);
                }
            }
        }
        Ok(sum)
    }

    fn apply(&self, id: String, act: Act) -> Result<Result<Outcome, Refusal>, LedgerError> {
        let op = Op {
            id,
            at: self.clock.now(),
            instance: self.instance,
            act,
        };
        let done = self.store.apply(&[op])?;
        Ok(done.into_iter().next().unwrap_or(Err(Refusal::NoSuchLease)))
    }
}

/// Leases end with their epoch: no other process takes money of an instance that may be alive.
const FOREVER: i64 = i64::MAX;

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
fn away(error: LedgerError) -> Short {
    Short::Away(error.to_string())
}

fn rest_of(budget: Allowed) -> Money {
    let rest = budget.amount.checked_sub(budget.gone);
    rest.unwrap_or_default().max(Money::ZERO)
}

/// What may be lent.
struct Room {
    /// Of the balance; nothing where it may go below zero.
    free: Option<Money>,
    budget: Option<Allowed>,
}

impl Room {
    fn rest(&self) -> Money {
        let most = Money::from_pico(i64::MAX);
        let budget = self.budget.map_or(most, rest_of);
        self.free.unwrap_or(most).min(budget)
    }

    fn lacks(&self, amount: Money) -> Option<Short> {
        let missing = |have: Money| {
            amount
                .checked_sub(have)
                .filter(|missing| *missing > Money::ZERO)
        };
        if let Some(budget) = self.budget
            && let Some(missing) = missing(rest_of(budget))
        {
            let resets_at = budget.resets_at;
            return Some(Short::Budget { missing, resets_at });
        }
        let missing = missing(self.free?)?;
        Some(Short::Balance { missing })
    }

    /// How much is lent to calls that want so much.
    fn slice(&self, wanted: Wanted) -> Money {
        let rest = self.rest();
        let plenty = match wanted.one.pico().checked_mul(CALLS_PER_SLICE) {
            Some(pico) if self.free.is_some() => pico,
            Some(pico) => pico.max(METERED_SLICE.pico()),
            None => wanted.one.pico(),
        };
        let part = rest.pico().checked_div(PART_OF_FREE).unwrap_or_default();
        let slice = Money::from_pico(plenty.min(part)).max(wanted.all);
        slice.min(rest).max(Money::from_pico(1))
    }
}
