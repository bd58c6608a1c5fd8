//! Statements that read the books.

use vane_catalog::Money;

use super::{Kept, payments};
use crate::account::AccountId;
use crate::book::{
    Book, BookId, BookKind, Budget, Checkout, Claim, Lent, Lot, Payment, Period, Receipt, Rows,
    Spending, settlement_of,
};
use crate::error::LedgerError;
use crate::store::{Row, Value};

const BOOK: &str = "SELECT kind, owner, prepaid, posted, held, promotional, entries, receipt, head
    FROM book WHERE id = ?1";
/// The same of many, for nobody else to change before the transaction ends. In the order of ids:
/// who locks many never waits for someone who waits for them.
pub(super) const BOOKS_LOCKED: &str = "SELECT kind, owner, prepaid, posted, held, promotional,
    entries, receipt, head FROM book WHERE id = ANY(?1) ORDER BY id FOR UPDATE";
pub(super) const LEASES_LOCKED: &str = "SELECT id, account, key, instance, epoch, amount, spent,
    until, state FROM lease WHERE id = ANY(?1) ORDER BY id FOR UPDATE";
pub(super) const CALLED_OF: &str = "SELECT call FROM receipt WHERE call = ANY(?1)
    UNION ALL SELECT call FROM gone_call WHERE call = ANY(?1)";
const CALLED: &str = "SELECT 1 FROM receipt WHERE call = ?1
    UNION ALL SELECT 1 FROM gone_call WHERE call = ?1";
const MADE: &str = "SELECT 1 FROM txn WHERE id = ?1";
const TOPPED_UP: &str = "SELECT 1 FROM topup WHERE provider = ?1 AND external = ?2";
const LEASE: &str = "SELECT id, account, key, instance, epoch, amount, spent, until, state
    FROM lease WHERE id = ?1";
const BUDGET: &str = "SELECT amount, period FROM budget WHERE key = ?1";
const SPENT: &str = "SELECT charged FROM usage_hour WHERE key = ?1 AND hour >= ?2";
const LEASED: &str = "SELECT amount - spent FROM lease WHERE key = ?1 AND state = 'open'";
const LOTS: &str = "SELECT id, account, amount, rest, expires_at
    FROM lot WHERE account = ?1 AND rest > 0 ORDER BY expires_at, id";

impl Kept<'_> {
    fn exists(self, sql: &str, values: &[&dyn Value]) -> Result<bool, LedgerError> {
        Ok(self.0.one(sql, values, |_| Ok(()))?.is_some())
    }

    /// Whether a call was settled.
    pub(super) fn called(self, call: &str) -> Result<bool, LedgerError> {
        self.exists(CALLED, &[&call])
    }

    /// The sum of a column; more than money can hold counts as the most it can.
    fn sum(self, sql: &str, values: &[&dyn Value]) -> Result<Money, LedgerError> {
        let amounts = self.0.rows(sql, values, |row| money(row, 0))?;
        Ok(Money::checked_sum(amounts).unwrap_or(Money::from_pico(i64::MAX)))
    }
}

impl Rows for Kept<'_> {
    type Error = LedgerError;

    fn book(&self, id: BookId) -> Result<Option<Book>, LedgerError> {
        self.0.one(BOOK, &[&id.0], book_of)
    }

    fn made(&self, txn: &str) -> Result<bool, LedgerError> {
        self.exists(MADE, &[&txn])
    }

    fn topped_up(&self, provider: &str, external: &str) -> Result<bool, LedgerError> {
        self.exists(TOPPED_UP, &[&provider, &external])
    }

    fn lease(&self, id: &str) -> Result<Option<Lent>, LedgerError> {
        self.0.one(LEASE, &[&id], lent_of)
    }

    fn spending(&self, key: &str, at: i64) -> Result<Option<Spending>, LedgerError> {
        let budget = self.0.one(BUDGET, &[&key], |row| {
            let period: String = row.get(1)?;
            Ok(Budget {
                key: key.to_owned(),
                amount: money(row, 0)?,
                period: Period::parse(&period).ok_or(unreadable("period"))?,
            })
        })?;
        let Some(budget) = budget else {
            return Ok(None);
        };
        let since = budget.period.start(at);
        Ok(Some(Spending {
            spent: self.sum(SPENT, &[&key, &since])?,
            leased: self.sum(LEASED, &[&key])?,
            budget,
        }))
    }

    fn lots(&self, account: AccountId) -> Result<Vec<Lot>, LedgerError> {
        self.0.rows(LOTS, &[&account.0], |row| {
            Ok(Lot {
                id: row.get(0)?,
                account: AccountId(row.get(1)?),
                amount: money(row, 2)?,
                rest: money(row, 3)?,
                expires_at: row.get(4)?,
            })
        })
    }

    fn checkout(&self, id: &str) -> Result<Option<Checkout>, LedgerError> {
        self.0
            .one(payments::CHECKOUT, &[&id], payments::checkout_of)
    }

    fn payment(&self, provider: &str, id: &str) -> Result<Option<Payment>, LedgerError> {
        self.0
            .one(payments::PAYMENT, &[&provider, &id], payments::payment_of)
    }

    fn claims(&self, provider: &str, payment: &str) -> Result<Vec<Claim>, LedgerError> {
        self.0
            .rows(payments::CLAIMS, &[&provider, &payment], payments::claim_of)
    }

    fn is_frozen(&self, account: AccountId) -> Result<bool, LedgerError> {
        self.exists("SELECT 1 FROM frozen WHERE account = ?1", &[&account.0])
    }
}

pub(super) fn book_of(row: &Row<'_>) -> Result<Book, LedgerError> {
    let kind: String = row.get(0)?;
    let kind = BookKind::ALL.into_iter().find(|one| one.as_str() == kind);
    Ok(Book {
        kind: kind.ok_or(unreadable("kind of book"))?,
        owner: row.get(1)?,
        prepaid: row.get::<i64>(2)? != 0,
        posted: money(row, 3)?,
        held: money(row, 4)?,
        promotional: money(row, 5)?,
        entries: row.get(6)?,
        receipt: row.get(7)?,
        head: row.hash(8)?,
    })
}

pub(super) fn lent_of(row: &Row<'_>) -> Result<Lent, LedgerError> {
    let state: String = row.get(8)?;
    Ok(Lent {
        id: row.get(0)?,
        account: AccountId(row.get(1)?),
        key: row.get(2)?,
        instance: row.get(3)?,
        epoch: row.get(4)?,
        amount: money(row, 5)?,
        spent: money(row, 6)?,
        until: row.get(7)?,
        returned: state == "returned",
    })
}

/// The column of [`RECEIPT`] that has the details, as written.
pub(crate) const DETAILS: usize = 12;

/// The columns that a receipt is read from.
pub(crate) const RECEIPT: &str = "n, call, account, txn, seq, before, at, cost, charged, spent,
    balance, hash, details";

pub(crate) fn receipt_of(row: &Row<'_>) -> Result<Receipt, LedgerError> {
    let settlement = settlement_of(row.get(1)?, AccountId(row.get(2)?), row.bytes(DETAILS)?);
    Ok(Receipt {
        n: row.get(0)?,
        txn: row.get(3)?,
        seq: row.get(4)?,
        before: row.get(5)?,
        at: row.get(6)?,
        cost: money(row, 7)?,
        charged: money(row, 8)?,
        spent: money(row, 9)?,
        balance: money(row, 10)?,
        hash: row.hash(11)?,
        settlement: settlement.ok_or(unreadable("details of a receipt"))?,
    })
}

pub(super) fn money(row: &Row<'_>, column: usize) -> Result<Money, LedgerError> {
    Ok(Money::from_pico(row.get(column)?))
}

pub(super) fn unreadable(what: &'static str) -> LedgerError {
    LedgerError::Unreadable { what }
}
