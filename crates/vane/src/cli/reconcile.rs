//! `vane reconcile`: a provider's own account of what it served, beside our receipts.

use std::path::PathBuf;

use serde_json::{Value, json};
use vane_catalog::{Date, Money};
use vane_ledger::Store;

use super::settings::open_existing;
use super::{Failure, Settings, terminal};
use crate::config::catalog;
use crate::reconcile::{Difference, ExportDay, ProviderDay, Tolerance, compare, known_as, read};

const SECONDS_PER_DAY: i64 = 86_400;

#[derive(Debug, clap::Args)]
pub(super) struct Reconcile {
    /// The provider, by its id
    provider: String,
    /// Its export of usage or costs, CSV or JSON
    file: PathBuf,
    /// How far a number may lie from the provider's, in percent
    #[arg(long, value_name = "PERCENT", default_value = "0.5", value_parser = tolerance)]
    tolerance: Tolerance,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn tolerance(text: &str) -> Result<Tolerance, String> {
    Tolerance::parse(text).ok_or_else(|| "a percentage from 0 to 100, such as 0.5".to_owned())
}

impl Reconcile {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        let mut config = settings.config()?;
        for row in &mut config.providers {
            // A provider's words for models do not depend on which of them are served today.
            row.only = None;
        }
        let catalog = catalog(&config)?;
        let provider = self.provider.as_str();
        if catalog.provider(provider).is_none() {
            let said = format!("there is no provider {provider:?}; `vane models` names them");
            return Err(Failure::said(said));
        }
        let shown = self.file.display();
        let text = std::fs::read_to_string(&self.file)
            .map_err(|error| Failure::said(format!("cannot read {shown}: {error}")))?;
        let theirs = read(&text).map_err(|fault| Failure::said(format!("{shown}: {fault}")))?;
        let (from, until) = covered(&theirs);
        let store = open_existing(&config)?;
        if let Some(until) = store.gone_until(None)?.filter(|until| from < *until) {
            let (from, last) = (Date::of(from), Date::of(until - 1));
            return Err(Failure::said(format!(
                "{shown} begins with {from}, and receipts up to {last} were removed: \
                 compare days after that"
            )));
        }
        let days = provider_usage(&store, provider, from, until)?;
        let name = |model: &str| known_as(&catalog, provider, model);
        let differences = compare(&days.ours, &theirs, name, self.tolerance);
        let answered = compare(&days.ours_answered, &days.answered, name, self.tolerance);
        let found = differences.iter().chain(&answered);
        let above = found.filter(|found| found.above).count();
        terminal::read_or_not(self.show([&differences, &answered], above, from, until))?;
        if above == 0 {
            Ok(())
        } else {
            Err(Failure::Reported)
        }
    }

    fn show(
        &self,
        [found, answered]: [&[Difference]; 2],
        above: usize,
        from: i64,
        until: i64,
    ) -> Result<(), Failure> {
        if self.json {
            let rows = |found: &[Difference]| found.iter().map(as_json).collect::<Vec<Value>>();
            return terminal::print_json(&json!({
                "provider": self.provider,
                "from": Date::of(from).to_string(),
                "until": Date::of(until).to_string(),
                "differences": rows(found),
                "answered": rows(answered),
                "above": above,
            }));
        }
        let days = format!(
            "{} to {}",
            Date::of(from),
            Date::of(until - SECONDS_PER_DAY)
        );
        if found.is_empty() && answered.is_empty() {
            return terminal::print(&format!("{days}: no difference\n"));
        }
        let head =
            ["DAY", "MODEL", "WHAT", "OURS", "THEIRS", "APART", "PERCENT"].map(str::to_owned);
        let table = |found: &[Difference]| {
            let rows = found.iter().map(cells);
            terminal::table(
                &std::iter::once(head.clone())
                    .chain(rows)
                    .collect::<Vec<_>>(),
            )
        };
        let mut text = table(found);
        if !answered.is_empty() {
            text += &format!("\nwhat its own answers said:\n{}", table(answered));
        }
        let count = found.len() + answered.len();
        terminal::print(&format!(
            "{text}{days}: {count} differences, {above} above the tolerance\n"
        ))
    }
}

/// The first second of an export's first day, and the first after its last.
fn covered(theirs: &[ExportDay]) -> (i64, i64) {
    let days = theirs.iter().map(|row| row.day.starts_at());
    let (first, last) = (days.clone().min(), days.max());
    (
        first.unwrap_or(0),
        last.map_or(0, |last| last + SECONDS_PER_DAY),
    )
}

/// What the receipts say of a provider's days, and what its own answers said that they cost.
struct Days {
    ours: Vec<ProviderDay>,
    /// Of the calls whose answers said it.
    ours_answered: Vec<ProviderDay>,
    answered: Vec<ExportDay>,
}

fn provider_usage(store: &Store, provider: &str, from: i64, until: i64) -> Result<Days, Failure> {
    let mut days = Days {
        ours: Vec::new(),
        ours_answered: Vec::new(),
        answered: Vec::new(),
    };
    for row in store.provider_usage(provider, from, until)? {
        let day = day_of(&row);
        if row.reported > Money::ZERO {
            days.answered.push(ExportDay {
                day: day.day,
                model: Some(day.model.clone()),
                calls: None,
                input: None,
                output: None,
                cost: Some(row.reported),
            });
            let cost = row.reported_cost;
            days.ours_answered.push(ProviderDay {
                cost,
                ..day.clone()
            });
        }
        days.ours.push(day);
    }
    Ok(days)
}

fn day_of(row: &vane_ledger::ProviderDay) -> ProviderDay {
    let sum = |wanted: &[&str]| {
        let of = row
            .quantities
            .iter()
            .filter(|(bucket, _)| wanted.contains(&bucket.as_str()));
        of.map(|(_, quantity)| *quantity).sum()
    };
    ProviderDay {
        day: Date::of(row.day),
        model: row.model.clone(),
        calls: row.attempts.unsigned_abs(),
        input: sum(&["input", "cache_read", "cache_write", "cache_write_1h"]),
        output: sum(&["output", "reasoning"]),
        cost: row.cost,
    }
}

fn cells(found: &Difference) -> [String; 7] {
    let mark = if found.above { "" } else { " (within)" };
    let percent = found.percent.as_deref().unwrap_or("-");
    [
        found.day.to_string(),
        found.model.clone().unwrap_or_else(|| "all".to_owned()),
        found.field.name().to_owned(),
        found.ours.clone(),
        found.theirs.clone(),
        found.apart.clone(),
        format!("{percent}{mark}"),
    ]
}

fn as_json(found: &Difference) -> Value {
    json!({
        "day": found.day.to_string(),
        "model": found.model,
        "what": found.field.name(),
        "ours": found.ours,
        "theirs": found.theirs,
        "apart": found.apart,
        "percent": found.percent,
        "above": found.above,
    })
}
