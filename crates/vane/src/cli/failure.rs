//! Why a command failed.

use std::error::Error;
use std::io;

use vane_ledger::LedgerError;

use crate::config::Problem;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{}", configuration(.0))]
    Configuration(Vec<Problem>),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    #[error("{0}")]
    Said(String),
    #[error("{0}")]
    Other(#[from] anyhow::Error),
    /// Whoever ran the command stopped it, and it has said so.
    #[error("stopped")]
    Stopped,
    /// Nobody reads the output any more, as behind `head`. That is no failure.
    #[error("nobody reads the output any more")]
    Closed,
    /// The command has said everything itself.
    #[error("failed")]
    Reported,
}

impl Failure {
    pub fn said(text: impl Into<String>) -> Self {
        Self::Said(text.into())
    }

    /// For a log, whose readers look at lines.
    pub(super) fn in_one_line(&self) -> String {
        let text = told(self);
        let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let rest: Vec<&str> = rest.lines().map(str::trim).collect();
        format!("{first} {}", rest.join("; ")).trim_end().to_owned()
    }
}

/// What failed, and what caused it. Many errors say themselves what caused them: nothing is said
/// twice.
#[must_use]
pub fn told(error: &(dyn Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    said
}

fn configuration(problems: &[Problem]) -> String {
    match problems {
        [one] => one.to_string(),
        many => {
            let lines: Vec<String> = many
                .iter()
                .map(|problem| format!("\n  {problem}"))
                .collect();
            format!(
                "{} problems in the configuration:{}",
                many.len(),
                lines.concat()
            )
        }
    }
}
