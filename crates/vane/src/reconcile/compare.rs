//! Day by day and model by model: where the two sides differ.

use std::collections::BTreeMap;

use vane_catalog::{Date, Money};

use super::amount::percent_half_up;
use super::{ExportDay, ProviderDay, Tolerance};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Calls,
    Input,
    Output,
    Cost,
}

impl Field {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Input => "input_tokens",
            Self::Output => "output_tokens",
            Self::Cost => "cost",
        }
    }
}

/// One number that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub day: Date,
    /// None where the export is of all models together.
    pub model: Option<String>,
    pub field: Field,
    /// Counts, or dollars.
    pub ours: String,
    pub theirs: String,
    /// Ours less theirs.
    pub apart: String,
    /// Of theirs; none where theirs is nothing.
    pub percent: Option<String>,
    /// Beyond the tolerance.
    pub above: bool,
}

/// Our sums of one day and model.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    calls: i128,
    input: i128,
    output: i128,
    cost: i128,
}

/// Every difference on the days of the export, in the order of days and models. `known_as` gives
/// both sides one name for a model.
#[must_use]
pub fn compare(
    ours: &[ProviderDay],
    theirs: &[ExportDay],
    known_as: impl Fn(&str) -> String,
    tolerance: Tolerance,
) -> Vec<Difference> {
    let named = theirs.iter().any(|row| row.model.is_some());
    let name = |model: &str| named.then(|| known_as(model));
    let mut sides: BTreeMap<(Date, Option<String>), (Sums, Sums)> = BTreeMap::new();
    for row in theirs {
        let model = row.model.as_deref().and_then(name);
        let (_, sums) = sides.entry((row.day, model)).or_default();
        sums.calls += i128::from(row.calls.unwrap_or(0));
        sums.input += i128::from(row.input.unwrap_or(0));
        sums.output += i128::from(row.output.unwrap_or(0));
        sums.cost += i128::from(row.cost.unwrap_or(Money::ZERO).pico());
    }
    let (first, last) = (
        theirs.iter().map(|row| row.day).min(),
        theirs.iter().map(|row| row.day).max(),
    );
    let covered = |row: &&ProviderDay| Some(row.day) >= first && Some(row.day) <= last;
    for row in ours.iter().filter(covered) {
        let (sums, _) = sides.entry((row.day, name(&row.model))).or_default();
        sums.calls += i128::from(row.calls);
        sums.input += i128::from(row.input);
        sums.output += i128::from(row.output);
        sums.cost += i128::from(row.cost.pico());
    }
    // What no row of the export states is not compared.
    let stated = [
        (Field::Calls, theirs.iter().any(|row| row.calls.is_some())),
        (Field::Input, theirs.iter().any(|row| row.input.is_some())),
        (Field::Output, theirs.iter().any(|row| row.output.is_some())),
        (Field::Cost, theirs.iter().any(|row| row.cost.is_some())),
    ];
    let mut differences = Vec::new();
    for ((day, model), (ours, theirs)) in sides {
        for (field, _) in stated.iter().filter(|(_, stated)| *stated) {
            let (ours, theirs) = (ours.get(*field), theirs.get(*field));
            if ours != theirs {
                differences.push(Difference {
                    day,
                    model: model.clone(),
                    field: *field,
                    ours: shown(*field, ours),
                    theirs: shown(*field, theirs),
                    apart: shown(*field, ours - theirs),
                    percent: percent_half_up(ours, theirs),
                    above: tolerance.is_exceeded(ours, theirs),
                });
            }
        }
    }
    differences
}

impl Sums {
    fn get(&self, field: Field) -> i128 {
        match field {
            Field::Calls => self.calls,
            Field::Input => self.input,
            Field::Output => self.output,
            Field::Cost => self.cost,
        }
    }
}

fn shown(field: Field, number: i128) -> String {
    match (field, i64::try_from(number)) {
        (Field::Cost, Ok(pico)) => Money::from_pico(pico).to_string(),
        (Field::Cost, Err(_)) => format!("{number}e-12"),
        (Field::Calls | Field::Input | Field::Output, _) => number.to_string(),
    }
}
