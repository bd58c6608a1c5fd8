//! Purses that wait for what other replicas have to spare, and what this one returns to them.
//!
//! Invariant: a purse is refused only when all others have returned what nobody held of the account
//! after they were asked, or do not answer. For a moment after a recall nobody takes more of the
//! account than its calls want, so that money is idle nowhere while somebody waits for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lender::Desk;
use super::purse::{Purse, Wanted};
use crate::account::AccountId;
use crate::error::LedgerError;

/// How often it is looked whether others have answered.
pub(super) const WAIT: Duration = Duration::from_millis(20);
/// How often a replica looks whether others lack what it has.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Who has not answered by then is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// So long after a recall nothing is lent beyond what is wanted.
const SCARCE_FOR: Duration = Duration::from_secs(2);

/// What a lender knows of recalls.
#[derive(Default)]
pub(super) struct Recalls {
    waiting: Vec<Waiting>,
    /// When accounts were recalled last.
    scarce: HashMap<AccountId, Instant>,
    /// The last recall that was heeded.
    heeded: i64,
    looked: Option<Instant>,
    asked: Option<Instant>,
}

struct Waiting {
    purse: Arc<Purse>,
    wanted: Wanted,
    recall: i64,
    since: Instant,
}

impl Recalls {
    pub(super) fn are_awaited(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn is_scarce(&self, account: AccountId) -> bool {
        let since = self.scarce.get(&account);
        since.is_some_and(|since| since.elapsed() < SCARCE_FOR)
    }

    pub(super) fn wait(&mut self, purse: &Arc<Purse>, wanted: Wanted, recall: i64) {
        self.scarce.insert(purse.account, Instant::now());
        self.waiting.push(Waiting {
            purse: Arc::clone(purse),
            wanted,
            recall,
            since: Instant::now(),
        });
    }

    /// Adds to what a purse wants that waits already. False if it does not.
    pub(super) fn join(&mut self, purse: &Arc<Purse>, wanted: Wanted) -> bool {
        let same = |one: &&mut Waiting| Arc::ptr_eq(&one.purse, purse);
        let found = self.waiting.iter_mut().find(same);
        found.is_some_and(|one| {
            one.wanted.join(wanted);
            true
        })
    }

    /// All purses that wait, which do so no more.
    pub(super) fn give_up(&mut self) -> impl Iterator<Item = Arc<Purse>> {
        self.waiting.drain(..).map(|one| one.purse)
    }
}

impl Desk {
    /// Answers purses for which all others have returned what they could.
    pub(super) fn answer_waiting(&mut self) {
        let asked = self.recalls.asked;
        if !self.recalls.are_awaited() || asked.is_some_and(|at| at.elapsed() < WAIT) {
            return;
        }
        self.recalls.asked = Some(Instant::now());
        for one in std::mem::take(&mut self.recalls.waiting) {
            let (account, recall) = (one.purse.account, one.recall);
            let heeded = match self.store.is_heeded(&self.life, account, recall) {
                Ok(heeded) => heeded || one.since.elapsed() >= PATIENCE,
                // The answer says why.
                Err(_) => true,
            };
            match heeded {
                true => self.finally(&one.purse, one.wanted),
                false => self.recalls.waiting.push(one),
            }
        }
    }

    /// Returns what others lack and nobody holds here.
    pub(super) fn heed(&mut self) -> Result<(), LedgerError> {
        let looked = self.recalls.looked;
        if looked.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return Ok(());
        }
        self.recalls.looked = Some(Instant::now());
        let recalls = self.store.recalls(self.recalls.heeded)?;
        let Some(last) = recalls.iter().map(|(_, n)| *n).max() else {
            return Ok(());
        };
        let scarce = &mut self.recalls.scarce;
        scarce.retain(|_, since| since.elapsed() < SCARCE_FOR);
        for (account, _) in recalls {
            let purses = self.funds.of(account);
            if !purses.is_empty() {
                self.recalls.scarce.insert(account, Instant::now());
                self.take_back(&purses, Duration::ZERO)?;
            }
        }
        self.store.heed(&self.life, last)?;
        self.recalls.heeded = last;
        Ok(())
    }
}
