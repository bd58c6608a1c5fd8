//! Money that calls of one account, or of one key with a budget, hold against in memory.
//!
//! Invariant: what is spent and held is never more than what the lease behind it lends. A call that
//! finds too little waits for one round of the lender and then has it or is told what is missing.
//! After a commit of which nobody knows whether it happened, it counts as lent what is lent in either
//! case, until the lender knows. One whose lease is gone is retired: nothing is held against it any more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use vane_catalog::Money;

use super::hold::Hold;
use super::lender::Lender;
use crate::account::AccountId;

/// Why no money can be set aside.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Short {
    #[error("the balance lacks ${missing}")]
    Balance { missing: Money },
    #[error("the budget of the key lacks ${missing} until {resets_at}")]
    Budget { missing: Money, resets_at: i64 },
    /// Nothing is known of money at present.
    #[error("{0}")]
    Away(String),
}

impl Short {
    pub(super) const fn is_of_budget(&self) -> bool {
        matches!(self, Self::Budget { .. })
    }

    /// What there is of so much that was asked for.
    #[must_use]
    pub fn there_of(&self, amount: Money) -> Option<Money> {
        match self {
            Self::Balance { missing } | Self::Budget { missing, .. } => {
                amount.checked_sub(*missing)
            }
            Self::Away(_) => None,
        }
    }

    /// The same, of a call that needs so much, where there is so much.
    #[must_use]
    pub fn with_missing(self, needs: Money, there: Money) -> Self {
        let missing = less(needs, there).max(Money::from_pico(1));
        match self {
            Self::Balance { .. } => Self::Balance { missing },
            Self::Budget { resets_at, .. } => Self::Budget { missing, resets_at },
            Self::Away(why) => Self::Away(why),
        }
    }
}

#[derive(Debug)]
pub(super) struct Purse {
    pub(super) account: AccountId,
    pub(super) prepaid: bool,
    /// Set where the key has a budget, and so money of its own.
    pub(super) key: Option<String>,
    state: Mutex<State>,
    answered: Notify,
}

#[derive(Debug, Default)]
struct State {
    lease: Option<String>,
    lent: Money,
    spent: Money,
    open: Money,
    /// How many calls hold what is open.
    holds: u64,
    /// What calls wait for that the lender has not looked at yet, and the most that one does.
    wanted: Money,
    largest: Money,
    /// Rounds of the lender that have ended, and how the last one did.
    rounds: u64,
    refused: Option<Refused>,
    used: Option<Instant>,
    /// When money was lent last, and how often in a row that was soon after the time before.
    lent_at: Option<Instant>,
    in_a_row: u32,
    budget: Option<Allowed>,
    /// What was lent is to be looked at again.
    recount: bool,
    /// The lease of which nobody knows how much it lends, or whether it is there.
    doubted: Option<String>,
    /// Its lease is gone.
    retired: bool,
}

/// A budget as the store had it when money was last lent: what was gone of it beyond this purse.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    pub(super) amount: Money,
    pub(super) gone: Money,
    pub(super) resets_at: i64,
}

/// How much of a budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    pub amount: Money,
    pub spent: Money,
    pub resets_at: i64,
}

#[derive(Clone, Debug)]
struct Refused {
    short: Short,
    /// What was asked for; less than that may be there.
    amount: Money,
    at: Instant,
}

/// What calls wait for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// What all of them ask for together.
    pub(super) all: Money,
    /// What the largest of them asks for.
    pub(super) largest: Money,
}

/// What the purse lacks for them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lacking {
    pub(super) all: Money,
    /// What it lacks for the largest.
    pub(super) one: Money,
    /// How often in a row money was lent soon after the time before.
    pub(super) in_a_row: u32,
}

/// A purse that is empty again after so short a time is lent more the next time: each time is a
/// commit of its own.
const SOON: Duration = Duration::from_secs(10);
/// For so long a refusal answers calls that ask for as much, without asking the store again.
const REFUSED_FOR: Duration = Duration::from_millis(50);

impl Purse {
    pub(super) fn new(account: AccountId, prepaid: bool, key: Option<&str>) -> Self {
        Self {
            account,
            prepaid,
            key: key.map(str::to_owned),
            state: Mutex::default(),
            answered: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lease(&self) -> Option<String> {
        self.state().lease.clone()
    }

    pub(super) async fn hold(
        self: &Arc<Self>,
        amount: Money,
        budget: Option<Money>,
        lender: &Lender,
    ) -> Result<Hold, Short> {
        let mut asked_in = None;
        loop {
            // Made before the look, so that an answer between the two is not missed.
            let answered = self.answered.notified();
            let mut answered = std::pin::pin!(answered);
            answered.as_mut().enable();
            match self.state().take(amount, budget, asked_in) {
                Look::Taken => return Ok(Hold::of(Arc::clone(self), amount)),
                Look::Short(short) => return Err(short),
                Look::Wait { round, ask } => {
                    asked_in = Some(round);
                    if ask && !lender.ask(self) {
                        return Err(Short::Away("the ledger is closing".to_owned()));
                    }
                }
            }
            answered.await;
        }
    }

    /// Sets more aside for a call that holds money already, if there is room.
    pub(super) fn extend(&self, by: Money) -> bool {
        self.state().set_aside(by)
    }

    pub(super) fn release(&self, amount: Money) {
        let mut state = self.state();
        state.open = less(state.open, amount);
        state.holds = state.holds.saturating_sub(1);
    }

    /// A hold has become a charge of `pays`. Says what of it is spent of the lease, and what is
    /// paid: all of it where the balance may go below zero.
    pub(super) fn post(&self, held: Money, pays: Money) -> (Money, Money) {
        let mut state = self.state();
        let within = pays.min(held);
        state.open = less(state.open, held);
        state.holds = state.holds.saturating_sub(1);
        state.spent = more(state.spent, within);
        state.used = Some(Instant::now());
        (within, if self.prepaid { within } else { pays })
    }

    /// A charge was not recorded.
    pub(super) fn unspend(&self, spent: Money) {
        let mut state = self.state();
        state.spent = less(state.spent, spent);
    }

    /// Two holds have become one.
    pub(super) fn joined(&self) {
        let mut state = self.state();
        state.holds = state.holds.saturating_sub(1);
    }

    /// How many calls hold money of it.
    pub(super) fn holds(&self) -> u64 {
        self.state().holds
    }

    /// What is asked for. The lender answers it.
    pub(super) fn wanted(&self) -> Wanted {
        let mut state = self.state();
        state.used = Some(Instant::now());
        Wanted {
            all: std::mem::take(&mut state.wanted),
            largest: std::mem::take(&mut state.largest),
        }
    }

    /// What of that there is not.
    pub(super) fn lacking(&self, wanted: Wanted) -> Lacking {
        let state = self.state();
        let room = state.room();
        Lacking {
            all: less(wanted.all, room),
            one: less(wanted.largest, room),
            in_a_row: state.in_a_row,
        }
    }

    /// Whether it lacks nothing for the largest of them, as where a call has given back what it held.
    pub(super) fn covers(&self, wanted: Wanted) -> bool {
        let state = self.state();
        state.lease.is_some() && wanted.largest <= state.room()
    }

    /// What is spent of the key's budget, by what is known here. Where that is of a period which is
    /// over, nothing is known until the next call has the lender look.
    pub(super) fn spent(&self, now: i64) -> Option<Spent> {
        let mut state = self.state();
        state.budget = state.budget.filter(|budget| now < budget.resets_at);
        let Allowed {
            amount,
            gone,
            resets_at,
        } = state.budget?;
        let spent = more(gone, state.spent);
        Some(Spent {
            amount,
            spent,
            resets_at,
        })
    }

    /// The budget stands so, this purse's own money not counted.
    pub(super) fn allow(&self, budget: Option<Allowed>) {
        let mut state = self.state();
        let lent = state.lent;
        // Below nothing where money that was lent is spent in an earlier period.
        state.budget = budget.and_then(|budget| {
            let gone = budget.gone.checked_sub(lent)?;
            Some(Allowed { gone, ..budget })
        });
    }

    /// So much more is lent, by this lease.
    pub(super) fn lend(&self, lease: &str, by: Money) {
        let mut state = self.state();
        if state.lease.as_deref() != Some(lease) {
            state.lease = Some(lease.to_owned());
        }
        state.lent = more(state.lent, by);
        state.refused = None;
        let now = Instant::now();
        let soon = state
            .lent_at
            .is_some_and(|before| now.duration_since(before) < SOON);
        state.in_a_row = if soon {
            state.in_a_row.saturating_add(1)
        } else {
            0
        };
        (state.used, state.lent_at) = (Some(now), Some(now));
        self.answer(state);
    }

    /// How much this lease lends is not known for certain: only what was lent before counts.
    pub(super) fn doubt(&self, lease: &str) {
        self.state().doubted = Some(lease.to_owned());
    }

    /// The lease that is in doubt.
    pub(super) fn doubted(&self) -> Option<String> {
        self.state().doubted.clone()
    }

    /// There is no doubt any more: the lease lends so much, or never was.
    pub(super) fn made_sure(&self, lease: Option<(&str, Money)>) {
        let mut state = self.state();
        state.doubted = None;
        if let Some((lease, lent)) = lease {
            state.lease = Some(lease.to_owned());
            state.lent = lent;
        }
    }

    /// Nothing is held of it from now on: its lease is gone.
    pub(super) fn retire(&self) {
        self.state().retired = true;
    }

    /// Has waiting calls look again.
    pub(super) fn refill(&self) {
        let mut state = self.state();
        state.refused = None;
        self.answer(state);
    }

    /// No call that asks for so much can have it at present.
    pub(super) fn refuse(&self, short: Short, amount: Money) {
        let mut state = self.state();
        let at = Instant::now();
        state.refused = Some(Refused { short, amount, at });
        self.answer(state);
    }

    fn answer(&self, mut state: MutexGuard<'_, State>) {
        state.rounds = state.rounds.wrapping_add(1);
        drop(state);
        self.answered.notify_waiters();
    }

    /// Whether what was lent must be given back first.
    pub(super) fn recount(&self) -> bool {
        std::mem::take(&mut self.state().recount)
    }

    /// Whether it has had nothing for so long, and nobody has asked for anything.
    pub(super) fn is_done_with(&self, idle_for: Duration) -> bool {
        let state = self.state();
        let idle = state.used.is_some_and(|used| used.elapsed() >= idle_for);
        let empty = state.lent <= state.spent && state.holds == 0 && state.open == Money::ZERO;
        idle && empty && state.doubted.is_none()
    }

    /// Takes what nobody holds out of the purse, to give it back: all of it, or what has been idle.
    pub(super) fn empty(&self, idle_for: Duration) -> Option<(String, Money)> {
        let mut state = self.state();
        let idle = state.used.is_none_or(|used| used.elapsed() >= idle_for);
        let room = state.room();
        if !idle || room <= Money::ZERO {
            return None;
        }
        let lease = state.lease.clone()?;
        state.lent = less(state.lent, room);
        Some((lease, room))
    }
}

impl Wanted {
    pub(super) fn join(&mut self, other: Self) {
        self.all = more(self.all, other.all);
        self.largest = self.largest.max(other.largest);
    }
}

impl Refused {
    fn is_fresh_for(&self, amount: Money) -> bool {
        amount >= self.amount && self.at.elapsed() < REFUSED_FOR
    }

    /// What a call that asks for `amount` is told, whoever was refused.
    fn short_of(&self, amount: Money) -> Short {
        let there = self.short.there_of(self.amount).unwrap_or_default();
        self.short.clone().with_missing(amount, there)
    }
}

enum Look {
    Taken,
    Wait {
        round: u64,
        /// Nobody has told the lender of this purse yet.
        ask: bool,
    },
    Short(Short),
}

impl State {
    fn room(&self) -> Money {
        if self.retired {
            return Money::ZERO;
        }
        less(less(self.lent, self.spent), self.open)
    }

    /// Sets `amount` aside where there is room.
    fn set_aside(&mut self, amount: Money) -> bool {
        let has_room = self.lease.is_some() && !self.retired && amount <= self.room();
        if has_room {
            self.open = more(self.open, amount);
        }
        has_room
    }

    /// Takes `amount` where there is room. A call that has waited since the end of a round is told
    /// how the next one did.
    fn take(&mut self, amount: Money, budget: Option<Money>, asked_in: Option<u64>) -> Look {
        if asked_in.is_none() && budget != self.budget.map(|budget| budget.amount) {
            // It was changed since money was lent under it.
            self.recount = true;
        } else if self.set_aside(amount) {
            self.holds = self.holds.saturating_add(1);
            return Look::Taken;
        }
        let answered = asked_in.is_some_and(|round| round != self.rounds);
        if let Some(refused) = &self.refused
            && (answered || (!self.recount && refused.is_fresh_for(amount)))
        {
            return Look::Short(refused.short_of(amount));
        }
        let ask = self.wanted == Money::ZERO;
        // At least something, so that a purse that asks can be told from one that does not.
        let lacks = amount.max(Money::from_pico(1));
        self.wanted = more(self.wanted, lacks);
        self.largest = self.largest.max(lacks);
        Look::Wait {
            round: self.rounds,
            ask,
        }
    }
}

/// The most there is stands for more than that.
fn more(a: Money, b: Money) -> Money {
    a.checked_add(b).unwrap_or(Money::from_pico(i64::MAX))
}

/// Never below nothing.
fn less(a: Money, b: Money) -> Money {
    a.checked_sub(b).unwrap_or_default().max(Money::ZERO)
}
