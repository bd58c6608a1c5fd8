//! Receipts: what one call used and cost, and the entry of its customer at once.
//!
//! A receipt stands in the chain of its customer's book like an entry of minus what was charged,
//! and names the receipt before it, so that the newest are found from the book without an index.
//! Its attempts are kept as text, over which, as written, the hash goes.

use std::borrow::Borrow;

use vane_catalog::Money;

use super::op::{Attempt, Line, Refusal, Settlement};
use super::posting::Said;
use super::row::{BookId, BookKind, Ended, add};

/// A settlement as entered. It is made of a borrowed one and read back as an owned one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt<S = Settlement> {
    /// In order of arrival, over all accounts.
    pub n: i64,
    pub at: i64,
    /// The usage transaction that it is a leg of.
    pub txn: i64,
    /// Its place in the chain of the customer's book.
    pub seq: i64,
    /// The account's receipt before it, 0 where there is none.
    pub before: i64,
    /// What the provider is owed. What of it was not charged is the operator's loss.
    pub cost: Money,
    pub charged: Money,
    /// What of the charge came out of the lease.
    pub spent: Money,
    /// What is posted after it.
    pub balance: Money,
    pub hash: [u8; 32],
    pub settlement: S,
}

impl<S: Borrow<Settlement>> Receipt<S> {
    pub fn lost(&self) -> Money {
        // Never less than nothing: no more than the cost is charged.
        self.cost.checked_sub(self.charged).unwrap_or(Money::ZERO)
    }

    pub fn book(&self) -> BookId {
        BookKind::Customer.of(self.settlement.borrow().account.0)
    }

    /// The hash over all that it says, its attempts as written, and the hash before it.
    pub fn hash_after(&self, previous: &[u8; 32], attempts: &str) -> [u8; 32] {
        let made: &Settlement = self.settlement.borrow();
        let hold = made.hold.as_ref();
        let mut said = Said::new("vane receipt 1");
        said.text(&made.call);
        said.text(&made.key);
        said.text(&made.model);
        said.text(made.status.as_str());
        said.text(hold.map_or("", |hold| &hold.lease));
        said.text(attempts);
        for number in [
            made.account.0,
            self.at,
            self.txn,
            self.seq,
            self.before,
            self.cost.pico(),
            self.charged.pico(),
            self.spent.pico(),
            self.balance.pico(),
        ] {
            said.number(number);
        }
        let hold = hold.map(|hold| hold.amount);
        for amount in [hold, made.pays_max, made.reported] {
            said.number(i64::from(amount.is_some()));
            said.number(amount.unwrap_or_default().pico());
        }
        said.hash(previous)
    }
}

impl Attempt {
    /// What it cost.
    ///
    /// # Errors
    /// When that cannot be true.
    pub fn cost(&self) -> Result<Money, Refusal> {
        let mut cost = Money::ZERO;
        for (n, line) in self.lines.iter().enumerate() {
            let mut before = self.lines.iter().take(n);
            let twice = before.any(|other| other.bucket == line.bucket);
            if line.quantity == 0 || line.quantity > self.quantity_max || twice {
                return Err(Refusal::Quantity);
            }
            if line.price < Money::ZERO || i64::try_from(self.quantity_max).is_err() {
                return Err(Refusal::Quantity);
            }
            cost = add(cost, line.amount()?)?;
        }
        if self.outcome == Ended::FailedUnbilled && cost > Money::ZERO {
            return Err(Refusal::BilledUnbilled);
        }
        Ok(cost)
    }
}

impl Line {
    /// Its quantity times its price.
    ///
    /// # Errors
    /// When that is more than money can be.
    pub fn amount(&self) -> Result<Money, Refusal> {
        let amount = i128::from(self.quantity).checked_mul(i128::from(self.price.pico()));
        let amount = amount.and_then(|pico| i64::try_from(pico).ok());
        amount.map(Money::from_pico).ok_or(Refusal::TooLarge)
    }
}

/// What is kept of an attempt: an array, without names, as there is one for every call.
type Kept<T> = (T, T, T, Ended, T, T, u64, Vec<(T, u64, Money)>);

/// The attempts as they are kept.
pub fn text_of(attempts: &[Attempt]) -> String {
    fn line(line: &Line) -> (&str, u64, Money) {
        (&line.bucket, line.quantity, line.price)
    }
    fn kept(attempt: &Attempt) -> Kept<&str> {
        (
            &attempt.provider,
            &attempt.model,
            &attempt.rate_version,
            attempt.outcome,
            &attempt.method,
            &attempt.fault,
            attempt.quantity_max,
            attempt.lines.iter().map(line).collect(),
        )
    }
    let kept: Vec<_> = attempts.iter().map(kept).collect();
    let mut text = Vec::with_capacity(512);
    // Text and numbers always become JSON, in memory that is there.
    let _ = serde_json::to_writer(&mut text, &kept);
    String::from_utf8(text).unwrap_or_default()
}

/// Reads attempts as they are kept.
pub fn attempts_of(text: &str) -> Option<Vec<Attempt>> {
    let line = |(bucket, quantity, price)| Line {
        bucket,
        quantity,
        price,
    };
    let attempt = |read: Kept<String>| {
        let (provider, model, rate_version, outcome, method, fault, quantity_max, lines) = read;
        Attempt {
            provider,
            model,
            rate_version,
            outcome,
            method,
            fault,
            quantity_max,
            lines: lines.into_iter().map(line).collect(),
        }
    };
    let kept: Vec<Kept<String>> = serde_json::from_str(text).ok()?;
    Some(kept.into_iter().map(attempt).collect())
}
