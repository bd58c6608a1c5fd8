//! Examples of the model that is part of the program: runs of its weights, with no randomness.
//!
//! Invariant: asked again, the weights answer just this (`examples_that_come_with_vane_are_what_the_weights_answer`).

use serde::Deserialize;
use serde_json::json;
use vane_catalog::{Date, Money};
use vane_ledger::{Example, NewExample};

use crate::local::TINY;
use crate::playground::Mode;

const RUNS: &str = include_str!("../../../../../weights/examples.json");

#[derive(Default, Deserialize)]
struct Runs {
    made_on: String,
    examples: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    title: String,
    before: String,
    after: String,
    max_tokens: u32,
    stop: String,
    answer: String,
}

pub(super) fn all() -> Vec<Example> {
    // A test reads them: there are always some.
    let runs: Runs = serde_json::from_str(RUNS).unwrap_or_default();
    let made_at = Date::parse(&runs.made_on).map_or(0, Date::starts_at);
    let examples = runs.examples.into_iter().enumerate();
    examples
        .map(|(place, run)| Example {
            id: format!("{TINY}-{}", place + 1),
            run: run.of_the_playground(),
            provider: "local".to_owned(),
            cost: Some(Money::ZERO),
            made_at,
        })
        .collect()
}

impl Run {
    fn of_the_playground(self) -> NewExample {
        let asked = json!({
            "prompt": self.before,
            "suffix": self.after,
            "max_tokens": self.max_tokens.to_string(),
            "temperature": "0",
            "stop": self.stop,
        });
        NewExample {
            title: self.title,
            model: TINY.to_owned(),
            mode: Mode::Fim.name().to_owned(),
            asked: asked.to_string(),
            answer: self.answer,
            call: None,
        }
    }
}
