//! What the books are told of a call: its attempts, what each used, and who pays.

use super::bound;
use super::decode::RawCall;
use super::meter::{Basis, Counts};
use super::plan::{Choice, Plan};
use super::settle::Outcome;
use std::time::Duration;
use vane_catalog::{Cost, Money};
use vane_dialect::Fault;
use vane_ledger::book::{Attempt, Ended, Line, Status, Times};

/// So much is kept of a fault's words, and of the names of what was left out.
const TEXT_BYTES_MAX: usize = 200;
/// No model is known to read more, where its own limit is not known.
const CONTEXT_ASSUMED: u64 = 1 << 24;

/// What counts of the call are judged by, at an offer.
///
/// # Errors
/// When a limit that the client sets is no number.
pub(super) fn basis(call: &RawCall, plan: &Plan, choice: &Choice) -> Result<Basis, Fault> {
    let facts = &choice.offer.facts;
    let input_bytes = call.head.body().len() as u64;
    let mut output_max = bound::output_max(call, choice)?;
    if let Some(most) = plan.output_max {
        output_max = output_max.min(most.saturating_mul(bound::answers(call)?));
    }
    // All that the model can read and write, or all that the body may hold.
    let window = facts.context_window.unwrap_or(CONTEXT_ASSUMED);
    let window = window.saturating_add(facts.max_output.unwrap_or_default());
    let reads = match bound::reads(call, choice) {
        true => call.hosted.reads,
        false => 0,
    };
    // Each time that a tool of the provider's ran, all of it was read again.
    let window = window.saturating_mul(reads.saturating_add(1));
    Ok(Basis {
        input_tokens: call.head.tokens(),
        search_context: call.hosted.search_context,
        output_max,
        reads: reads > 0,
        quantity_max: window.max(input_bytes.saturating_add(output_max)),
    })
}

/// An attempt that was just begun, so long after its call.
pub(super) fn begun(
    offer: &vane_catalog::Offer,
    basis: &Basis,
    dropped: &[String],
    after: Duration,
) -> Attempt {
    Attempt {
        provider: offer.provider.to_string(),
        model: offer.upstream.to_string(),
        rate_version: String::new(),
        outcome: Ended::Interrupted,
        method: String::new(),
        fault: String::new(),
        times: Times {
            began_ms: millis(after),
            ..Times::default()
        },
        dropped: named(dropped),
        quantity_max: basis.quantity_max,
        lines: Vec::new(),
    }
}

/// Tells of an attempt what it used and what that costs.
pub(super) fn priced(attempt: &mut Attempt, counts: &Counts, cost: &Cost) {
    attempt.rate_version = cost.rate_version.to_string();
    attempt.method = counts.counted.name().to_owned();
    if counts.clamped {
        attempt.method += ", clamped";
    }
    attempt.lines = cost.lines.iter().map(line).collect();
}

fn line(line: &vane_catalog::Line) -> Line {
    Line {
        bucket: line.bucket.name().to_owned(),
        quantity: line.quantity,
        price: Money::from_pico(line.rate.pico_per_token()),
    }
}

/// Tells of an attempt how it ended, and after how long.
pub(super) fn ended(attempt: &mut Attempt, ended: Ended, took: Duration) {
    attempt.outcome = ended;
    attempt.times.took_ms = millis(took);
}

/// Tells of an attempt why it failed. Nobody pays for it.
pub(super) fn failed(attempt: &mut Attempt, fault: &Fault, took: Duration) {
    ended(attempt, Ended::FailedUnbilled, took);
    attempt.lines.clear();
    attempt.fault = cut(format!("{:?}: {fault}", fault.kind));
}

pub(super) fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}

/// Names that fit, as `vane-dropped` has them.
fn named(dropped: &[String]) -> String {
    let mut text = String::new();
    for (n, name) in dropped.iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        if text.len() + name.len() >= TEXT_BYTES_MAX {
            return text + comma + "...";
        }
        text.push_str(comma);
        text.push_str(name);
    }
    text
}

pub(super) fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// How the books call the end of a call, and of its last attempt.
pub(super) const fn ending(outcome: Outcome) -> (Status, Ended) {
    match outcome {
        Outcome::Done => (Status::Done, Ended::Done),
        Outcome::Stopped => (Status::Stopped, Ended::Interrupted),
        Outcome::Refused => (Status::Failed, Ended::FailedUnbilled),
        Outcome::Broken => (Status::Failed, Ended::FailedBilled),
        Outcome::ClientGone => (Status::ClientGone, Ended::Interrupted),
    }
}
