//! The plan: offers to try for one call, best first, each with the reason for its place.

use crate::upstream::Offer;
use std::sync::Arc;
use vane_dialect::{Dialect, Usage};

#[derive(Clone)]
pub struct Plan {
    /// Never empty.
    pub choices: Vec<Choice>,
}

#[derive(Clone)]
pub struct Choice {
    pub offer: Arc<Offer>,
    /// The dialect it is asked in.
    pub dialect: Dialect,
    pub reason: String,
}

impl Choice {
    /// What the usage costs at this offer's rates of `at`, as exact decimal text.
    #[must_use]
    pub fn cost(&self, usage: &Usage, at: i64) -> Option<String> {
        Some(self.offer.facts.cost(usage, at).ok()?.total.to_string())
    }
}
