//! `vane audit --journal`: what of the journal is readable. Nothing in it is changed, and the
//! database is not asked.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use vane_ledger::journal::{Inspection, JournalError, SegmentReport, inspect};
use vane_ledger::replica::{self, OPENED, SETTLED};

use crate::cli::{Failure, Settings, terminal};

const NEXT_STEP: &str = "keep the folder; put back a copy of it that is of the same time as the database. Without \
     one, move it away: Vane starts with an empty journal, and calls whose records were not in \
     the database yet have no receipt";

pub(super) fn show(settings: &Settings<'_>, as_json: bool) -> Result<(), Failure> {
    let config = settings.books()?;
    let kept = replica::Settings {
        journal: config.journal,
        ..replica::Settings::default()
    };
    let none = || Failure::said("a database in memory has no journal that stays");
    let folder = kept.folder(&config.database.0).ok_or_else(none)?;
    if !folder.is_dir() {
        let what = "there is no journal; `journal` in the configuration names another folder";
        return Err(Failure::said(format!("{}: {what}", folder.display())));
    }
    let told = inspect(&folder).map_err(|error| Failure::said(error.to_string()))?;
    terminal::read_or_not(if as_json {
        terminal::print_json(&object(&folder, &told))
    } else {
        terminal::print(&text(&folder, &told))
    })?;
    if told.damage.is_none() {
        return Ok(());
    }
    if !as_json {
        terminal::note(NEXT_STEP);
    }
    Err(Failure::Reported)
}

fn text(folder: &Path, told: &Inspection) -> String {
    let head = ["FILE", "RECORDS", "OPENED", "SETTLED", "BYTES", "END"].map(str::to_owned);
    let rows = told.segments.iter().map(|segment| {
        [
            segment.file.clone(),
            range((segment.base, segment.next)).unwrap_or_else(|| "none".to_owned()),
            count(segment, OPENED).to_string(),
            count(segment, SETTLED).to_string(),
            segment.bytes.to_string(),
            if segment.torn { "torn" } else { "" }.to_owned(),
        ]
    });
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    let verdict = match &told.damage {
        Some(JournalError::Damaged { file, offset, why }) => {
            format!("damaged: {file} at byte {offset}: {why}\n")
        }
        Some(other) => format!("damaged: {other}\n"),
        None => "ok\n".to_owned(),
    };
    let ranges: Vec<String> = readable(told).into_iter().filter_map(range).collect();
    let ranges = match &ranges[..] {
        [] => "nothing".to_owned(),
        some => format!("records {}", some.join(", ")),
    };
    let table = terminal::table(&rows);
    let folder = folder.display().to_string();
    terminal::printable(&format!("{folder}\n{table}readable: {ranges}\n{verdict}"))
}

fn object(folder: &Path, told: &Inspection) -> Value {
    let segments = told.segments.iter().map(|segment| {
        json!({
            "file": segment.file,
            "epoch": segment.epoch,
            "from": segment.base,
            "until": segment.next,
            "bytes": segment.bytes,
            "opened": count(segment, OPENED),
            "settled": count(segment, SETTLED),
            "records": by_kind(&segment.records),
            "taken_back": segment.void,
            "torn": segment.torn,
        })
    });
    let damage = told.damage.as_ref().map(|damage| match damage {
        JournalError::Damaged { file, offset, why } => {
            json!({ "file": file, "offset": offset, "why": why })
        }
        other => json!({ "why": other.to_string() }),
    });
    json!({
        "ok": told.damage.is_none(),
        "folder": folder.display().to_string(),
        "segments": segments.collect::<Vec<_>>(),
        "damage": damage,
    })
}

fn count(segment: &SegmentReport, kind: u8) -> u64 {
    segment.records.get(&kind).copied().unwrap_or(0)
}

/// How many records of each kind, also of those that another version wrote.
fn by_kind(records: &BTreeMap<u8, u64>) -> Value {
    let rows = records.iter();
    rows.map(|(kind, count)| (kind.to_string(), Value::from(*count)))
        .collect()
}

/// From a first record to the one after the last, as far as nothing is missing in between.
fn readable(told: &Inspection) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for segment in &told.segments {
        match ranges.last_mut() {
            Some((_, until)) if *until == segment.base => *until = segment.next,
            _ => ranges.push((segment.base, segment.next)),
        }
    }
    ranges
}

fn range((from, until): (u64, u64)) -> Option<String> {
    match until.checked_sub(1)? {
        last if last < from => None,
        last if last == from => Some(from.to_string()),
        last => Some(format!("{from}-{last}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(base: u64, next: u64) -> SegmentReport {
        SegmentReport {
            file: format!("{base}.journal"),
            instance: [0; 16],
            epoch: 1,
            base,
            next,
            bytes: 64,
            records: BTreeMap::from([(OPENED, 1), (SETTLED, 2), (9, 3)]),
            void: 0,
            torn: false,
        }
    }

    #[test]
    fn what_is_readable_is_told_with_its_gaps() {
        for (segments, said) in [
            (&[][..], "readable: nothing"),
            (&[(1, 1)], "readable: nothing"),
            (&[(1, 4), (4, 6)], "readable: records 1-5\n"),
            (&[(1, 4), (6, 7), (7, 7)], "readable: records 1-3, 6\n"),
        ] {
            let segments = segments.iter();
            let told = Inspection {
                segments: segments.map(|(base, next)| segment(*base, *next)).collect(),
                damage: None,
            };
            let text = text(Path::new("vane.journal"), &told);
            assert!(text.contains(said) && text.ends_with("ok\n"), "{text}");
        }
    }
}
