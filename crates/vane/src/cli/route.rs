//! `vane route`: which offers a call of a model would try, and why, without calling anyone.

use serde_json::json;

use super::{Failure, terminal};

/// One offer of a plan, best first.
pub struct PlanRow {
    pub offer: String,
    pub provider: String,
    /// The dialect it is asked in.
    pub dialect: String,
    /// Prices per million tokens, as `$0.30`.
    pub input: String,
    pub output: String,
    /// Why it stands where it does.
    pub reason: String,
}

/// Prints a plan.
///
/// # Errors
/// If standard output is gone.
pub fn print_plan(rows: &[PlanRow], json: bool) -> Result<(), Failure> {
    if json {
        let rows: Vec<_> = rows.iter().map(as_json).collect();
        return terminal::print_json(&json!({ "plan": rows }));
    }
    let head = ["", "OFFER", "PROVIDER", "DIALECT", "IN", "OUT", "WHY"].map(str::to_owned);
    let cells = rows.iter().enumerate().map(|(at, row)| {
        let PlanRow {
            offer,
            provider,
            dialect,
            input,
            output,
            reason,
        } = row;
        let place = (at + 1).to_string();
        [&place, offer, provider, dialect, input, output, reason].map(String::clone)
    });
    let table: Vec<_> = std::iter::once(head).chain(cells).collect();
    terminal::print(&terminal::table(&table))
}

fn as_json(row: &PlanRow) -> serde_json::Value {
    json!({
        "offer": row.offer,
        "provider": row.provider,
        "dialect": row.dialect,
        "input_per_million": row.input,
        "output_per_million": row.output,
        "reason": row.reason,
    })
}
