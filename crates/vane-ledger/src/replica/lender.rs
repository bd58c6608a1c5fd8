//! The thread that takes leases of balances and budgets, for all purses of the process.
//!
//! A purse has one lease, which grows when calls need more and shrinks when it is idle, so that no
//! part of a balance is lost between leases. Slices are large while there is plenty and become what
//! is needed near the end: then what lies idle in other purses of the account is taken back first.
//! Then what other replicas have to spare is recalled, which is not waited for here. It also does
//! what is due by itself, such as ending promotional credit. What is idle for long goes back many purses to
//! a commit, while nobody waits.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use vane_catalog::Money;

use super::ReplicaError;
use super::funds::Funds;
use super::lifeline::Lifeline;
use super::purse::{Allowed, Lacking, Purse, Short, Wanted};
use super::recall::{self, Recalls};
use super::recovery;
use crate::book::{Act, Lease, Op, Outcome, Refusal};
use crate::clock::Clock;
use crate::error::LedgerError;
use crate::id::new_id;
use crate::store::{Life, Store};

pub(super) struct Lender {
    purses: Option<Sender<Arc<Purse>>>,
    thread: Option<JoinHandle<()>>,
}

impl Lender {
    pub(super) fn start(
        store: &Store,
        funds: &Arc<Funds>,
        lifeline: &Arc<Lifeline>,
        life: Life,
        clock: &Clock,
    ) -> Result<Self, ReplicaError> {
        let (purses, asked) = channel();
        let mut desk = Desk::new(store, funds, lifeline, life, clock);
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

pub(super) struct Desk {
    pub(super) store: Store,
    pub(super) funds: Arc<Funds>,
    lifeline: Arc<Lifeline>,
    pub(super) life: Life,
    clock: Clock,
    pub(super) recalls: Recalls,
    /// Whether anything was ever lent: until then nobody can lack it.
    has_lent: bool,
    did_due: Option<Instant>,
    looked: Option<Instant>,
    /// Purses that are still to be looked at, whether they are idle.
    idle: Vec<Arc<Purse>>,
}

/// What becomes of a purse that asks.
#[derive(Debug)]
pub(super) enum Lending {
    Done,
    /// Others were asked, under this number.
    Recalled(i64),
}

/// A slice has room for so many calls like the largest that waits, while there is plenty.
const CALLS_PER_SLICE: i64 = 256;
/// And twice as much each time that it was gone soon.
const DOUBLINGS_MAX: u32 = 6;
/// And is at most this part of what is free.
const PART_OF_FREE: i64 = 4;
/// Metered accounts are lent this much at least.
const METERED_SLICE: Money = Money::from_pico(1_000_000_000_000);
/// Money that no call has used for so long goes back.
const IDLE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// A purse that has nothing is dropped so long after it was used last: the next one takes a new lease.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);
/// Where nobody else lends, whether another life has begun is looked for so often.
const TURN_EVERY: Duration = Duration::from_secs(1);
/// So many purses return their money in one commit. Nobody is lent anything meanwhile.
const RETURNED_AT_ONCE: usize = 256;
/// How often it is asked what is due by itself.
const DUE_EVERY: Duration = Duration::from_secs(60);
/// Another process may be faster so often in a row before it is asked for what it has, and then
/// again before a purse is refused.
const TRIES: usize = 16;

impl Desk {
    pub(super) fn new(
        store: &Store,
        funds: &Arc<Funds>,
        lifeline: &Arc<Lifeline>,
        life: Life,
        clock: &Clock,
    ) -> Self {
        Self {
            store: store.clone(),
            funds: Arc::clone(funds),
            lifeline: Arc::clone(lifeline),
            life,
            clock: clock.clone(),
            recalls: Recalls::default(),
            has_lent: false,
            did_due: None,
            looked: None,
            idle: Vec::new(),
        }
    }

    fn serve(&mut self, asked: &Receiver<Arc<Purse>>) {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        loop {
            self.look();
            match asked.recv_timeout(self.pause()) {
                Ok(purse) => self.answer(&purse),
                // Nobody waits.
                Err(Timeout) => self.return_idle(),
                Err(Disconnected) => break,
            }
            if let Some(epoch) = self.lifeline.next() {
                self.begin(epoch);
            }
            self.answer_waiting();
            if self.has_lent && self.store.is_shared() {
                // What is not heeded now is at the next look.
                drop(self.heed());
            }
        }
        self.give_up("the ledger is closing");
        let _kept = self.take_back(&self.funds.all(), Duration::ZERO);
    }

    fn pause(&self) -> Duration {
        match self.store.is_shared() {
            _ if !self.idle.is_empty() => Duration::ZERO,
            _ if self.recalls.are_awaited() => recall::WAIT,
            true => recall::LOOK_EVERY,
            false => TURN_EVERY,
        }
    }

    /// Does what is due by itself, and returns what has been idle for long.
    fn look(&mut self) {
        let is_due = |at: Option<Instant>, every| at.is_none_or(|at| at.elapsed() >= every);
        if is_due(self.did_due, DUE_EVERY) {
            self.did_due = Some(Instant::now());
            // What cannot be done now is due at the next look.
            drop(self.store.do_due(self.life.instance, self.clock.now()));
        }
        if is_due(self.looked, LOOK_EVERY) {
            self.looked = Some(Instant::now());
            // Also where somebody waits all the time.
            self.return_idle();
            if self.idle.is_empty() {
                self.idle = self.funds.all();
            }
        }
    }

    /// Returns what is idle of some of the purses that are to be looked at.
    fn return_idle(&mut self) {
        let rest = self.idle.len().saturating_sub(RETURNED_AT_ONCE);
        let purses = self.idle.split_off(rest);
        // Money that cannot be given back now stays lent: the next look tries again.
        drop(self.take_back(&purses, IDLE));
        for purse in &purses {
            self.funds.forget(purse, FORGOTTEN_AFTER);
        }
    }

    /// Another life: its calls hold against purses of their own, and what those before were lent
    /// goes back.
    fn begin(&mut self, epoch: i64) {
        self.funds.renew();
        self.give_up("the money of this process was returned; it begins anew");
        self.life.epoch = epoch;
        match recovery::return_leases(&self.store, &self.life, epoch, self.clock.now()) {
            Ok(()) => self.lifeline.resume(epoch),
            Err(error) => tracing::warn!(%error, "what was lent before cannot be returned yet"),
        }
    }

    fn give_up(&mut self, why: &str) {
        for purse in self.recalls.give_up() {
            purse.refuse(Short::Away(why.to_owned()), Money::ZERO);
        }
    }

    fn answer(&mut self, purse: &Arc<Purse>) {
        // In any case: a purse whose wants are not taken asks nobody again.
        let wanted = purse.wanted();
        if let Some(short) = self.lifeline.refuses() {
            return purse.refuse(short, Money::ZERO);
        }
        if !self.funds.has(purse) {
            let why = "the money of this process was returned".to_owned();
            return purse.refuse(Short::Away(why), Money::ZERO);
        }
        if purse.recount()
            && let Err(error) = self.take_back(std::slice::from_ref(purse), Duration::ZERO)
        {
            return purse.refuse(away(error), Money::ZERO);
        }
        if purse.covers(wanted) {
            return purse.refill();
        }
        if self.recalls.join(purse, wanted) {
            return;
        }
        match self.lend(purse, wanted, true) {
            Ok(Lending::Done) => {}
            Ok(Lending::Recalled(n)) => self.recalls.wait(purse, wanted, n),
            Err(short) => purse.refuse(short, wanted.largest),
        }
    }

    /// Answers a purse when nobody else has anything more for it.
    pub(super) fn finally(&mut self, purse: &Arc<Purse>, wanted: Wanted) {
        if let Err(short) = self.lend(purse, wanted, false) {
            purse.refuse(short, wanted.largest);
        }
    }

    /// Lends the purse what its calls want, or as much of it as there is; or asks others for it.
    pub(super) fn lend(
        &mut self,
        purse: &Purse,
        wanted: Wanted,
        may_recall: bool,
    ) -> Result<Lending, Short> {
        let mut short = Short::Away("the money is lent to others".to_owned());
        for _ in 0..TRIES {
            self.make_sure(purse).map_err(away)?;
            let room = self.room(purse).map_err(away)?;
            purse.allow(room.budget);
            if purse.covers(wanted) {
                purse.refill();
                return Ok(Lending::Done);
            }
            let lacking = purse.lacking(wanted);
            if let Some(missing) = room.lacks(lacking.one) {
                if self.spare(purse).map_err(away)? > Money::ZERO {
                    continue;
                }
                let rest = room.rest();
                if may_recall && let Some(n) = self.recall(purse, &missing, lacking.one, rest)? {
                    return Ok(Lending::Recalled(n));
                }
                if rest > Money::ZERO && lacking.all > lacking.one {
                    // Smaller calls may have what is too little for the largest.
                    let _faster = self.put(purse, rest).map_err(away)?;
                }
                return Err(missing);
            }
            let scarce = self.recalls.is_scarce(purse.account);
            match self.put(purse, room.slice(lacking, scarce)).map_err(away)? {
                Ok(()) => return Ok(Lending::Done),
                // Another was faster.
                Err(Refusal::Balance { .. } | Refusal::Budget { .. }) => {}
                Err(refusal) if is_gone(&refusal) => {
                    return Err(away(LedgerError::Refused(refusal)));
                }
                Err(refusal) => short = Short::Away(refusal.to_string()),
            }
        }
        // Whoever was faster each time leaves some when asked to.
        let lacks = purse.lacking(wanted).one;
        if let Some(missing) = self.room(purse).map_err(away)?.lacks(lacks) {
            short = missing;
        }
        if may_recall && let Some(n) = self.recall(purse, &short, lacks, Money::ZERO)? {
            return Ok(Lending::Recalled(n));
        }
        Err(short)
    }

    /// Asks others for what is lacking beside the rest. Nothing where they cannot have that.
    fn recall(
        &self,
        purse: &Purse,
        short: &Short,
        lacks: Money,
        rest: Money,
    ) -> Result<Option<i64>, Short> {
        let key = short.is_of_budget().then_some(purse.key.as_deref());
        let more = lacks.checked_sub(rest).unwrap_or_default();
        let recalled = self
            .store
            .recall(&self.life, purse.account, key.flatten(), more);
        recalled.map_err(away)
    }

    /// Takes back what is idle in other purses of the account. Says how much that is.
    fn spare(&self, purse: &Purse) -> Result<Money, LedgerError> {
        let others = self.funds.of(purse.account);
        let others = others
            .into_iter()
            .filter(|other| !std::ptr::eq(&**other, purse));
        let others: Vec<_> = others.collect();
        self.take_back(&others, Duration::ZERO)
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
    fn put(&mut self, purse: &Purse, by: Money) -> Result<Result<(), Refusal>, LedgerError> {
        let lease = purse.lease();
        let id = new_id()?;
        let (lease, act) = match lease {
            Some(lease) => {
                let act = renewed(&lease, by);
                (lease, act)
            }
            None => {
                let lease = Lease {
                    account: purse.account,
                    key: purse.key.clone(),
                    epoch: self.life.epoch,
                    amount: by,
                    until: FOREVER,
                };
                (id.clone(), Act::Lease(lease))
            }
        };
        self.has_lent = true;
        match self.apply(id, act) {
            Ok(Ok(_)) => {
                purse.lend(&lease, by);
                Ok(Ok(()))
            }
            Ok(Err(refusal)) => {
                if is_gone(&refusal) {
                    self.funds.retire(purse);
                }
                Ok(Err(refusal))
            }
            Err(error) => {
                purse.doubt(&lease);
                Err(error)
            }
        }
    }

    /// Finds out what the purse is lent, after a commit of which nobody knows whether it happened.
    fn make_sure(&self, purse: &Purse) -> Result<(), LedgerError> {
        let Some(lease) = purse.doubted() else {
            return Ok(());
        };
        // By a commit, so that it waits for that one should it still be under way.
        let done = self.apply(new_id()?, renewed(&lease, Money::ZERO))?;
        match done {
            Ok(Outcome::Renewed(amount)) => purse.made_sure(Some((&lease, amount))),
            Err(Refusal::NoSuchLease) if purse.lease().is_none() => purse.made_sure(None),
            Err(refusal) if is_gone(&refusal) => self.funds.retire(purse),
            Err(refusal) => return Err(LedgerError::Refused(refusal)),
            Ok(_) => {}
        }
        Ok(())
    }

    /// Gives what the purses have and nobody holds back to the balances. Says how much that is.
    pub(super) fn take_back(
        &self,
        purses: &[Arc<Purse>],
        idle_for: Duration,
    ) -> Result<Money, LedgerError> {
        let mut sum = Money::ZERO;
        for purses in purses.chunks(RETURNED_AT_ONCE) {
            let some = self.take_some_back(purses, idle_for)?;
            sum = sum.checked_add(some).unwrap_or(sum);
        }
        Ok(sum)
    }

    /// The same in one commit.
    fn take_some_back(
        &self,
        purses: &[Arc<Purse>],
        idle_for: Duration,
    ) -> Result<Money, LedgerError> {
        for purse in purses {
            self.make_sure(purse)?;
        }
        let mut emptied = Vec::new();
        for purse in purses {
            let taken = purse.empty(idle_for);
            emptied.extend(taken.map(|(lease, amount)| (purse, lease, amount)));
        }
        let done = match self.give_back(&emptied) {
            Ok(done) => done,
            Err(error) => {
                for (purse, lease, _) in &emptied {
                    purse.doubt(lease);
                }
                return Err(error);
            }
        };
        let mut sum = Money::ZERO;
        for ((purse, lease, amount), done) in emptied.into_iter().zip(done) {
            match done {
                Ok(_) => sum = sum.checked_add(amount).unwrap_or(sum),
                Err(refusal) if is_gone(&refusal) => self.funds.retire(purse),
                // It is still lent.
                Err(_) => purse.lend(&lease, amount),
            }
        }
        Ok(sum)
    }

    fn give_back(
        &self,
        emptied: &[(&Arc<Purse>, String, Money)],
    ) -> Result<Vec<Result<Outcome, Refusal>>, LedgerError> {
        if emptied.is_empty() {
            return Ok(Vec::new());
        }
        let ops: Result<Vec<Op>, LedgerError> = emptied
            .iter()
            .map(|(_, lease, amount)| {
                let by = Money::ZERO.checked_sub(*amount).unwrap_or_default();
                Ok(self.op(new_id()?, renewed(lease, by)))
            })
            .collect();
        self.store.apply(&ops?)
    }

    fn apply(&self, id: String, act: Act) -> Result<Result<Outcome, Refusal>, LedgerError> {
        let done = self.store.apply(&[self.op(id, act)])?;
        Ok(done.into_iter().next().unwrap_or(Err(Refusal::Malformed)))
    }

    fn op(&self, id: String, act: Act) -> Op {
        Op {
            id,
            at: self.clock.now(),
            instance: self.life.instance,
            act,
        }
    }
}

fn renewed(lease: &str, by: Money) -> Act {
    Act::Renew {
        lease: lease.to_owned(),
        by,
        until: FOREVER,
    }
}

/// Whether the books do not know the lease as one that lends.
const fn is_gone(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::NoSuchLease | Refusal::LeaseOver)
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

    /// How much is lent to calls that lack so much: no more than that where it is scarce.
    fn slice(&self, wanted: Lacking, scarce: bool) -> Money {
        let rest = self.rest();
        if scarce {
            return wanted.all.min(rest).max(Money::from_pico(1));
        }
        let calls = CALLS_PER_SLICE << wanted.in_a_row.min(DOUBLINGS_MAX);
        let plenty = match wanted.one.pico().checked_mul(calls) {
            Some(pico) if self.free.is_some() => pico,
            Some(pico) => pico.max(METERED_SLICE.pico()),
            None => wanted.one.pico(),
        };
        let part = rest.pico().checked_div(PART_OF_FREE).unwrap_or_default();
        let slice = Money::from_pico(plenty.min(part)).max(wanted.all);
        slice.min(rest).max(Money::from_pico(1))
    }
}
