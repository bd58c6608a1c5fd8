//! The thread behind: syncs, makes segments, and writes what no caller did. All that may take a
//! disk's time is done here, without the lock.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::maker::Maker;
use super::pace::Rest;
use super::queue::{Queue, State, wake};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chore {
    Write,
    Sync,
    /// Goes on in the spare segment, or in one that is made now: also the end of trouble.
    Renew,
    /// Makes the next segment before it is needed.
    Spare,
    Leave,
}

pub(super) struct Keeper {
    pub(super) queue: Arc<Queue>,
    pub(super) maker: Maker,
}

impl Keeper {
    /// Until the queue is closed and all that was taken is on the disk, or has failed.
    pub(super) fn run(self) {
        loop {
            match self.next() {
                Chore::Leave => return,
                chore => self.work(chore, Instant::now()),
            }
        }
    }

    fn next(&self) -> Chore {
        let mut state = self.queue.state();
        loop {
            let now = Instant::now();
            if let Some(chore) = state.chore(now) {
                state.pace.rest = Rest::Awake;
                return chore;
            }
            let called = &self.queue.called;
            state = match state.rest(now) {
                None => called.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let wait = until.saturating_duration_since(now);
                    let waited = called.wait_timeout(state, wait);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    pub(super) fn work(&self, chore: Chore, now: Instant) {
        match chore {
            Chore::Write => self.write(),
            Chore::Sync => self.sync(now),
            Chore::Renew => self.renew(now),
            Chore::Spare => self.prepare(now),
            Chore::Leave => {}
        }
    }

    fn write(&self) {
        let mut state = self.queue.state();
        state.owed = false;
        self.queue.write(state);
    }

    /// Callers write meanwhile: what they write waits for the next sync.
    pub(super) fn sync(&self, now: Instant) {
        let mut state = self.queue.state();
        let next = state.appender.next;
        state.pace.syncs(now, next);
        let begun = state.appender.begin_sync();
        drop(state);
        let Some((file, last)) = begun else {
            return;
        };
        let result = file.sync();
        self.done(now, |state| {
            state.appender.end_sync(last, result);
            // Who sent something meanwhile has left it here.
            state.owed = state.waits();
        });
    }

    pub(super) fn renew(&self, now: Instant) {
        let mut state = self.queue.state();
        if state.appender.trouble.is_none() && state.appender.turn() {
            state.owed = state.waits();
            return;
        }
        let appender = &mut state.appender;
        let number = appender.segment.saturating_add(1);
        let base = appender.synced.saturating_add(1);
        // Nobody writes or syncs in trouble or without a segment, so nobody misses it.
        let tail = std::mem::take(&mut appender.tail);
        let spare = appender.spare.take();
        drop(state);
        if spare.is_some() {
            self.maker.discard(number);
        }
        let made = self.maker.make(number, base, &tail.bytes);
        self.done(now, |state| {
            state.appender.tail = tail;
            state.appender.renewed(made);
            state.owed = state.waits();
            state.given_up = state.closing && state.appender.trouble.is_some();
        });
    }

    /// If it cannot be made now, it is made when it is needed; only then a failure is trouble.
    pub(super) fn prepare(&self, now: Instant) {
        let number = self.queue.state().appender.segment.saturating_add(1);
        let made = self.maker.make(number, 0, &[]);
        let mut state = self.queue.state();
        match made {
            Ok(made) => state.appender.spare = Some(made),
            Err(_) => state.pace.failed(now),
        }
        state.owed = state.waits();
    }

    fn done(&self, now: Instant, end: impl FnOnce(&mut State)) {
        let mut state = self.queue.state();
        end(&mut state);
        if state.appender.trouble.is_some() {
            state.pace.failed(now);
        }
        let woken = state.synced();
        drop(state);
        wake(woken);
    }
}

impl State {
    /// What is to be done now. Nothing, too, where somebody who writes has to be waited for: who
    /// leaves the pen calls.
    pub(super) fn chore(&self, now: Instant) -> Option<Chore> {
        let appender = &self.appender;
        if appender.trouble.is_some() {
            return self.chore_in_trouble(now);
        }
        let waits = self.waits();
        let hurries = self.closing || self.wanted >= appender.next;
        let due = self.owed || hurries || self.pace.is_time_to_write(now);
        if waits && due && self.may_write() {
            return Some(Chore::Write);
        }
        let wanted = self.closing || self.wanted > appender.synced || appender.full;
        if appender.has_unsynced() && (wanted || self.pace.is_time_to_sync(now)) {
            return Some(Chore::Sync);
        }
        if self.closing && !waits {
            return Some(Chore::Leave);
        }
        if !appender.is_open() {
            return Some(Chore::Renew);
        }
        let half = appender.segment_bytes / 2;
        let short = appender.spare.is_none() && appender.end > half;
        (short && !self.closing && self.pace.may_retry(now)).then_some(Chore::Spare)
    }

    fn chore_in_trouble(&self, now: Instant) -> Option<Chore> {
        if !self.settled {
            return None;
        }
        if self.given_up {
            return Some(Chore::Leave);
        }
        let retry = self.closing || self.pace.may_retry(now);
        retry.then_some(Chore::Renew)
    }

    pub(super) fn rest(&mut self, now: Instant) -> Option<Instant> {
        if self.appender.trouble.is_some() {
            return self.pace.rest_in_trouble(self.settled);
        }
        let (waits, unsynced) = (self.waits(), self.appender.has_unsynced());
        self.pace.rest(now, waits, unsynced)
    }
}
