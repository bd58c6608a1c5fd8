//! The books in memory: the reference that a database is held against.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use vane_catalog::Money;

use super::decide::decide;
use super::facts::{Rows, gather};
use super::op::{Op, Outcome, Refusal};
use super::row::{Book, BookId, BookKind, Budget, Held, Lent, Lot, Row, Spending, hour_of};
use crate::account::AccountId;

#[derive(Clone, Debug, Default)]
pub struct Model {
    books: BTreeMap<BookId, Book>,
    txns: BTreeSet<String>,
    leases: BTreeMap<String, Lent>,
    holds: BTreeMap<String, Held>,
    lots: BTreeMap<String, Lot>,
    budgets: BTreeMap<String, Budget>,
    topups: BTreeSet<(String, String)>,
    /// What keys were charged, by key and hour.
    charged: BTreeMap<(String, i64), Money>,
}

impl Model {
    /// Opens the book of an account.
    pub fn open(&mut self, account: AccountId, prepaid: bool) {
        let book = Book::new(BookKind::Customer, account.0, prepaid);
        self.books.insert(book.id(), book);
    }

    pub fn balance(&self, id: BookId) -> Option<&Book> {
        self.books.get(&id)
    }

    /// # Errors
    /// When the operation must not happen; nothing changes then.
    pub fn apply(&mut self, op: &Op) -> Result<Outcome, Refusal> {
        let Ok(facts) = gather(self, op);
        let (outcome, rows) = decide(op, facts)?;
        for row in rows {
            self.put(row);
        }
        Ok(outcome)
    }

    fn put(&mut self, row: Row) {
        match row {
            Row::Book(book) => drop(self.books.insert(book.id(), book)),
            Row::Txn(txn) => drop(self.txns.insert(txn.id)),
            Row::Lease(lent) => drop(self.leases.insert(lent.id.clone(), lent)),
            Row::Hold(held) => drop(self.holds.insert(held.call.clone(), held)),
            Row::Lot(lot) => drop(self.lots.insert(lot.id.clone(), lot)),
            Row::Budget(budget) => drop(self.budgets.insert(budget.key.clone(), budget)),
            Row::TopUp(topup) => drop(self.topups.insert((topup.provider, topup.external))),
            Row::Receipt(receipt) => {
                let hour = (receipt.key, hour_of(receipt.at));
                let charged = self.charged.entry(hour).or_default();
                let sum = Money::checked_sum([*charged, receipt.charged]);
                *charged = sum.unwrap_or(Money::from_pico(i64::MAX));
            }
        }
    }
}

impl Rows for Model {
    type Error = Infallible;

    fn book(&self, id: BookId) -> Result<Option<Book>, Infallible> {
        Ok(self.books.get(&id).cloned())
    }

    fn made(&self, txn: &str) -> Result<bool, Infallible> {
        Ok(self.txns.contains(txn))
    }

    fn topped_up(&self, provider: &str, external: &str) -> Result<bool, Infallible> {
        let id = (provider.to_owned(), external.to_owned());
        Ok(self.topups.contains(&id))
    }

    fn lease(&self, id: &str) -> Result<Option<Lent>, Infallible> {
        Ok(self.leases.get(id).cloned())
    }

    fn hold(&self, call: &str) -> Result<Option<Held>, Infallible> {
        Ok(self.holds.get(call).cloned())
    }

    fn spending(&self, key: &str, at: i64) -> Result<Option<Spending>, Infallible> {
        let Some(budget) = self.budgets.get(key).cloned() else {
            return Ok(None);
        };
        let since = (key.to_owned(), budget.period.start(at));
        let until = (key.to_owned(), i64::MAX);
        let spent = self
            .charged
            .range(since..=until)
            .map(|(_, charged)| *charged);
        let leases = self
            .leases
            .values()
            .filter(|lent| lent.key.as_deref() == Some(key));
        let leased = leases.filter_map(|lent| lent.amount.checked_sub(lent.spent));
        let most = Money::from_pico(i64::MAX);
        Ok(Some(Spending {
            spent: Money::checked_sum(spent).unwrap_or(most),
            leased: Money::checked_sum(leased).unwrap_or(most),
            budget,
        }))
    }

    fn lots(&self, account: AccountId) -> Result<Vec<Lot>, Infallible> {
        let left = |lot: &&Lot| lot.account == account && lot.rest > Money::ZERO;
        let mut lots: Vec<Lot> = self.lots.values().filter(left).cloned().collect();
        lots.sort_by(|a, b| (a.expires_at, &a.id).cmp(&(b.expires_at, &b.id)));
        Ok(lots)
    }
}
