//! The plan: offers to try for one call, best first, each with the reason for its place.

use crate::upstream::Offer;
use std::sync::Arc;
use vane_dialect::Dialect;

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
