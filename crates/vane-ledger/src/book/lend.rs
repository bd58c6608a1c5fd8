//! Leases of a balance, and holds against them.
//!
//! What is lent of a balance is a part of its `held` until it is spent or returned; a hold is a
//! part of its lease. So no number of replicas can hold more than there is.

use vane_catalog::Money;

use super::decide::{Decision, positive};
use super::facts::Facts;
use super::op::{Hold, Lease, Op, Outcome, Refusal};
use super::row::{Book, Held, Lent, Row, Spending, add, missing, sub};

pub(super) fn lease(op: &Op, facts: Facts, asked: &Lease) -> Result<Decision, Refusal> {
    if facts.lease.is_some() {
        return Err(Refusal::Repeated);
    }
    let mut book = facts.customer.ok_or(Refusal::NoSuchAccount)?;
    let amount = positive(asked.amount)?;
    if book.prepaid
        && let Some(missing) = missing(book.free()?, amount)?
    {
        return Err(Refusal::Balance { missing });
    }
    if let Some(spending) = &facts.spending {
        within_budget(spending, amount, op.at)?;
    }
    book.held = add(book.held, amount)?;
    // A metered balance may be below zero, but its sum must still fit.
    book.free()?;
    let lent = Lent {
        id: op.id.clone(),
        account: asked.account,
        key: asked.key.clone(),
        instance: op.instance,
        epoch: asked.epoch,
        amount,
        spent: Money::ZERO,
        open: Money::ZERO,
        until: asked.until,
        returned: false,
    };
    Ok((Outcome::Leased, vec![Row::Book(book), Row::Lease(lent)]))
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

pub(super) fn return_lease(facts: Facts) -> Result<Decision, Refusal> {
    let mut lent = facts.lease.ok_or(Refusal::NoSuchLease)?;
    let mut book = facts.customer.ok_or(Refusal::NoSuchAccount)?;
    if lent.returned {
        return Err(Refusal::LeaseOver);
    }
    lent.returned = true;
    let returned = give_back(&mut lent, &mut book)?;
    let rows = vec![Row::Book(book), Row::Lease(lent)];
    Ok((Outcome::Returned(returned), rows))
}

/// Makes a hold, without writing it: of what a replica held in memory, a settlement tells later.
pub(super) fn make(
    at: i64,
    asked: &Hold,
    lent: &mut Lent,
    spending: Option<&Spending>,
) -> Result<Held, Refusal> {
    if asked.amount < Money::ZERO {
        return Err(Refusal::NotPositive);
    }
    let other = lent.key.as_ref().is_some_and(|key| *key != asked.key);
    if other || (lent.key.is_none() && spending.is_some()) {
        return Err(Refusal::LeaseOfAnotherKey);
    }
    widen(at, lent, asked.amount)?;
    Ok(Held {
        call: asked.call.clone(),
        lease: asked.lease.clone(),
        account: lent.account,
        key: asked.key.clone(),
        amount: asked.amount,
        posted: Money::ZERO,
        state: "open",
    })
}

fn widen(at: i64, lent: &mut Lent, by: Money) -> Result<(), Refusal> {
    if lent.returned || at >= lent.until {
        return Err(Refusal::LeaseOver);
    }
    let rest = sub(sub(lent.amount, lent.spent)?, lent.open)?;
    if let Some(missing) = missing(rest, by)? {
        return Err(Refusal::LeaseSpent { missing });
    }
    lent.open = add(lent.open, by)?;
    Ok(())
}

pub(super) fn hold(op: &Op, facts: Facts, asked: &Hold) -> Result<Decision, Refusal> {
    if facts.hold.is_some() {
        return Err(Refusal::HeldAlready);
    }
    let mut lent = facts.lease.ok_or(Refusal::NoSuchLease)?;
    let held = make(op.at, asked, &mut lent, facts.spending.as_ref())?;
    Ok((Outcome::Held, vec![Row::Lease(lent), Row::Hold(held)]))
}

pub(super) fn extend(op: &Op, facts: Facts, by: Money) -> Result<Decision, Refusal> {
    let (mut held, mut lent) = still_open(facts.hold, facts.lease)?;
    widen(op.at, &mut lent, by)?;
    held.amount = add(held.amount, by)?;
    let amount = held.amount;
    let rows = vec![Row::Lease(lent), Row::Hold(held)];
    Ok((Outcome::Extended(amount), rows))
}

pub(super) fn release(
    facts: Facts,
    state: &'static str,
    outcome: Outcome,
) -> Result<Decision, Refusal> {
    let (mut held, mut lent) = still_open(facts.hold, facts.lease)?;
    let mut book = facts.customer.ok_or(Refusal::NoSuchAccount)?;
    lent.open = sub(lent.open, held.amount)?;
    held.state = state;
    if lent.returned {
        give_back(&mut lent, &mut book)?;
    }
    let rows = vec![Row::Book(book), Row::Lease(lent), Row::Hold(held)];
    Ok((outcome, rows))
}

pub(super) fn expire(op: &Op, facts: Facts) -> Result<Decision, Refusal> {
    if facts.lease.as_ref().is_some_and(|lent| op.at < lent.until) {
        return Err(Refusal::TooEarly);
    }
    release(facts, "expired", Outcome::Expired)
}

pub(super) fn still_open(held: Option<Held>, lent: Option<Lent>) -> Result<(Held, Lent), Refusal> {
    let held = held.ok_or(Refusal::NoSuchHold)?;
    if held.state != "open" {
        return Err(Refusal::HoldEnded(held.state));
    }
    Ok((held, lent.ok_or(Refusal::NoSuchLease)?))
}

/// What is neither spent nor held leaves the lease and is free again.
pub(super) fn give_back(lent: &mut Lent, book: &mut Book) -> Result<Money, Refusal> {
    let needed = add(lent.spent, lent.open)?;
    let rest = sub(lent.amount, needed)?;
    lent.amount = needed;
    book.held = sub(book.held, rest)?;
    Ok(rest)
}
