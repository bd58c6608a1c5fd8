//! Answers that Anthropic counts and does not bill.
//!
//! Invariant: what is billed in any case stays so; only what its documentation names is waived.

use super::blocks::Blocks;
use super::counts::Counts;
use crate::event::Stop;
use crate::json::Str;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The categories of refusals that are billed though nothing was written; all others are not, nor is
/// one without a category. "How refusals are billed" of Anthropic's "Refusals and fallback", since
/// 2026-09-24, on every platform.
const BILLED: [&str; 3] = ["bio", "frontier_llm", "reasoning_extraction"];

#[derive(Deserialize)]
struct Details<'a> {
    #[serde(borrow, default)]
    category: Option<Str<'a>>,
}

/// Says of the counts whether they are waived, as far as the answer is known: it was refused before
/// anything was written, or code at the provider made its calls and no model was asked.
pub(super) fn waive(counts: &mut Counts, blocks: &Blocks, stop: &Stop, details: Option<&RawValue>) {
    let is_refused = *stop == Stop::Refusal && !blocks.have_begun();
    let by_code = blocks.are_called_by_code() && counts.are_zero();
    counts.waived = (is_refused && !is_billed(details)) || by_code;
}

fn is_billed(details: Option<&RawValue>) -> bool {
    let details = details.map_or("null", RawValue::get);
    let details: Option<Details<'_>> = serde_json::from_str(details).unwrap_or_default();
    let category = details.and_then(|details| details.category);
    category.is_some_and(|Str(category)| BILLED.contains(&category.as_ref()))
}
