//! `vane check`: every problem and warning of the configuration, and of keys that depend on it.

use serde_json::{Value, json};

use vane_ledger::{KeyRecord, LedgerError, Store};

use super::settings::now;
use super::{Failure, Settings, terminal};
use crate::config::{Config, Place, Problem, Reading, Warning};
use crate::gateway::State;
use crate::relay::can_ask;

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        let mut reading = settings.read();
        if let Some(config) = settings.read().config {
            match Store::peek_falling(&config.database.0) {
                Ok(keys) => reading.problems = of_keys(config, &keys)?,
                // The configuration may well be read where the database cannot be.
                Err(why @ LedgerError::OpenServer { .. }) => reading.warnings.push(unseen(&why)),
                Err(why) => return Err(why.into()),
            }
        }
        if !reading.problems.is_empty() {
            reading.config = None;
        }
        terminal::read_or_not(if self.json {
            terminal::print_json(&as_json(&reading))
        } else {
            terminal::print(&as_text(&reading))
        })?;
        if reading.problems.is_empty() {
            Ok(())
        } else {
            Err(Failure::Reported)
        }
    }
}

fn unseen(why: &LedgerError) -> Warning {
    Warning(Problem {
        place: Place::Nowhere,
        key: String::new(),
        what: format!("keys were not looked at: {why}"),
    })
}

/// Keys that fall to a model which they cannot have.
fn of_keys(config: Config, keys: &[KeyRecord]) -> Result<Vec<Problem>, Failure> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let state = State::new(config)?;
    let working = keys.iter().filter(|key| key.works_at(now()));
    let problem = |key: &KeyRecord| {
        let model = key.limits.when_spent.as_deref()?;
        let fault = can_ask(&state, &key.limits, model).err()?;
        Some(Problem {
            place: Place::Nowhere,
            key: String::new(),
            what: format!("the key {} falls to a model: {}", key.id, fault.message),
        })
    };
    Ok(working.filter_map(problem).collect())
}

fn as_text(reading: &Reading) -> String {
    let problems = reading
        .problems
        .iter()
        .map(|problem| format!("problem: {problem}\n"));
    let warnings = reading
        .warnings
        .iter()
        .map(|warning| format!("warning: {warning}\n"));
    let summary = reading.config.iter().map(|config| {
        let on: Vec<&str> = config
            .providers
            .iter()
            .map(|provider| provider.id.as_str())
            .collect();
        let on = if on.is_empty() {
            "none".to_owned()
        } else {
            on.join(", ")
        };
        format!("ok: listens on {}, providers: {on}\n", config.listen)
    });
    problems.chain(warnings).chain(summary).collect()
}

fn as_json(reading: &Reading) -> Value {
    let problems: Vec<Value> = reading.problems.iter().map(problem).collect();
    let warnings: Vec<Value> = reading
        .warnings
        .iter()
        .map(|warning| problem(&warning.0))
        .collect();
    json!({ "ok": problems.is_empty(), "problems": problems, "warnings": warnings })
}

fn problem(problem: &Problem) -> Value {
    let Problem { place, key, what } = problem;
    match place {
        Place::File { path, line, column } => {
            json!({ "key": key, "what": what, "file": **path, "line": line, "column": column })
        }
        Place::Variable(name) => json!({ "key": key, "what": what, "variable": name }),
        Place::Nowhere => json!({ "key": key, "what": what }),
    }
}
