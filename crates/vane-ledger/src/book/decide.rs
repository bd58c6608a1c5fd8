//! Which operation is decided where.

use vane_catalog::Money;

use super::facts::Facts;
use super::op::{Act, Op, Outcome, Refusal};
use super::row::{Budget, Row};
use super::{collect, credit, lend};

/// What happened, and the rows that make it so.
pub type Decision = (Outcome, Vec<Row>);

/// Decides any operation but a settlement, which is [`super::settle`]'s.
///
/// # Errors
/// When it must not happen. Nothing is to be written then.
pub fn decide(op: &Op, facts: Facts) -> Result<Decision, Refusal> {
    well_formed(op)?;
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
        Act::Renew { by, until, .. } => lend::renew(op, facts, *by, *until),
        Act::ReturnLease { .. } => lend::return_lease(facts),
        Act::Settle(_) => Err(Refusal::Malformed),
        Act::SetBudget { key, budget } => {
            let row = match *budget {
                Some((amount, _)) if amount < Money::ZERO => return Err(Refusal::NotPositive),
                Some((amount, period)) => Row::Budget(Budget {
                    key: key.clone(),
                    amount,
                    period,
                }),
                None => Row::NoBudget(key.clone()),
            };
            Ok((Outcome::BudgetSet, vec![row]))
        }
        Act::Pay(pay) => collect::pay(op, facts, pay),
        Act::Freeze { account, reason } => collect::freeze(op, facts, *account, reason.as_deref()),
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
///
/// # Errors
/// [`Refusal::Malformed`].
pub fn well_formed(op: &Op) -> Result<(), Refusal> {
    const INSTANCE_MAX: i64 = 1 << 32;
    let fits = |id: &String| (1..=64).contains(&id.len());
    let of_act = match &op.act {
        Act::Settle(settlement) => fits(&settlement.call),
        Act::Lease(lease) => lease.epoch >= 0,
        Act::Pay(pay) => collect::well_formed(op, pay),
        _ => true,
    };
    if fits(&op.id) && (0..=INSTANCE_MAX).contains(&op.instance) && of_act {
        Ok(())
    } else {
        Err(Refusal::Malformed)
    }
}
