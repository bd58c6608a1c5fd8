//! Pages that were written today, compressed.
//!
//! Prices change by the UTC day and with the configuration, whose `State` this shelf is a part
//! of. Invariants: a page of another day is never given; only addresses without a query are kept,
//! so that what is kept is bounded by the catalogue, and by bytes besides; what was measured is told as it
//! was a minute ago at most.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use vane_catalog::{Catalog, Date};
use vane_ledger::Example;

use super::Page;
use super::listing::Listing;
use super::sheet::Sheet;

/// Far more than the pages of the built-in catalogue take.
const BYTES_MAX: usize = 32 << 20;

/// How many pages are written at a time: whoever asks for more waits, and calls keep the machine.
const WRITERS: usize = 2;

pub struct Shelf {
    day: Mutex<Option<Arc<Day>>>,
    pub(super) writers: Arc<Semaphore>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            day: Mutex::default(),
            writers: Arc::new(Semaphore::new(WRITERS)),
        }
    }
}

/// What was written on one day.
pub(super) struct Day {
    date: Date,
    pub(super) listing: Listing,
    pub(super) examples: Arc<Vec<Example>>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    bytes: usize,
    /// With the version of what was measured when each was written.
    pages: HashMap<(Page, String), (u64, Arc<Sheet>)>,
}

impl Shelf {
    /// The pages of the day of this instant, with these examples.
    pub(super) fn day(&self, catalog: &Catalog, now: i64, examples: Arc<Vec<Example>>) -> Arc<Day> {
        let mut day = self.day.lock().unwrap_or_else(PoisonError::into_inner);
        let date = Date::of(now);
        let is_it = |day: &&Arc<Day>| day.date == date && Arc::ptr_eq(&day.examples, &examples);
        match day.as_ref().filter(is_it) {
            Some(day) => day.clone(),
            None => {
                let new = Arc::new(Day {
                    date,
                    listing: Listing::of(catalog, now),
                    examples,
                    kept: Mutex::default(),
                });
                *day = Some(new.clone());
                new
            }
        }
    }
}

impl Day {
    pub(super) fn get(&self, page: Page, rest: &str, version: u64) -> Option<Arc<Sheet>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (written, sheet) = kept.pages.get(&(page, rest.to_owned()))?;
        let is_measured = matches!(page, Page::Model | Page::Provider);
        let is_fresh = !is_measured || *written == version;
        is_fresh.then(|| sheet.clone())
    }

    pub(super) fn keep(&self, page: Page, rest: String, version: u64, sheet: &Arc<Sheet>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + sheet.size() > BYTES_MAX {
            return;
        }
        kept.bytes += sheet.size();
        if let Some((_, before)) = kept.pages.insert((page, rest), (version, sheet.clone())) {
            kept.bytes -= before.size();
        }
    }
}
