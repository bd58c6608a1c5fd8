//! Settlement: what a call cost, who pays how much of it, and its receipt.
//!
//! A prepaid account pays at most its hold, out of its lease, and what the lease lacks out of what
//! is free of its balance: nothing is ever refused for the state of a lease. A metered account pays
//! what the call cost. Neither pays more than was delivered. Either way the provider is owed all of
//! it, and what the customer does not pay is the operator's loss.

use vane_catalog::Money;

use super::op::{Op, Outcome, Refusal, Settlement};
use super::posting::{Txn, TxnKind};
use super::receipt::{Receipt, details_of};
use super::row::{Book, BookKind, Lent, Lot, add, sub};

/// What a settlement depends on.
pub struct Till<'a> {
    pub customer: &'a Book,
    /// The lease that its hold names.
    pub lease: Option<&'a Lent>,
    /// What is left of the customer's promotional credit, first what ends first.
    pub lots: &'a [Lot],
    pub side: &'a Side,
    /// The number of the receipt, and of the transaction that it is a leg of.
    pub receipt: i64,
    pub txn: i64,
}

/// A settlement as it is to be written.
pub struct Settled<'a> {
    pub receipt: Receipt<&'a Settlement>,
    /// What of the settlement is kept as bytes.
    pub details: Vec<u8>,
    pub customer: Book,
    /// The lots that changed.
    pub lots: Vec<Lot>,
}

impl Settled<'_> {
    pub fn outcome(&self) -> Outcome {
        Outcome::Settled {
            charged: self.receipt.charged,
            lost: self.receipt.lost(),
            balance: self.receipt.balance,
        }
    }
}

/// The operator's side of what an instance settles in one commit: one transaction for all of it.
#[derive(Clone, Debug)]
pub struct Side {
    payable: Book,
    loss: Book,
    at: i64,
    cost: Money,
    lost: Money,
}

impl Side {
    pub fn new(instance: i64, payable: Option<Book>, loss: Option<Book>) -> Self {
        let new = |kind| move || Book::new(kind, instance, false);
        Self {
            payable: payable.unwrap_or_else(new(BookKind::ProviderPayable)),
            loss: loss.unwrap_or_else(new(BookKind::OperatorLoss)),
            at: 0,
            cost: Money::ZERO,
            lost: Money::ZERO,
        }
    }

    /// What is owed and lost once this is settled too.
    fn with(&self, cost: Money, lost: Money) -> Result<(Money, Money), Refusal> {
        let (cost, lost) = (add(self.cost, cost)?, add(self.lost, lost)?);
        add(self.payable.posted, cost)?;
        sub(self.loss.posted, lost)?;
        Ok((cost, lost))
    }

    pub fn take<S: std::borrow::Borrow<Settlement>>(
        &mut self,
        receipt: &Receipt<S>,
    ) -> Result<(), Refusal> {
        (self.cost, self.lost) = self.with(receipt.cost, receipt.lost())?;
        self.at = receipt.at;
        Ok(())
    }

    /// The transaction that the receipts of this commit are legs of, and its books.
    pub fn post(mut self, txn: i64) -> Result<(Txn, Vec<Book>), Refusal> {
        let mut txn = Txn::new(txn, None, TxnKind::Usage, "", self.at);
        txn.enter(&mut self.payable, self.cost)?;
        let mut books = vec![self.payable];
        if self.lost > Money::ZERO {
            txn.enter(&mut self.loss, sub(Money::ZERO, self.lost)?)?;
            books.push(self.loss);
        }
        Ok((txn, books))
    }
}

/// Settles a call. Whether it was settled before is for its caller to know.
///
/// # Errors
/// When it cannot be true, or is more than the books can hold.
pub fn settle<'a>(
    op: &Op,
    settlement: &'a Settlement,
    till: &Till<'_>,
) -> Result<Settled<'a>, Refusal> {
    let limits = [
        settlement.hold.as_ref().map(|hold| hold.amount),
        settlement.pays_max,
    ];
    if limits.into_iter().flatten().any(|most| most < Money::ZERO) {
        return Err(Refusal::NotPositive);
    }
    let mut cost = Money::ZERO;
    for attempt in &settlement.attempts {
        cost = add(cost, attempt.cost()?)?;
    }
    let mut customer = till.customer.clone();
    let (charged, spent) = shares(&customer, settlement, till.lease, cost)?;
    till.side.with(cost, sub(cost, charged)?)?;

    customer.posted = sub(customer.posted, charged)?;
    customer.held = sub(customer.held, spent)?;
    // A metered balance may be below zero, but what is free of it must still fit.
    customer.free()?;
    let lots = consume(&mut customer, till.lots, charged)?;
    let details = details_of(settlement);
    let mut receipt = Receipt {
        n: till.receipt,
        at: op.at,
        txn: till.txn,
        seq: customer.entries.checked_add(1).ok_or(Refusal::TooLarge)?,
        before: customer.receipt,
        cost,
        charged,
        spent,
        balance: customer.posted,
        hash: [0; 32],
        settlement,
    };
    receipt.hash = receipt.hash_after(&customer.head, &details);
    customer.entries = receipt.seq;
    customer.receipt = receipt.n;
    customer.head = receipt.hash;
    Ok(Settled {
        receipt,
        details,
        customer,
        lots,
    })
}

/// What the customer pays, and what of that comes out of the lease.
fn shares(
    customer: &Book,
    settlement: &Settlement,
    lease: Option<&Lent>,
    cost: Money,
) -> Result<(Money, Money), Refusal> {
    let due = settlement.pays_max.map_or(cost, |most| cost.min(most));
    let held = settlement.hold.as_ref().map(|hold| hold.amount);
    let lease = lease.filter(|lent| {
        let key = lent.key.as_ref();
        let of_this = key.is_none_or(|key| *key == settlement.key);
        of_this && lent.account == settlement.account && !lent.returned
    });
    let rest = lease.map_or(Ok(Money::ZERO), |lent| sub(lent.amount, lent.spent))?;
    let within = held.unwrap_or(Money::ZERO).min(rest);
    if !customer.prepaid {
        return Ok((due, due.min(within)));
    }
    let due = held.map_or(due, |held| due.min(held));
    let spent = due.min(within);
    // Late, or more than its lease had left: only what nobody else was lent.
    let free = customer.free()?.max(Money::ZERO);
    let late = sub(due, spent)?.min(free);
    Ok((add(spent, late)?, spent))
}

/// Spends promotional credit first. Returns the lots that changed.
fn consume(customer: &mut Book, lots: &[Lot], charged: Money) -> Result<Vec<Lot>, Refusal> {
    let mut left = charged.min(customer.promotional);
    customer.promotional = sub(customer.promotional, left)?;
    let mut changed = Vec::new();
    for lot in lots {
        let taken = lot.rest.min(left);
        if left <= Money::ZERO {
            break;
        }
        if taken > Money::ZERO {
            let rest = sub(lot.rest, taken)?;
            left = sub(left, taken)?;
            changed.push(Lot {
                rest,
                ..lot.clone()
            });
        }
    }
    Ok(changed)
}
