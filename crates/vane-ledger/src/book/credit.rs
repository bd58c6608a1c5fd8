//! Credit: granted, refunded, expired.

use vane_catalog::Money;

use super::decide::Decision;
use super::facts::Facts;
use super::op::{Op, Outcome, Refusal, Source};
use super::posting::{Txn, TxnKind};
use super::row::{Book, Lot, Row, TopUp, add, missing, sub};
use crate::account::AccountId;

pub(super) fn grant(
    op: &Op,
    facts: Facts,
    account: AccountId,
    amount: Money,
    source: &Source,
    reason: &str,
) -> Result<Decision, Refusal> {
    if facts.topped_up {
        return Ok((Outcome::CreditedBefore, Vec::new()));
    }
    let (mut customer, against) = books(facts.customer, facts.against)?;
    let (kind, extra) = match source {
        Source::Cash => (TxnKind::Grant, None),
        Source::TopUp { provider, external } => {
            let topup = TopUp {
                provider: provider.clone(),
                external: external.clone(),
                txn: facts.txn,
                account,
                amount,
            };
            (TxnKind::TopUp, Some(Row::TopUp(topup)))
        }
        Source::Promotion { expires_at } => {
            customer.promotional = add(customer.promotional, amount)?;
            let lot = Lot {
                id: op.id.clone(),
                account,
                amount,
                rest: amount,
                expires_at: *expires_at,
            };
            (TxnKind::Promotion, Some(Row::Lot(lot)))
        }
    };
    let txn = Txn::new(facts.txn, Some(&op.id), kind, reason, op.at);
    let (customer, mut rows) = moved(txn, customer, amount, against)?;
    rows.extend(extra);
    Ok((Outcome::Credited(customer.posted), rows))
}

pub(super) fn refund(
    op: &Op,
    facts: Facts,
    amount: Money,
    reason: &str,
) -> Result<Decision, Refusal> {
    let (customer, against) = books(facts.customer, facts.against)?;
    let paid = sub(customer.free()?, customer.promotional)?;
    if let Some(missing) = missing(paid, amount)? {
        return Err(Refusal::Balance { missing });
    }
    let txn = Txn::new(facts.txn, Some(&op.id), TxnKind::Refund, reason, op.at);
    let (customer, rows) = moved(txn, customer, negative(amount)?, against)?;
    Ok((Outcome::Credited(customer.posted), rows))
}

pub(super) fn expire(op: &Op, facts: Facts, lot: &str) -> Result<Decision, Refusal> {
    let (mut customer, against) = books(facts.customer, facts.against)?;
    let found = facts.lots.into_iter().find(|one| one.id == lot);
    let mut lot = found.ok_or(Refusal::NoSuchCredit)?;
    if op.at < lot.expires_at {
        return Err(Refusal::TooEarly);
    }
    // What is lent out stays: a call that runs may still spend it.
    let taken = lot.rest.min(customer.free()?);
    if taken <= Money::ZERO {
        return Err(Refusal::Balance { missing: lot.rest });
    }
    lot.rest = sub(lot.rest, taken)?;
    customer.promotional = sub(customer.promotional, taken)?;
    let why = "promotional credit ended";
    let txn = Txn::new(facts.txn, Some(&op.id), TxnKind::Expiry, why, op.at);
    let (_, mut rows) = moved(txn, customer, negative(taken)?, against)?;
    rows.push(Row::Lot(lot));
    Ok((Outcome::CreditExpired(taken), rows))
}

fn books(customer: Option<Book>, against: Option<Book>) -> Result<(Book, Book), Refusal> {
    customer.zip(against).ok_or(Refusal::NoSuchAccount)
}

fn negative(amount: Money) -> Result<Money, Refusal> {
    sub(Money::ZERO, amount)
}

/// The rows of a transaction between a customer and one system account.
fn moved(
    mut txn: Txn,
    mut customer: Book,
    amount: Money,
    mut against: Book,
) -> Result<(Book, Vec<Row>), Refusal> {
    txn.enter(&mut customer, amount)?;
    txn.enter(&mut against, negative(amount)?)?;
    let rows = vec![
        Row::Book(customer.clone()),
        Row::Book(against),
        Row::Txn(txn),
    ];
    Ok((customer, rows))
}
