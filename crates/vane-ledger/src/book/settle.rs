//! Settlement: a hold becomes what the call cost.
//!
//! A prepaid account pays at most its hold; what a call cost beyond that is the operator's loss. A
//! metered account pays what the call cost. Either way the provider is owed all of it.

use vane_catalog::Money;

use super::decide::Decision;
use super::facts::Facts;
use super::lend;
use super::op::{Attempt, Op, Outcome, Refusal, Settlement};
use super::posting::{Txn, TxnKind, Usage};
use super::row::{Book, Ended, Lot, Receipt, Row, add, sub};

pub(super) fn settle(
    op: &Op,
    mut facts: Facts,
    settlement: &Settlement,
) -> Result<Decision, Refusal> {
    if let (None, Some(asked)) = (&facts.hold, &settlement.hold) {
        if asked.call != settlement.call {
            return Err(Refusal::NoSuchHold);
        }
        let lent = facts.lease.as_mut().ok_or(Refusal::NoSuchLease)?;
        facts.hold = Some(lend::make(op.at, asked, lent, facts.spending.as_ref())?);
    }
    let (mut held, mut lent) = lend::still_open(facts.hold, facts.lease)?;
    let mut customer = facts.customer.ok_or(Refusal::NoSuchAccount)?;
    let (mut payable, mut loss) = facts
        .against
        .zip(facts.loss)
        .ok_or(Refusal::NoSuchAccount)?;
    let costs: Vec<Money> = settlement
        .attempts
        .iter()
        .map(cost)
        .collect::<Result<_, _>>()?;

    let mut txn = Txn::new(&op.id, TxnKind::Usage, "", op.at);
    txn.call = Some(settlement.call.clone());
    let books = [&mut customer, &mut payable, &mut loss];
    let (charged, lost) = share(&mut txn, books, &settlement.attempts, &costs, held.amount)?;

    let within = charged.min(held.amount);
    held.state = "posted";
    held.posted = within;
    lent.open = sub(lent.open, held.amount)?;
    lent.spent = add(lent.spent, within)?;
    customer.held = sub(customer.held, within)?;
    if lent.returned {
        lend::give_back(&mut lent, &mut customer)?;
    }
    customer.free()?;
    let lots = consume(&mut customer, facts.lots, charged)?;
    let receipt = Receipt {
        account: held.account,
        key: held.key.clone(),
        at: op.at,
        cost: add(charged, lost)?,
        charged,
        lost,
        costs,
        settlement: settlement.clone(),
    };
    let mut rows = vec![Row::Book(customer), Row::Lease(lent), Row::Hold(held)];
    if !txn.entries.is_empty() {
        rows.push(Row::Book(payable));
        if lost > Money::ZERO {
            rows.push(Row::Book(loss));
        }
        rows.push(Row::Txn(txn));
    }
    rows.extend(lots.into_iter().map(Row::Lot));
    rows.push(Row::Receipt(Box::new(receipt)));
    Ok((Outcome::Settled { charged, lost }, rows))
}

/// Enters what each attempt cost: who pays it, as far as the hold goes, and whom it is owed.
fn share(
    txn: &mut Txn,
    [customer, payable, loss]: [&mut Book; 3],
    attempts: &[Attempt],
    costs: &[Money],
    hold: Money,
) -> Result<(Money, Money), Refusal> {
    let mut limit = if customer.prepaid {
        hold
    } else {
        Money::from_pico(i64::MAX)
    };
    let (mut charged, mut lost) = (Money::ZERO, Money::ZERO);
    for ((number, attempt), cost) in (0..).zip(attempts).zip(costs) {
        if attempt.lines.is_empty() {
            continue;
        }
        let pays = limit.min(*cost);
        let rest = sub(*cost, pays)?;
        limit = sub(limit, pays)?;
        charged = add(charged, pays)?;
        lost = add(lost, rest)?;
        let mut legs = vec![(&mut *customer, sub(Money::ZERO, pays)?)];
        if rest > Money::ZERO {
            legs.push((&mut *loss, sub(Money::ZERO, rest)?));
        }
        txn.post(&mut legs, payable, Some(&Usage::of(number, attempt)))?;
    }
    Ok((charged, lost))
}

/// What an attempt cost, after a look at whether it can be true.
fn cost(attempt: &Attempt) -> Result<Money, Refusal> {
    let mut cost = Money::ZERO;
    for (n, line) in attempt.lines.iter().enumerate() {
        let twice = attempt
            .lines
            .iter()
            .take(n)
            .any(|other| other.bucket == line.bucket);
        if line.quantity == 0 || line.quantity > attempt.quantity_max || twice {
            return Err(Refusal::Quantity);
        }
        if line.price < Money::ZERO || i64::try_from(attempt.quantity_max).is_err() {
            return Err(Refusal::Quantity);
        }
        let amount = i128::from(line.quantity).checked_mul(i128::from(line.price.pico()));
        let amount = amount.and_then(|pico| i64::try_from(pico).ok());
        let amount = amount.ok_or(Refusal::TooLarge)?;
        cost = add(cost, Money::from_pico(amount))?;
    }
    if attempt.outcome == Ended::FailedUnbilled && cost > Money::ZERO {
        return Err(Refusal::BilledUnbilled);
    }
    Ok(cost)
}

/// Spends promotional credit first. Returns the lots that changed.
fn consume(customer: &mut Book, lots: Vec<Lot>, charged: Money) -> Result<Vec<Lot>, Refusal> {
    let mut left = charged.min(customer.promotional);
    customer.promotional = sub(customer.promotional, left)?;
    let mut changed = Vec::new();
    for mut lot in lots {
        let taken = lot.rest.min(left);
        if taken <= Money::ZERO {
            break;
        }
        lot.rest = sub(lot.rest, taken)?;
        left = sub(left, taken)?;
        changed.push(lot);
    }
    Ok(changed)
}
