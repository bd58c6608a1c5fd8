//! `vane receipt`: receipts that are not needed any more.

mod archive;

use std::path::PathBuf;

use serde_json::json;
use vane_catalog::Date;
use vane_ledger::Removable;

use self::archive::Archive;
use super::settings::now;
use super::{Failure, Settings, terminal};
use crate::config::{KEEP_DAYS_MIN, quantity};
use crate::removal::remove;

const SECONDS_PER_DAY: i64 = 86_400;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Receipt {
    /// Remove the oldest receipts: balances, credit and usage by hour stay, and the books still hold
    #[command(
        after_help = "Examples:\n  vane receipt remove --before 2026-01-01\n  \
                            vane receipt remove --before 2026-01-01 --archive 2025.jsonl --yes\n  \
                            vane receipt remove --before 400d --yes --json"
    )]
    Remove(Remove),
}

#[derive(Debug, clap::Args)]
pub(super) struct Remove {
    /// The first day (UTC) of which receipts stay, or how long ago that is: 32 days at least
    #[arg(long, value_name = "DATE|400d", allow_hyphen_values = true)]
    before: String,
    /// A new file that gets what goes first, as JSON, a line for each receipt
    #[arg(long, value_name = "FILE")]
    archive: Option<PathBuf>,
    /// Remove them; without it, only say what would go
    #[arg(long)]
    yes: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Receipt {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        match self {
            Self::Remove(removal) => removal.run(settings),
        }
    }
}

impl Remove {
    fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        let before = before(&self.before, now())?;
        let store = settings.store()?;
        let found = store.removable(before)?;
        if !self.yes || found.receipts == 0 {
            return self.show(&found, None);
        }
        let mut archive = match &self.archive {
            Some(path) => Some(Archive::create(path, &store)?),
            None => None,
        };
        let gone = remove(
            &store,
            before,
            |removal| match &mut archive {
                Some(archive) => archive.write(removal.receipts()),
                None => Ok(()),
            },
            |gone| {
                terminal::note(&format!("{gone} of {} are gone", found.receipts));
                true
            },
        )?;
        self.show(&found, Some(gone))
    }

    fn show(&self, found: &Removable, gone: Option<u64>) -> Result<(), Failure> {
        let [oldest, newest] =
            [found.oldest_at, found.newest_at].map(|at| Date::of(at).to_string());
        let is_any = found.receipts > 0;
        if self.json {
            return terminal::print_json(&json!({
                "receipts": found.receipts,
                "oldest": is_any.then_some(&oldest),
                "newest": is_any.then_some(&newest),
                "removed": gone.unwrap_or_default(),
                "archive": gone.and(self.archive.as_ref()).map(|path| path.display().to_string()),
            }));
        }
        let count = found.receipts;
        terminal::print(&match gone {
            Some(gone) => format!("{gone} receipts are gone\n"),
            None if !is_any => "no receipt is that old\n".to_owned(),
            None => format!(
                "{count} receipts would go, of calls from {oldest} to {newest}; \
                 --yes removes them\n"
            ),
        })
    }
}

/// Reads a day, or a time from now back.
fn before(text: &str, now: i64) -> Result<i64, Failure> {
    let said = |problem: &str| {
        let text = terminal::printable(text);
        Failure::said(format!(
            "--before {text:?}: {problem}; write a day such as 2026-01-31 (UTC), or 400d"
        ))
    };
    let before = match Date::parse(text) {
        Some(day) => day.starts_at(),
        None => {
            let span =
                quantity::plain_duration(text).ok_or_else(|| said("is no day and no time"))?;
            now.saturating_sub(i64::try_from(span.as_secs()).unwrap_or(i64::MAX))
        }
    };
    if before > now.saturating_sub(KEEP_DAYS_MIN * SECONDS_PER_DAY) {
        let problem = format!("receipts of the last {KEEP_DAYS_MIN} days stay");
        return Err(said(&problem));
    }
    Ok(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_running_month_can_be_named() {
        const NOW: i64 = 1_796_000_000;
        assert_eq!(before("400d", NOW).unwrap(), NOW - 400 * 86_400);
        assert_eq!(before("32d", NOW).unwrap(), NOW - 32 * 86_400);
        assert_eq!(before("2026-01-31", NOW).unwrap(), 1_769_817_600);
        for (text, said) in [
            ("31d", "last 32 days stay"),
            ("0d", "last 32 days stay"),
            ("2099-01-01", "last 32 days stay"),
            ("", "is no day"),
            ("-400d", "is no day"),
            ("yesterday", "is no day"),
        ] {
            let error = before(text, NOW).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
