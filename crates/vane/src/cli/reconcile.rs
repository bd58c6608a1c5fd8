//! `vane reconcile`: a provider's own account of what it served, beside our receipts.

use std::path::PathBuf;

use serde_json::{Value, json};
use vane_catalog::Date;
use vane_ledger::Store;

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
        let config = settings.config()?;
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
        let store = settings.store()?;
        let ours = provider_usage(&store, provider, from, until)?;
        let name = |model: &str| known_as(&catalog, provider, model);
        let differences = compare(&ours, &theirs, name, self.tolerance);
        let above = differences.iter().filter(|found| found.above).count();
        self.show(&differences, above, from, until)?;
        if above == 0 {
            Ok(())
        } else {
            Err(Failure::Reported)
        }
    }

    fn show(
        &self,
        found: &[Difference],
        above: usize,
        from: i64,
        until: i64,
    ) -> Result<(), Failure> {
        if self.json {
            let rows: Vec<Value> = found.iter().map(as_json).collect();
            return terminal::print_json(&json!({
                "provider": self.provider,
                "from": Date::of(from).to_string(),
                "until": Date::of(until).to_string(),
                "differences": rows,
                "above": above,
            }));
        }
        if found.is_empty() {
            return terminal::print("no difference\n");
        }
        let head =
            ["DAY", "MODEL", "WHAT", "OURS", "THEIRS", "APART", "PERCENT"].map(str::to_owned);
        let table: Vec<_> = std::iter::once(head)
            .chain(found.iter().map(cells))
            .collect();
        let sum = format!("{} differences, {above} above the tolerance\n", found.len());
        terminal::print(&(terminal::table(&table) + &sum))
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

/// What the receipts say of a provider's calls between two instants.
fn provider_usage(
    _store: &Store,
    _provider: &str,
    _from: i64,
    _until: i64,
) -> Result<Vec<ProviderDay>, Failure> {
    Ok(Vec::new())
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
