//! The plan: offers to try for one call, best first, each with the reason for its place.

use super::slice::Slice;
use crate::upstream::Offer;
use std::borrow::Cow;
use std::sync::Arc;
use vane_catalog::{Cost, Unpriced};
use vane_dialect::{Dialect, Usage};

#[derive(Clone, Default)]
pub struct Plan {
    /// Never empty once a call is routed.
    pub choices: Vec<Choice>,
    /// Offers that serve the model and cannot take this call.
    pub left_out: Vec<LeftOut>,
    /// The most output that there is money for, of each answer, where its client set no limit and
    /// there is not enough for all that the model may write.
    pub output_max: Option<u64>,
    /// The key's budget does not pay for the model that was asked for: these are of the one that it
    /// falls to.
    pub falls_to: bool,
    /// Where what is shown is paid for as it comes.
    pub(super) slice: Option<Slice>,
}

/// An offer that is not in the plan, and why.
#[derive(Clone)]
pub struct LeftOut {
    pub offer: Arc<Offer>,
    pub reason: String,
}

#[derive(Clone)]
pub struct Choice {
    pub offer: Arc<Offer>,
    /// The dialect it is asked in.
    pub dialect: Dialect,
    pub reason: Cow<'static, str>,
    /// No more than this is read of the call, where its model's own tokenizer has counted it.
    pub input_max: Option<u64>,
}

/// What a usage costs at an offer's rates of `at`: what a stream tells, and what is settled. Nobody
/// asked for a tier that has no rate: an answer that was given at one costs the customer what any
/// other does, and `unasked` is told why.
///
/// # Errors
/// When it has no cost at the standard rates either.
pub(super) fn cost(
    offer: &Offer,
    usage: &Usage,
    at: i64,
    unasked: impl FnOnce(Unpriced),
) -> Result<Cost, Unpriced> {
    offer.facts.cost(usage, at).or_else(|unpriced| {
        unasked(unpriced);
        offer.facts.cost(&usage.at_standard(), at)
    })
}
