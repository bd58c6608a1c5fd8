//! What a life of a replica does as long as it goes on: it says so, and settles what others left
//! who do not say so any more.
//!
//! A life that the others have ended, because it was not heard of for long, or that the database does
//! not know as far as it got, because that fell back, is followed by another in the same process:
//! what the journal has is entered first, and then what was lent before is
//! returned (by the lender), before any money is held again. Only when some other process lives as
//! this instance, or the database does not know the instance at all, is there nothing to be done but
//! to stop.

use std::time::Instant;

use super::desk::Desk;
use super::{ReplicaError, record};
use crate::error::LedgerError;
use crate::store::RENEW_EVERY;

fn is_recent(at: Instant) -> bool {
    at.elapsed() < RENEW_EVERY
}

/// Commits of one sweep; what is left after them is met by the next.
const COMMITS_MAX: usize = 64;

impl Desk {
    /// Says that this life goes on, when it is time to.
    pub(super) fn say(&mut self) -> Result<(), LedgerError> {
        if !self.store.is_shared() || self.said.is_some_and(is_recent) {
            return Ok(());
        }
        let asked = Instant::now();
        self.store.renew_instance(&self.life)?;
        self.shared.lifeline.seen(asked);
        self.said = Some(asked);
        Ok(())
    }

    /// Does what a life does, and brings in what there is. If it is over, begins another.
    pub(super) fn live(&mut self) -> Result<(), ReplicaError> {
        match self.go() {
            Err(ReplicaError::Ledger(error)) if error.ends_a_life() => {
                self.begin_again(&error)?;
                self.go()
            }
            done => done,
        }
    }

    fn go(&mut self) -> Result<(), ReplicaError> {
        self.say()?;
        if self.is_anew {
            // What was settled before is charged before the same money can be lent again.
            self.catch_up()?;
            self.is_anew = false;
            self.shared.lifeline.begin(self.life.epoch);
        }
        if self.store.is_shared() && !self.swept.is_some_and(is_recent) {
            self.swept = Some(Instant::now());
            self.sweep();
        }
        self.catch_up()
    }

    fn begin_again(&mut self, over: &LedgerError) -> Result<(), ReplicaError> {
        let lifeline = &self.shared.lifeline;
        self.is_anew = true;
        let why = match over {
            LedgerError::FellBack { .. } => format!("{over}; this process begins anew"),
            _ => "this process was not heard of for so long that others returned its money; it \
                  begins anew"
                .to_owned(),
        };
        let error = match self.store.begin_again(&self.life, self.clock.now()) {
            Ok(life) => {
                lifeline.end(why);
                return self.go_on(life);
            }
            Err(error) => error,
        };
        match error {
            LedgerError::LifeOver { .. } if !self.store.is_shared() => lifeline.end(
                "another process has begun to serve this database; stop one of the two, then \
                 restart the other"
                    .to_owned(),
            ),
            LedgerError::LifeOver { instance } => lifeline.end(format!(
                "another process lives as instance {instance}; was the folder of the \
                 journal copied? Stop one of the two, then restart the other with a \
                 folder of its own (`journal`)"
            )),
            LedgerError::NotBegun { instance } => lifeline.end(format!(
                "the database does not know instance {instance} any more: it is older than this \
                 process; docs/operations.md says how to go on"
            )),
            // It is away: asked again.
            _ => {}
        }
        Err(error.into())
    }

    /// Settles what the dead have left, some of it.
    fn sweep(&self) {
        let mut done = 0_usize;
        for _ in 0..COMMITS_MAX {
            let word = |word: &[u8]| record::read(word).ok();
            match self.store.sweep(&self.life, self.clock.now(), word) {
                Ok(0) => break,
                Ok(some) => done = done.saturating_add(some),
                // Its own journal goes on all the same; the next look tries again.
                Err(error) => {
                    tracing::error!(%error, "what a dead process left cannot be settled");
                    break;
                }
            }
        }
        if done > 0 {
            tracing::warn!(
                done,
                "calls and leases of processes that are gone were settled"
            );
        }
    }
}
