//! The hours of the last day in which a provider failed, as an Atom feed.
//!
//! Invariant: an hour is told once it is over, under an id that stays; so a reader is told once.

use askama::Template;
use vane_catalog::Date;

use super::super::View;
use super::super::chart::FAIR;
use super::super::measured::Cell;
use super::{ProviderLine, Status};
use crate::chronicle::{DAY, HOUR};
use crate::upstream::Measured;

#[derive(Template)]
#[template(path = "status.atom", escape = "html")]
pub(super) struct Feed {
    origin: String,
    updated: String,
    entries: Vec<Entry>,
}

struct Entry {
    provider: String,
    href: String,
    /// What sets it apart from all others, for ever.
    key: String,
    when: String,
    updated: String,
    measured: Measured,
}

impl Feed {
    pub(super) fn of(view: &View<'_>, status: &Status) -> Self {
        let lines = status.providers.iter();
        let mut entries: Vec<(i64, Entry)> =
            lines.flat_map(|line| entries(line, view.now)).collect();
        entries.sort_by_key(|(begun, _)| std::cmp::Reverse(*begun));
        let newest = entries.first().map(|(begun, _)| begun + HOUR);
        Self {
            origin: view.origin.clone(),
            // Where nothing failed, that was so until the hour that runs.
            updated: instant(newest.unwrap_or(view.now - view.now.rem_euclid(HOUR))),
            entries: entries.into_iter().map(|(_, entry)| entry).collect(),
        }
    }
}

fn entries(line: &ProviderLine, now: i64) -> Vec<(i64, Entry)> {
    let lately = line.lately.iter();
    let hours = lately.flat_map(|lately| &lately.hours);
    let over = hours.filter(|cell| cell.begun + HOUR <= now);
    let failed = over.filter_map(|cell| {
        let measured = cell.measured?;
        let is_poor = measured.answered_per_10_000 < FAIR;
        is_poor.then(|| (cell.begun, entry(line, cell, measured)))
    });
    failed.collect()
}

fn entry(line: &ProviderLine, cell: &Cell, measured: Measured) -> Entry {
    Entry {
        provider: line.provider.name.clone(),
        href: line.provider.href.clone(),
        key: format!("{}:{}", line.provider.id, cell.begun),
        when: cell.when.clone(),
        updated: instant(cell.begun + HOUR),
        measured,
    }
}

/// `2026-11-21T14:00:00Z`, of an instant at which an hour begins.
fn instant(at: i64) -> String {
    format!("{}T{:02}:00:00Z", Date::of(at), at.rem_euclid(DAY) / HOUR)
}
