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
