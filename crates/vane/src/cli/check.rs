//! `vane check`: every problem and warning of the configuration.

use serde_json::{Value, json};

use super::{Failure, Settings, terminal};
use crate::config::{Place, Problem, Reading};

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        let reading = settings.read();
        if self.json {
            terminal::print_json(&as_json(&reading))?;
        } else {
            terminal::print(&as_text(&reading))?;
        }
        if reading.problems.is_empty() {
            Ok(())
        } else {
            Err(Failure::Reported)
        }
    }
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
