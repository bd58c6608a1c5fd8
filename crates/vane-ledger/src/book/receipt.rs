//! Receipts: what one call used and cost, and the entry of its customer at once.
//!
//! A receipt stands in the chain of its customer's book like an entry of minus what was charged,
//! and names the receipt before it, so that the newest are found from the book without an index.
//! What nobody asks the database for (key, hold, model, attempts) is kept as bytes, its details,
//! over which, as written, the hash goes.

use std::borrow::Borrow;

use vane_catalog::Money;

use super::op::{Attempt, Hold, Line, Refusal, Settlement, Status};
use super::posting::Said;
use super::row::{BookId, BookKind, Ended, add};
use crate::account::AccountId;

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

    /// The hash over all that it says, its details as written, and the hash before it.
    pub fn hash_after(&self, previous: &[u8; 32], details: &[u8]) -> [u8; 32] {
        let made: &Settlement = self.settlement.borrow();
        let mut said = Said::new("vane receipt 2");
        said.text(&made.call);
        said.bytes(details);
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

/// Stands before details. What serialises otherwise than this gets another; what a release wrote is
/// read as well.
const FORM: u8 = 2;

/// What details consist of, after their form.
type Details<Text, Hold, Attempts> = (
    Text,
    Hold,
    Text,
    Status,
    Attempts,
    Option<Money>,
    Option<Money>,
    bool,
    u32,
);

/// What of a settlement is kept as bytes: all but its call and its account.
pub fn details_of(settlement: &Settlement) -> Vec<u8> {
    let details: Details<&str, &Option<Hold>, &[Attempt]> = (
        &settlement.key,
        &settlement.hold,
        &settlement.model,
        settlement.status,
        &settlement.attempts,
        settlement.pays_max,
        settlement.reported,
        settlement.stream,
        settlement.took_ms,
    );
    let mut bytes = Vec::with_capacity(256);
    bytes.push(FORM);
    // Nothing in it can fail to be written to memory.
    postcard::to_extend(&details, bytes).unwrap_or_default()
}

/// Reads a settlement as it is kept.
pub fn settlement_of(call: String, account: AccountId, details: &[u8]) -> Option<Settlement> {
    let (_, details) = details.split_first().filter(|(form, _)| **form == FORM)?;
    let read: Details<String, Option<Hold>, Vec<Attempt>> = postcard::from_bytes(details).ok()?;
    let (key, hold, model, status, attempts, pays_max, reported, stream, took_ms) = read;
    Some(Settlement {
        call,
        account,
        key,
        hold,
        model,
        status,
        attempts,
        pays_max,
        reported,
        stream,
        took_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_read_as_written_and_in_no_other_form() {
        let written = Settlement {
            call: "call".into(),
            account: AccountId(7),
            key: "key".into(),
            hold: None,
            model: "model".into(),
            status: Status::ClientGone,
            attempts: Vec::new(),
            pays_max: Some(Money::ZERO),
            reported: None,
            stream: true,
            took_ms: 1_234,
        };
        let mut details = details_of(&written);
        let read = |details: &[u8]| settlement_of("call".into(), AccountId(7), details);
        assert_eq!(read(&details), Some(written));
        assert_eq!(read(&details[..details.len() - 1]), None);
        details[0] += 1;
        assert_eq!(read(&details), None);
        assert_eq!(read(&[]), None);
    }
}
