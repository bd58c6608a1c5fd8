//! Leases of a balance: what one replica may hold against, in its memory.
//!
//! What is lent of a balance is a part of its `held` until it is spent or returned. So no number of
//! replicas can hold more than there is.

use vane_catalog::Money;

use super::decide::{Decision, positive};
use super::facts::Facts;
use super::op::{Lease, Op, Outcome, Refusal};
use super::row::{Book, Lent, Row, Spending, add, missing, sub};

pub(super) fn lease(op: &Op, facts: Facts, asked: &Lease) -> Result<Decision, Refusal> {
    if facts.lease.is_some() {
        return Err(Refusal::Repeated);
    }
    let mut book = facts.customer.ok_or(Refusal::NoSuchAccount)?;
    let amount = positive(asked.amount)?;
    lend(&mut book, facts.spending.as_ref(), amount, op.at)?;
    let lent = Lent {
        id: op.id.clone(),
        account: asked.account,
        key: asked.key.clone(),
        instance: op.instance,
        epoch: asked.epoch,
        amount,
        spent: Money::ZERO,
        until: asked.until,
        returned: false,
    };
    Ok((Outcome::Leased, vec![Row::Book(book), Row::Lease(lent)]))
}

pub(super) fn renew(op: &Op, facts: Facts, by: Money, until: i64) -> Result<Decision, Refusal> {
    let (mut lent, mut book) = open(facts.lease, facts.customer)?;
    if by > Money::ZERO {
        lend(&mut book, facts.spending.as_ref(), by, op.at)?;
        lent.amount = add(lent.amount, by)?;
    } else {
        let rest = sub(lent.amount, lent.spent)?;
        give_back(&mut lent, &mut book, sub(Money::ZERO, by)?.min(rest))?;
    }
    lent.until = until;
    let renewed = Outcome::Renewed(lent.amount);
    Ok((renewed, vec![Row::Book(book), Row::Lease(lent)]))
}

pub(super) fn return_lease(facts: Facts) -> Result<Decision, Refusal> {
    let (mut lent, mut book) = open(facts.lease, facts.customer)?;
    let rest = sub(lent.amount, lent.spent)?;
    give_back(&mut lent, &mut book, rest)?;
    lent.returned = true;
    let rows = vec![Row::Book(book), Row::Lease(lent)];
    Ok((Outcome::Returned(rest), rows))
}

fn open(lent: Option<Lent>, book: Option<Book>) -> Result<(Lent, Book), Refusal> {
    let lent = lent.ok_or(Refusal::NoSuchLease)?;
    if lent.returned {
        return Err(Refusal::LeaseOver);
    }
    Ok((lent, book.ok_or(Refusal::NoSuchAccount)?))
}

/// Takes so much of a balance and of a budget, if it is there.
fn lend(
    book: &mut Book,
    spending: Option<&Spending>,
    amount: Money,
    at: i64,
) -> Result<(), Refusal> {
    if book.prepaid
        && let Some(missing) = missing(book.free()?, amount)?
    {
        return Err(Refusal::Balance { missing });
    }
    if let Some(spending) = spending {
        within_budget(spending, amount, at)?;
    }
    book.held = add(book.held, amount)?;
    // A metered balance may be below zero, but its sum must still fit.
    book.free()?;
    Ok(())
}

fn within_budget(spending: &Spending, amount: Money, at: i64) -> Result<(), Refusal> {
    let Spending {
        budget,
        spent,
        leased,
    } = spending;
    let rest = sub(sub(budget.amount, *spent)?, *leased)?;
    match missing(rest, amount)? {
        None => Ok(()),
        Some(missing) => Err(Refusal::Budget {
            missing,
            resets_at: budget.period.end(at),
        }),
    }
}

fn give_back(lent: &mut Lent, book: &mut Book, rest: Money) -> Result<(), Refusal> {
    lent.amount = sub(lent.amount, rest)?;
    book.held = sub(book.held, rest)?;
    Ok(())
}
