//! What offers did over hours and days, over all replicas and their lives.
//!
//! Calls count at their offer ([`Seen`](crate::upstream::Seen)). A thread takes those counts every
//! minute, adds them to the hour's in the database, and reads there what pages tell. Invariants: no
//! call and no page waits here or for the database; what nobody was asked is absent, never zero;
//! what the database does not take is kept and told, for a week at most.

mod course;
mod kept;
#[cfg(test)]
mod tests;

pub use course::{Course, DAY, HOUR, Span};

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use vane_ledger::{LedgerError, Store};

use crate::upstream::{Offers, Sums};
use course::begun;

/// How often note is taken of what offers did.
pub const EVERY: Duration = Duration::from_secs(60);
/// What the database did not take for so long is given up.
const UNWRITTEN_MAX: i64 = 7 * DAY;

/// What is known of all offers at one moment.
#[derive(Debug, Default)]
pub struct Past {
    offers: HashMap<String, Course>,
    /// Another one whenever another hour begins or something else is known.
    pub version: u64,
    hour: i64,
}

impl Past {
    #[must_use]
    pub fn of(&self, offer: &str) -> Option<&Course> {
        self.offers.get(offer)
    }
}

#[derive(Default)]
pub struct Chronicle {
    past: ArcSwap<Past>,
    /// Of one refresh at a time.
    notes: Mutex<Notes>,
}

/// What a refresh goes on from.
#[derive(Default)]
struct Notes {
    /// By hour and offer.
    unwritten: BTreeMap<(i64, String), Sums>,
    /// As the database had it.
    read: HashMap<String, Course>,
    /// The hour in which all of it was read.
    read_in: Option<i64>,
    trouble: Option<String>,
}

impl Chronicle {
    /// As of the last refresh, a minute ago at most.
    #[must_use]
    pub fn past(&self) -> Arc<Past> {
        self.past.load_full()
    }

    /// Takes what was counted since the last time, writes it down, and reads what all have written.
    pub fn refresh(&self, offers: &Offers, store: &Store, now: i64) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.gather(offers, now);
        let done = notes.write(store).and_then(|()| notes.read(store, now));
        notes.show(done.err());
        self.tell(notes.all(), now);
    }

    fn tell(&self, offers: HashMap<String, Course>, now: i64) {
        let (before, hour) = (self.past.load(), begun(now, HOUR));
        if before.hour != hour || before.offers != offers {
            let version = before.version + 1;
            self.past.store(Arc::new(Past {
                offers,
                version,
                hour,
            }));
        }
    }
}

impl Notes {
    fn gather(&mut self, offers: &Offers, now: i64) {
        let hour = begun(now, HOUR);
        for offer in offers.iter() {
            if let Some(sums) = offer.seen.take() {
                let id = offer.facts.id.to_string();
                self.unwritten.entry((hour, id)).or_default().merge(&sums);
            }
        }
        let oldest = (hour - UNWRITTEN_MAX, String::new());
        let given_up = self.unwritten.len();
        self.unwritten = self.unwritten.split_off(&oldest);
        let given_up = given_up - self.unwritten.len();
        if given_up > 0 {
            tracing::warn!(
                hours = given_up,
                "what offers did a week ago is given up: the database does not take it"
            );
        }
    }

    fn write(&mut self, store: &Store) -> Result<(), LedgerError> {
        match kept::add(store, &self.unwritten) {
            // Perhaps written: what may have been counted is not counted twice.
            Ok(()) | Err(LedgerError::CommitUnknown) => {}
            Err(error) => return Err(error),
        }
        // Until it is read again, which may fail.
        for ((hour, id), sums) in std::mem::take(&mut self.unwritten) {
            self.read.entry(id).or_default().add(hour, &sums);
        }
        Ok(())
    }

    /// What was written for hours that are long over comes late, and is seen once an hour.
    fn read(&mut self, store: &Store, now: i64) -> Result<(), LedgerError> {
        let hour = begun(now, HOUR);
        if self.read_in == Some(hour) {
            return kept::read_lately(store, &mut self.read, now);
        }
        kept::forget(store, now)?;
        self.read = kept::read(store, now)?;
        self.read_in = Some(hour);
        Ok(())
    }

    /// What is read and what is not written yet.
    fn all(&self) -> HashMap<String, Course> {
        let mut all = self.read.clone();
        for ((hour, id), sums) in &self.unwritten {
            all.entry(id.clone()).or_default().add(*hour, sums);
        }
        all
    }

    /// Says once what is the matter, and once that it is over.
    fn show(&mut self, error: Option<LedgerError>) {
        let why = error.map(|error| error.to_string());
        match &why {
            Some(why) if self.trouble.as_ref() != Some(why) => {
                tracing::warn!(%why, "what offers do cannot be kept; it is remembered");
            }
            None if self.trouble.is_some() => tracing::warn!("what offers do is kept again"),
            _ => {}
        }
        self.trouble = why;
    }
}
