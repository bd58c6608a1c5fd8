//! Whether this process still lives as its instance, and so may hold and lend money.
//!
//! Where several processes share a database, one that it has not heard of for long is swept by the
//! others, and what it was lent is lent to them. Invariant: no money is held later than
//! [`TRUSTED_FOR`] after the last answer of the database was asked for, by a clock that never
//! jumps; so it is not held twice. A machine that stood still meanwhile does not know: what it holds
//! until the database tells it is the operator's loss, not a customer's.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::purse::Short;
use crate::store::TRUSTED_FOR;

pub(super) struct Lifeline {
    begun: Instant,
    /// Milliseconds after `begun` until which money may be held; the most stands for ever.
    until: AtomicU64,
    over: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Why this life is over, once it is.
    why: Option<String>,
    /// The life after it, once all that it has settled is in the store.
    next: Option<i64>,
}

const FOR_EVER: u64 = u64::MAX;
const AWAY: &str = "the database has not been reached for too long";

impl Lifeline {
    /// `asked` is when the life was asked for; nothing where nobody else may sweep it.
    pub(super) fn new(asked: Option<Instant>) -> Self {
        let lifeline = Self {
            begun: Instant::now(),
            until: AtomicU64::new(FOR_EVER),
            over: AtomicBool::new(false),
            state: Mutex::default(),
        };
        if let Some(asked) = asked {
            lifeline.seen(asked);
        }
        lifeline
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database has confirmed a life, asked at that moment.
    pub(super) fn seen(&self, asked: Instant) {
        let until = asked.saturating_duration_since(self.begun);
        let until = millis(until.saturating_add(TRUSTED_FOR));
        self.until.store(until, Ordering::Relaxed);
    }

    /// Nothing is held or lent from now on, until another life begins.
    pub(super) fn end(&self, why: String) {
        let mut state = self.state();
        state.next = None;
        self.over.store(true, Ordering::Release);
        if state.why.as_ref() != Some(&why) {
            tracing::error!(why, "no call that needs money is served");
        }
        state.why = Some(why);
    }

    /// The next life has begun, and all that the one before has settled is in the store.
    pub(super) fn begin(&self, epoch: i64) {
        self.state().next = Some(epoch);
    }

    /// The life that waits for what was lent before it to be returned.
    pub(super) fn next(&self) -> Option<i64> {
        self.over.load(Ordering::Acquire).then_some(())?;
        self.state().next
    }

    /// That is done: money may be held again.
    pub(super) fn resume(&self, epoch: i64) {
        let mut state = self.state();
        if state.next == Some(epoch) {
            *state = State::default();
            self.over.store(false, Ordering::Release);
            tracing::warn!(epoch, "calls that need money are served again");
        }
    }

    /// Why no money may be held, if that is so.
    pub(super) fn refuses(&self) -> Option<Short> {
        let until = self.until.load(Ordering::Relaxed);
        let over = self.over.load(Ordering::Acquire);
        if !over && (until == FOR_EVER || millis(self.begun.elapsed()) < until) {
            return None;
        }
        let why = self.state().why.clone();
        Some(Short::Away(why.unwrap_or_else(|| AWAY.to_owned())))
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(FOR_EVER)
}
