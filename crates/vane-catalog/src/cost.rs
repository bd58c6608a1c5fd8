//! Usage to cost, line by line.
//!
//! Invariants: no line is negative; quantity times rate is the amount of the line, to the last
//! digit; the lines sum to the total; the same usage at the same instant costs the same whether
//! it was streamed, translated or neither, because only the usage is looked at.

use std::fmt;
use std::sync::Arc;

use vane_dialect::usage::{Tier, Unit, Units, Usage};

use crate::money::Money;
use crate::rate::Rate;
use crate::rates::Rates;
use crate::standing::Standing;

/// What an answer cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    pub lines: Vec<Line>,
    pub total: Money,
    /// What was used and has no price: not in the total, and said wherever the cost is.
    pub unpriced: Units,
    /// The version of the rates that were used.
    pub rate_version: Arc<str>,
}

/// One bucket of tokens or uses, its rate and what they come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    pub bucket: Bucket,
    pub quantity: u64,
    pub rate: Rate,
    pub amount: Money,
}

/// Tokens or uses that share a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    Input,
    CacheRead,
    CacheWrite,
    CacheWrite1h,
    /// All output, or all that is not reasoning where reasoning has a rate of its own.
    Output,
    Reasoning,
    /// What is billed by the piece.
    Use(Unit),
}

impl Bucket {
    /// The word used in receipts, tables and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CacheRead => "cache_read",
            Self::CacheWrite => "cache_write",
            Self::CacheWrite1h => "cache_write_1h",
            Self::Output => "output",
            Self::Reasoning => "reasoning",
            Self::Use(unit) => unit.name(),
        }
    }
}

/// Why an answer has no cost. It is never taken for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpriced {
    /// The rates are zero and nobody said `free`.
    NotFree,
    /// Served at priority, which these rates do not price.
    Priority,
    /// Served at a faster speed, which these rates do not price.
    Fast,
    /// More than an amount of money can hold.
    TooLarge,
}

impl fmt::Display for Unpriced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFree => "the price is zero and `free = true` is not said",
            Self::Priority => "the priority tier is not priced",
            Self::Fast => "the fast speed is not priced",
            Self::TooLarge => "the amount is too large",
        })
    }
}

impl std::error::Error for Unpriced {}

impl Rates {
    /// The lines of an answer under these rates. An audit calls this with a stored row. Units
    /// without a fee have no line: [`Cost::unpriced`] names them. What is waived has none either.
    ///
    /// # Errors
    /// When the answer was served in a way that is not priced.
    pub fn lines(&self, usage: &Usage, at: i64) -> Result<Vec<Line>, Unpriced> {
        if usage.served.tier == Tier::Waived {
            return Ok(Vec::new());
        }
        let standing = self.standing(usage.input_total(), usage.served, at)?;
        let mut lines = Vec::with_capacity(4);
        let uses = self
            .per_use
            .used(usage.units, usage.served.search_context)
            .map(|(unit, count, rate)| (Bucket::Use(unit), count, rate));
        for (bucket, quantity, rate) in buckets(usage, &standing).into_iter().chain(uses) {
            if quantity > 0 {
                let amount = rate.amount(quantity).ok_or(Unpriced::TooLarge)?;
                lines.push(Line {
                    bucket,
                    quantity,
                    rate,
                    amount,
                });
            }
        }
        Ok(lines)
    }
}

/// Every bucket with its quantity and rate. Reasoning leaves output only where its rate differs.
fn buckets(usage: &Usage, standing: &Standing) -> [(Bucket, u64, Rate); 6] {
    let (reasoning, reasoning_rate) = match standing.reasoning {
        Some(rate) => (usage.reasoning.min(usage.output), rate),
        None => (0, standing.output),
    };
    [
        (Bucket::Input, usage.input_uncached, standing.input),
        (Bucket::CacheRead, usage.cache_read, standing.cache_read),
        (Bucket::CacheWrite, usage.cache_write, standing.cache_write),
        (
            Bucket::CacheWrite1h,
            usage.cache_write_1h,
            standing.cache_write_1h,
        ),
        (
            Bucket::Output,
            usage.output.saturating_sub(reasoning),
            standing.output,
        ),
        (Bucket::Reasoning, reasoning, reasoning_rate),
    ]
}

/// The sum of the lines.
///
/// # Errors
/// When the sum is more than money can hold.
pub fn total(lines: &[Line]) -> Result<Money, Unpriced> {
    Money::checked_sum(lines.iter().map(|line| line.amount)).ok_or(Unpriced::TooLarge)
}
