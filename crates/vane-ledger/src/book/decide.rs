//! Which operation is decided where.

use vane_catalog::Money;

use super::facts::Facts;
use super::op::{Act, Op, Outcome, Refusal};
use super::row::{Budget, Row};
use super::{credit, lend, settle};

/// What happened, and the rows that make it so.
pub type Decision = (Outcome, Vec<Row>);

/// Decides an operation from what it depends on.
///
/// # Errors
/// When it must not happen. Nothing is to be written then.
pub fn decide(op: &Op, facts: Facts) -> Result<Decision, Refusal> {
    if !well_formed(op) {
        return Err(Refusal::Malformed);
    }
    if facts.repeated {
        return Err(Refusal::Repeated);
    }
    match &op.act {
        Act::Grant {
            account,
            amount,
            source,
            reason,
        } => credit::grant(op, facts, *account, positive(*amount)?, source, reason),
        Act::Refund { amount, reason, .. } => credit::refund(op, facts, positive(*amount)?, reason),
        Act::ExpireCredit { lot, .. } => credit::expire(op, facts, lot),
        Act::Lease(lease) => lend::lease(op, facts, lease),
        Act::ReturnLease { .. } => lend::return_lease(facts),
        Act::Hold(hold) => lend::hold(op, facts, hold),
        Act::Extend { by, .. } => lend::extend(op, facts, positive(*by)?),
        Act::Settle(settlement) => settle::settle(op, facts, settlement),
        Act::Release { .. } => lend::release(facts, "released", Outcome::Released),
        Act::Expire { .. } => lend::expire(op, facts),
        Act::SetBudget {
            key,
            amount,
            period,
        } => {
            if *amount < Money::ZERO {
                return Err(Refusal::NotPositive);
            }
            let budget = Budget {
                key: key.clone(),
                amount: *amount,
                period: *period,
            };
            Ok((Outcome::BudgetSet, vec![Row::Budget(budget)]))
        }
    }
}

pub(super) fn positive(amount: Money) -> Result<Money, Refusal> {
    if amount > Money::ZERO {
        Ok(amount)
    } else {
        Err(Refusal::NotPositive)
    }
}

/// What a table would not take must be refused alone: as a fault it would undo its whole batch.
fn well_formed(op: &Op) -> bool {
    const INSTANCE_MAX: i64 = 1 << 32;
    let fits = |id: &String| (1..=64).contains(&id.len());
    let of_act = match &op.act {
        Act::Hold(hold) => fits(&hold.call),
        Act::Settle(settlement) => fits(&settlement.call),
        Act::Lease(lease) => lease.epoch >= 0,
        _ => true,
    };
    fits(&op.id) && (0..=INSTANCE_MAX).contains(&op.instance) && of_act
}
