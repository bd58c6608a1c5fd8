//! What offers did over hours and days.
//!
//! Calls count at their offer ([`Seen`](crate::upstream::Seen)). A thread takes those counts every
//! minute, into the hour of that minute, and makes of them what pages read. Invariants: no call and
//! no page waits here; what nobody was asked is absent, never zero; what is kept is bounded by
//! offers and hours.

mod course;
mod keeper;

pub use course::{Course, DAY, HOUR, Span};
pub use keeper::Keeper;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::upstream::Offers;

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
    known: ArcSwap<Past>,
    /// Of one refresh at a time.
    kept: Mutex<HashMap<String, Course>>,
}

impl Chronicle {
    /// As of the last refresh, a minute ago at most.
    #[must_use]
    pub fn past(&self) -> Arc<Past> {
        self.known.load_full()
    }

    /// Takes what was counted since the last time, and tells pages of it.
    pub fn refresh(&self, offers: &Offers, now: i64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for offer in offers.iter() {
            if let Some(sums) = offer.seen.take() {
                let course = kept.entry(offer.facts.id.to_string()).or_default();
                course.add(now, &sums);
            }
        }
        for course in kept.values_mut() {
            course.forget(now);
        }
        self.tell(&kept, now);
    }

    fn tell(&self, offers: &HashMap<String, Course>, now: i64) {
        let (before, hour) = (self.known.load(), course::begun(now, HOUR));
        if before.hour != hour || before.offers != *offers {
            let known = Past {
                offers: offers.clone(),
                version: before.version + 1,
                hour,
            };
            self.known.store(Arc::new(known));
        }
    }
}
