//! A replica's part of the calls of one key at a time, where all replicas share that limit.
//!
//! A place is the replica's own before a call gets it. What it has is told as a whole each time, not
//! as a change, so an answer that was lost does no harm.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// This part of the limit may stay taken between calls, while others run.
const KEPT: u64 = 64;

#[derive(Debug, Default)]
pub(in crate::limits) struct Seats {
    limit: u64,
    /// Places that are this replica's own.
    taken: u64,
    /// Calls that wait for one.
    waiting: u64,
    /// Questions that were sent, and the last one that was answered.
    sent: u64,
    answered: u64,
    is_asking: bool,
}

impl Seats {
    pub(in crate::limits) fn holds(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// The server may have forgotten everything.
    pub(in crate::limits) fn renew(&mut self) {
        self.taken = 0;
    }

    /// Whether one more call may run beside these.
    pub(in crate::limits) fn fits(&mut self, limit: u64, running: &AtomicUsize) -> bool {
        self.holds(limit);
        count(running) < self.taken.min(limit)
    }

    /// Whether this replica alone has all of them in use.
    pub(in crate::limits) fn are_full(&self, running: &AtomicUsize) -> bool {
        count(running) >= self.limit
    }

    /// A call begins to wait; says which question is the last that did not count it.
    pub(in crate::limits) fn wait(&mut self) -> u64 {
        self.waiting += 1;
        self.sent
    }

    pub(in crate::limits) fn left(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// Whether a call that has waited since then has been heard.
    pub(in crate::limits) fn heard(&self, since: u64) -> bool {
        self.answered > since
    }

    /// Whether a question must be sent now; one is on its way at most.
    pub(in crate::limits) fn begins_to_ask(&mut self, running: &AtomicUsize) -> bool {
        let used = count(running) + self.waiting;
        let is_less = self.taken < used.min(self.limit);
        let kept = if used == 0 { 0 } else { self.limit / KEPT };
        let begins = self.limit > 0 && !self.is_asking && (is_less || self.taken > used + kept);
        self.is_asking |= begins;
        begins
    }

    /// The question: the limit, what is had in any case, what is wanted besides.
    pub(in crate::limits) fn question(&mut self, running: &AtomicUsize) -> Vec<u64> {
        let running = count(running);
        // What was taken for calls that still wait stays theirs: they have been told of it.
        let theirs = self.taken.saturating_sub(running).min(self.waiting);
        self.taken = running + theirs;
        self.sent += 1;
        let kept = match running + self.waiting {
            0 => 0,
            _ => self.limit / KEPT,
        };
        vec![self.limit, self.taken, self.waiting - theirs + kept]
    }

    pub(in crate::limits) fn answered(&mut self, taken: u64) {
        self.is_asking = false;
        self.answered = self.sent;
        self.taken = taken;
    }

    pub(in crate::limits) fn unanswered(&mut self) {
        self.is_asking = false;
        self.taken = 0;
    }
}

fn count(running: &AtomicUsize) -> u64 {
    u64::try_from(running.load(Relaxed)).unwrap_or(u64::MAX)
}
