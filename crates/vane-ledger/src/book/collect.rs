//! What payments do to the books, and which accounts are frozen.

use vane_catalog::Money;

use super::decide::Decision;
use super::facts::Facts;
use super::op::{Op, Outcome, Refusal};
use super::payment::{Checkout, CheckoutState, Claim, Means, Pay, Payment};
use super::posting::{Txn, TxnKind};
use super::row::{Book, Frozen, Row, TopUp, sub};
use crate::account::AccountId;

/// Ids of providers are long, not endless.
const ID_MAX: usize = 255;
/// What the id of a payment's reversal ends with that is made together with its credit.
const BACK: &str = "-back";

pub(super) fn well_formed(op: &Op, pay: &Pay) -> bool {
    const OP_MAX: usize = 64;
    let fits = |id: &String| (1..=ID_MAX).contains(&id.len());
    match pay {
        Pay::Ask(checkout) => {
            let priced = checkout.amount > Money::ZERO && checkout.fee >= Money::ZERO;
            let new = checkout.state == CheckoutState::Open && checkout.external.is_none();
            fits(&checkout.id) && fits(&checkout.provider) && priced && new
        }
        Pay::Begin {
            checkout, external, ..
        } => fits(checkout) && fits(external),
        Pay::End { checkout, state } => fits(checkout) && *state != CheckoutState::Paid,
        Pay::Paid {
            checkout,
            external,
            payment,
            ..
        } => {
            let room = op.id.len().saturating_add(BACK.len()) <= OP_MAX;
            room && [checkout, external, payment].into_iter().all(fits)
        }
        Pay::Claim(claim) => {
            let ids = [&claim.provider, &claim.payment, &claim.id];
            ids.into_iter().all(fits) && claim.due >= Money::ZERO
        }
        Pay::Square { provider, payment } => fits(provider) && fits(payment),
    }
}

pub(super) fn pay(op: &Op, facts: Facts, pay: &Pay) -> Result<Decision, Refusal> {
    match pay {
        Pay::Ask(checkout) => ask(facts, checkout),
        Pay::Begin { external, url, .. } => {
            let mut checkout = facts.pay.checkout.ok_or(Refusal::NoSuchCheckout)?;
            checkout.external.get_or_insert_with(|| external.clone());
            checkout.url.get_or_insert_with(|| url.clone());
            Ok((Outcome::Noted, vec![Row::Checkout(checkout)]))
        }
        Pay::End { state, .. } => {
            let mut checkout = facts.pay.checkout.ok_or(Refusal::NoSuchCheckout)?;
            // What was paid stays paid, whatever comes late.
            if checkout.state == CheckoutState::Paid {
                return Ok((Outcome::Noted, Vec::new()));
            }
            checkout.state = *state;
            Ok((Outcome::Noted, vec![Row::Checkout(checkout)]))
        }
        Pay::Paid {
            external,
            payment,
            total,
            ..
        } => paid(op, facts, external, payment, *total),
        Pay::Claim(claim) => claimed(op, facts, claim),
        Pay::Square { .. } => square(op, facts),
    }
}

fn ask(facts: Facts, checkout: &Checkout) -> Result<Decision, Refusal> {
    if facts.pay.checkout.is_some() {
        return Err(Refusal::Repeated);
    }
    facts.customer.ok_or(Refusal::NoSuchAccount)?;
    checkout.total()?;
    Ok((Outcome::Noted, vec![Row::Checkout(checkout.clone())]))
}

/// Credits what was asked for, and takes back at once what was claimed before it came.
fn paid(
    op: &Op,
    mut facts: Facts,
    external: &str,
    payment: &str,
    total: Money,
) -> Result<Decision, Refusal> {
    let mut checkout = facts.pay.checkout.take().ok_or(Refusal::NoSuchCheckout)?;
    if checkout
        .external
        .as_deref()
        .is_some_and(|id| id != external)
        || total != checkout.total()?
    {
        return Err(Refusal::NotAsked);
    }
    if facts.topped_up || checkout.state == CheckoutState::Paid {
        return Ok((Outcome::CreditedBefore, Vec::new()));
    }
    if facts.pay.payment.is_some() {
        return Err(Refusal::NotAsked);
    }
    let (n, claims, frozen) = (facts.txn, facts.pay.claims.split_off(0), facts.pay.frozen);
    let mut sides = Sides::of(facts)?;
    let why = format!("paid through {}", checkout.provider);
    let txn = Txn::new(n, Some(&op.id), TxnKind::TopUp, &why, op.at);
    let legs = [checkout.amount, Money::ZERO, checkout.fee];
    let mut rows = sides.post(txn, legs)?;
    checkout.state = CheckoutState::Paid;
    checkout.external = Some(external.to_owned());
    let made = Payment {
        provider: checkout.provider.clone(),
        id: payment.to_owned(),
        checkout: checkout.id.clone(),
        account: checkout.account,
        amount: checkout.amount,
        fee: checkout.fee,
        taken: Money::ZERO,
        lost: Money::ZERO,
        fee_taken: Money::ZERO,
    };
    rows.extend([
        Row::TopUp(TopUp {
            provider: checkout.provider.clone(),
            external: external.to_owned(),
            txn: n,
            account: checkout.account,
            amount: checkout.amount,
        }),
        Row::Payment(made.clone()),
        Row::Checkout(checkout),
    ]);
    let back = Txn::new(
        n.checked_add(1).ok_or(Refusal::TooLarge)?,
        Some(&format!("{}{BACK}", op.id)),
        TxnKind::Reversal,
        "",
        op.at,
    );
    let (_, taken) = squared(back, &mut sides, made, &claims, frozen)?;
    rows.extend(taken);
    Ok((Outcome::Credited(sides.customer.posted), rows))
}

fn claimed(op: &Op, mut facts: Facts, claim: &Claim) -> Result<Decision, Refusal> {
    let claims = &mut facts.pay.claims;
    let known = claims.iter().position(|one| one.id == claim.id);
    let known = known.map(|at| claims.swap_remove(at));
    let merged = claim.clone().merged(known);
    claims.push(merged.clone());
    let (outcome, mut rows) = square(op, facts)?;
    rows.push(Row::Claim(merged));
    Ok((outcome, rows))
}

fn square(op: &Op, mut facts: Facts) -> Result<Decision, Refusal> {
    // Claims may come before what they are about; then there is nothing to take yet.
    let Some(payment) = facts.pay.payment.take() else {
        return Ok((Outcome::Noted, Vec::new()));
    };
    let txn = Txn::new(facts.txn, Some(&op.id), TxnKind::Reversal, "", op.at);
    let (claims, frozen) = (facts.pay.claims.split_off(0), facts.pay.frozen);
    squared(txn, &mut Sides::of(facts)?, payment, &claims, frozen)
}

/// Makes the books of a payment say what its claims come to.
fn squared(
    mut txn: Txn,
    sides: &mut Sides,
    mut payment: Payment,
    claims: &[Claim],
    frozen: bool,
) -> Result<Decision, Refusal> {
    let customer = &sides.customer;
    // Promotional credit was not paid for, and what is lent out may be spent already.
    let paid = sub(customer.free()?, customer.promotional)?;
    let means = Means {
        available: customer.prepaid.then_some(paid),
        recovers: frozen,
    };
    let borne = payment.borne(claims, means)?;
    let taken = sub(borne.taken, payment.taken)?;
    let lost = sub(borne.lost, payment.lost)?;
    let fee = sub(borne.fee, payment.fee_taken)?;
    let outcome = Outcome::Squared { taken, lost };
    if [taken, lost, fee] == [Money::ZERO; 3] {
        return Ok((outcome, Vec::new()));
    }
    txn.reason = format!("taken back through {}", payment.provider);
    let at = txn.at;
    let mut legs = [taken, lost, fee];
    for leg in &mut legs {
        *leg = sub(Money::ZERO, *leg)?;
    }
    let mut rows = sides.post(txn, legs)?;
    if lost > Money::ZERO && !frozen {
        let reason = format!(
            "the payment {} was taken back after it was spent",
            payment.id
        );
        rows.push(Row::Frozen(Frozen {
            account: payment.account,
            at,
            reason,
        }));
    }
    (payment.taken, payment.lost, payment.fee_taken) = (borne.taken, borne.lost, borne.fee);
    rows.push(Row::Payment(payment));
    Ok((outcome, rows))
}

pub(super) fn freeze(
    op: &Op,
    facts: Facts,
    account: AccountId,
    reason: Option<&str>,
) -> Result<Decision, Refusal> {
    facts.customer.ok_or(Refusal::NoSuchAccount)?;
    let row = match reason {
        Some(reason) => Row::Frozen(Frozen {
            account,
            at: op.at,
            reason: reason.to_owned(),
        }),
        None => Row::Thawed(account),
    };
    Ok((Outcome::Noted, vec![row]))
}

/// The books that a payment moves money between.
struct Sides {
    customer: Book,
    loss: Book,
    fees: Book,
    cash: Book,
}

impl Sides {
    fn of(facts: Facts) -> Result<Self, Refusal> {
        let known = (
            facts.customer,
            facts.pay.loss,
            facts.pay.fees,
            facts.against,
        );
        match known {
            (Some(customer), Some(loss), Some(fees), Some(cash)) => Ok(Self {
                customer,
                loss,
                fees,
                cash,
            }),
            _ => Err(Refusal::NoSuchAccount),
        }
    }

    /// Enters what customer, loss and fees get; cash balances it. Legs of nothing are left out.
    fn post(&mut self, mut txn: Txn, legs: [Money; 3]) -> Result<Vec<Row>, Refusal> {
        let mut cash = Money::ZERO;
        for leg in legs {
            cash = sub(cash, leg)?;
        }
        let [customer, loss, fees] = legs;
        let mut rows = Vec::new();
        for (book, amount) in [
            (&mut self.customer, customer),
            (&mut self.loss, loss),
            (&mut self.fees, fees),
            (&mut self.cash, cash),
        ] {
            if amount != Money::ZERO {
                txn.enter(book, amount)?;
                rows.push(Row::Book(book.clone()));
            }
        }
        rows.push(Row::Txn(txn));
        Ok(rows)
    }
}
