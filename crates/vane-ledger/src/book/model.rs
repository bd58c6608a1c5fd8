//! The books in memory: the reference that a database is held against.
//!
//! It decides with the same functions and keeps rows its own way: one by one, nothing cached.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use vane_catalog::Money;

use super::decide::{decide, well_formed};
use super::facts::{Rows, gather};
use super::op::{Act, Op, Outcome, Refusal, Settlement};
use super::payment::{Checkout, Claim, Payment};
use super::row::{Book, BookId, BookKind, Budget, Lent, Lot, Row, Spending, hour_of};
use super::settle::{Side, Till, settle};
use crate::account::AccountId;

#[derive(Clone, Debug, Default)]
pub struct Model {
    books: BTreeMap<BookId, Book>,
    /// The last numbers given.
    txn: i64,
    receipt: i64,
    made: BTreeSet<String>,
    calls: BTreeSet<String>,
    leases: BTreeMap<String, Lent>,
    lots: BTreeMap<String, Lot>,
    budgets: BTreeMap<String, Budget>,
    topups: BTreeSet<(String, String)>,
    checkouts: BTreeMap<String, Checkout>,
    /// By provider and id; claims by provider, payment and id.
    payments: BTreeMap<(String, String), Payment>,
    claims: BTreeMap<(String, String, String), Claim>,
    frozen: BTreeSet<AccountId>,
    /// What keys were charged, by key and hour.
    charged: BTreeMap<(String, i64), Money>,
}

/// The numbers of usage transactions and the operator's sides of them, by instance.
type Sides = BTreeMap<i64, (i64, Side)>;

impl Model {
    /// Opens the book of an account.
    pub fn open(&mut self, account: AccountId, prepaid: bool) {
        let book = Book::new(BookKind::Customer, account.0, prepaid);
        self.books.insert(book.id(), book);
    }

    pub fn balance(&self, id: BookId) -> Option<&Book> {
        self.books.get(&id)
    }

    pub fn lent(&self, id: &str) -> Option<&Lent> {
        self.leases.get(id)
    }

    /// Applies what is one commit elsewhere.
    pub fn apply(&mut self, ops: &[Op]) -> Vec<Result<Outcome, Refusal>> {
        let mut sides = Sides::new();
        let outcomes = ops.iter().map(|op| self.one(op, &mut sides)).collect();
        self.post(&mut sides);
        outcomes
    }

    fn post(&mut self, sides: &mut Sides) {
        for (txn, side) in std::mem::take(sides).into_values() {
            // What a side cannot hold was refused before it was taken.
            if let Ok((_, books)) = side.post(txn) {
                for book in books {
                    self.put(Row::Book(book));
                }
            }
        }
    }

    fn one(&mut self, op: &Op, sides: &mut Sides) -> Result<Outcome, Refusal> {
        if let Act::Settle(settlement) = &op.act {
            if self.calls.contains(&settlement.call) {
                return Err(Refusal::Repeated);
            }
            return self.settle(op, settlement, sides);
        }
        if matches!(op.act, Act::Pay(_)) {
            self.post(sides);
        }
        let Ok(facts) = gather(self, op, self.txn.saturating_add(1));
        let (outcome, rows) = decide(op, facts)?;
        for row in rows {
            self.put(row);
        }
        Ok(outcome)
    }

    fn settle(
        &mut self,
        op: &Op,
        settlement: &Settlement,
        sides: &mut Sides,
    ) -> Result<Outcome, Refusal> {
        well_formed(op)?;
        let customer = self
            .books
            .get(&BookKind::Customer.of(settlement.account.0))
            .ok_or(Refusal::NoSuchAccount)?;
        let known = sides.get(&op.instance).cloned();
        let (txn, mut side) = known.unwrap_or_else(|| {
            let book = |kind: BookKind| self.books.get(&kind.of(op.instance)).cloned();
            let payable = book(BookKind::ProviderPayable);
            let side = Side::new(op.instance, payable, book(BookKind::OperatorLoss));
            (self.txn.saturating_add(1), side)
        });
        let Ok(lots) = self.lots(settlement.account);
        let hold = settlement.hold.as_ref();
        let till = Till {
            customer,
            lease: hold.and_then(|hold| self.leases.get(&hold.lease)),
            lots: &lots,
            side: &side,
            receipt: self.receipt.saturating_add(1),
            txn,
        };
        let settled = settle(op, settlement, &till)?;
        side.take(&settled.receipt)?;
        self.txn = self.txn.max(txn);
        self.receipt = settled.receipt.n;
        sides.insert(op.instance, (txn, side));
        if let Some(lent) = hold.and_then(|hold| self.leases.get_mut(&hold.lease)) {
            let spent = Money::checked_sum([lent.spent, settled.receipt.spent]);
            lent.spent = spent.ok_or(Refusal::TooLarge)?;
        }
        let hour = (settlement.key.clone(), hour_of(op.at));
        let charged = self.charged.entry(hour).or_default();
        *charged = sum([*charged, settled.receipt.charged]);
        self.calls.insert(settlement.call.clone());
        let outcome = settled.outcome();
        self.put(Row::Book(settled.customer));
        for lot in settled.lots {
            self.put(Row::Lot(lot));
        }
        Ok(outcome)
    }

    fn put(&mut self, row: Row) {
        match row {
            Row::Book(book) => drop(self.books.insert(book.id(), book)),
            Row::Txn(txn) => {
                self.txn = txn.n;
                self.made.extend(txn.id);
            }
            Row::Lease(lent) => drop(self.leases.insert(lent.id.clone(), lent)),
            Row::Lot(lot) => drop(self.lots.insert(lot.id.clone(), lot)),
            Row::Budget(budget) => drop(self.budgets.insert(budget.key.clone(), budget)),
            Row::NoBudget(key) => drop(self.budgets.remove(&key)),
            Row::TopUp(topup) => drop(self.topups.insert((topup.provider, topup.external))),
            Row::Checkout(row) => drop(self.checkouts.insert(row.id.clone(), row)),
            Row::Payment(row) => {
                let id = (row.provider.clone(), row.id.clone());
                self.payments.insert(id, row);
            }
            Row::Claim(row) => {
                let id = (row.provider.clone(), row.payment.clone(), row.id.clone());
                self.claims.insert(id, row);
            }
            Row::Frozen(row) => drop(self.frozen.insert(row.account)),
            Row::Thawed(account) => drop(self.frozen.remove(&account)),
        }
    }
}

/// What is more than money can hold counts as the most it can.
fn sum(amounts: impl IntoIterator<Item = Money>) -> Money {
    Money::checked_sum(amounts).unwrap_or(Money::from_pico(i64::MAX))
}

impl Rows for Model {
    type Error = Infallible;

    fn book(&self, id: BookId) -> Result<Option<Book>, Infallible> {
        Ok(self.books.get(&id).cloned())
    }

    fn made(&self, op: &str) -> Result<bool, Infallible> {
        Ok(self.made.contains(op))
    }

    fn topped_up(&self, provider: &str, external: &str) -> Result<bool, Infallible> {
        let id = (provider.to_owned(), external.to_owned());
        Ok(self.topups.contains(&id))
    }

    fn lease(&self, id: &str) -> Result<Option<Lent>, Infallible> {
        Ok(self.leases.get(id).cloned())
    }

    fn spending(&self, key: &str, at: i64) -> Result<Option<Spending>, Infallible> {
        let Some(budget) = self.budgets.get(key).cloned() else {
            return Ok(None);
        };
        let since = (key.to_owned(), budget.period.start(at));
        let until = (key.to_owned(), i64::MAX);
        let spent = self.charged.range(since..=until);
        let leases = self.leases.values();
        let leases = leases.filter(|lent| lent.key.as_deref() == Some(key));
        Ok(Some(Spending {
            spent: sum(spent.map(|(_, charged)| *charged)),
            leased: sum(leases.filter_map(|lent| lent.amount.checked_sub(lent.spent))),
            budget,
        }))
    }

    fn lots(&self, account: AccountId) -> Result<Vec<Lot>, Infallible> {
        let left = |lot: &&Lot| lot.account == account && lot.rest > Money::ZERO;
        let mut lots: Vec<Lot> = self.lots.values().filter(left).cloned().collect();
        lots.sort_by(|a, b| (a.expires_at, &a.id).cmp(&(b.expires_at, &b.id)));
        Ok(lots)
    }

    fn checkout(&self, id: &str) -> Result<Option<Checkout>, Infallible> {
        Ok(self.checkouts.get(id).cloned())
    }

    fn payment(&self, provider: &str, id: &str) -> Result<Option<Payment>, Infallible> {
        let id = (provider.to_owned(), id.to_owned());
        Ok(self.payments.get(&id).cloned())
    }

    fn claims(&self, provider: &str, payment: &str) -> Result<Vec<Claim>, Infallible> {
        let of = |claim: &&Claim| claim.provider == provider && claim.payment == payment;
        Ok(self.claims.values().filter(of).cloned().collect())
    }

    fn is_frozen(&self, account: AccountId) -> Result<bool, Infallible> {
        Ok(self.frozen.contains(&account))
    }
}
