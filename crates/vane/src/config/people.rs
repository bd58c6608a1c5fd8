//! `[people]`: who may sign up, and how long whoever signed in stays so.
//!
//! Invariant: nobody comes in by themselves unless the operator said so, and whoever does so pays
//! with credit: without a credit for it there is no open sign-up.

use super::People;
use super::read::{integer, one_of};
use super::section::Section;

const DAYS_MAX: u64 = 365;
const SIGN_UPS_MAX: u64 = 1_000_000;

/// Who may make a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Whoever holds a link that the operator made.
    Closed,
    /// Whoever was invited by an owner or admin of an account, too.
    Invited,
    /// Anybody, with the credit of `credits.sign_up`.
    Open,
}

const ENTRIES: [(&str, Entry); 3] = [
    ("closed", Entry::Closed),
    ("invited", Entry::Invited),
    ("open", Entry::Open),
];

impl People {
    pub(super) fn read(mut section: Section<'_>, has_credit: bool) -> Self {
        let entry = section.take("sign_up", one_of(&ENTRIES));
        if entry == Some(Entry::Open) && !has_credit {
            let what = "is \"open\", and `credits.sign_up` gives who comes no credit to spend";
            section.problem("sign_up", what);
        }
        let mut days = |key, usual| {
            let days = section.take(key, integer(1..=DAYS_MAX));
            days.and_then(|days| i64::try_from(days).ok())
                .unwrap_or(usual)
        };
        let (idle_days, session_days) = (days("idle_days", 7), days("session_days", 30));
        let per_day = section.take("sign_ups_per_day", integer(1..=SIGN_UPS_MAX));
        section.finish();
        Self {
            entry: entry.unwrap_or(Entry::Closed),
            idle_days,
            session_days,
            sign_ups_per_day: per_day.and_then(|n| i64::try_from(n).ok()).unwrap_or(100),
        }
    }
}
