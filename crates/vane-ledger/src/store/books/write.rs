//! Statements that write the books.

use rusqlite::{CachedStatement, ErrorCode, Params};

use super::Kept;
use super::usage::{Hour, Sums};
use crate::book::{Attempt, Book, Lent, Lot, Row, Settled, TopUp, Txn};
use crate::error::LedgerError;

const BOOK: &str = "INSERT INTO book
    (id, kind, owner, prepaid, posted, held, promotional, entries, receipt, head)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
    ON CONFLICT (id) DO UPDATE SET posted = excluded.posted, held = excluded.held,
    promotional = excluded.promotional, entries = excluded.entries, receipt = excluded.receipt,
    head = excluded.head";
const BOOK_AGAIN: &str = "UPDATE book SET posted = ?2, held = ?3, promotional = ?4, entries = ?5,
    receipt = ?6, head = ?7 WHERE id = ?1";
const TXN: &str = "INSERT INTO txn (n, id, kind, reason, at) VALUES (?1, ?2, ?3, ?4, ?5)";
const ENTRY: &str = "INSERT INTO entry (book, seq, txn, amount, balance, receipt, hash)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const LEASE: &str = "INSERT INTO lease
    (id, account, key, instance, epoch, amount, spent, until, state)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
    ON CONFLICT (id) DO UPDATE SET amount = excluded.amount, spent = excluded.spent,
    until = excluded.until, state = excluded.state";
const LEASE_AGAIN: &str = "UPDATE lease SET spent = ?2 WHERE id = ?1";
const LOT: &str = "INSERT INTO lot (id, account, amount, rest, expires_at)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE SET rest = excluded.rest";
const BUDGET: &str = "INSERT INTO budget (key, amount, period) VALUES (?1, ?2, ?3)
    ON CONFLICT (key) DO UPDATE SET amount = excluded.amount, period = excluded.period";
const TOPUP: &str = "INSERT INTO topup (provider, external, txn, account, amount)
    VALUES (?1, ?2, ?3, ?4, ?5)";
pub(super) const RECEIPT: &str = "INSERT INTO receipt (n, call, account, txn, seq, before, at, key,
    model, status, cost, charged, spent, balance, lease, hold, pays_max, reported, attempts, hash)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const RATE: &str = "INSERT INTO rate (version, provider, model, bucket, price)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
const HOUR: &str = "INSERT INTO usage_hour
    (account, hour, key, model, calls, cost, charged, tokens_in, tokens_out)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
    ON CONFLICT (account, hour, key, model) DO UPDATE SET calls = calls + excluded.calls,
    cost = cost + excluded.cost, charged = charged + excluded.charged,
    tokens_in = tokens_in + excluded.tokens_in, tokens_out = tokens_out + excluded.tokens_out";

/// Enters a receipt; `false` if its call has one already.
pub(super) fn receipt(
    insert: &mut CachedStatement<'_>,
    settled: &Settled<'_>,
) -> Result<bool, LedgerError> {
    let receipt = &settled.receipt;
    let made = receipt.settlement;
    let hold = made.hold.as_ref();
    let written = insert.execute(rusqlite::params![
        receipt.n,
        made.call,
        made.account.0,
        receipt.txn,
        receipt.seq,
        receipt.before,
        receipt.at,
        made.key,
        made.model,
        made.status.as_str(),
        receipt.cost.pico(),
        receipt.charged.pico(),
        receipt.spent.pico(),
        receipt.balance.pico(),
        hold.map(|hold| &hold.lease),
        hold.map(|hold| hold.amount.pico()),
        made.pays_max.map(vane_catalog::Money::pico),
        made.reported.map(vane_catalog::Money::pico),
        settled.attempts,
        receipt.hash,
    ]);
    match written {
        Ok(_) => Ok(true),
        // Only a call can be there already: numbers go on from the last.
        Err(rusqlite::Error::SqliteFailure(error, _))
            if error.code == ErrorCode::ConstraintViolation
                && error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE =>
        {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

impl Kept<'_> {
    pub(super) fn put(self, row: &Row) -> Result<(), LedgerError> {
        match row {
            Row::Book(book) => self.put_book(book),
            Row::Txn(txn) => self.put_txn(txn),
            Row::Lease(lent) => self.put_lease(lent),
            Row::Lot(lot) => self.put_lot(lot),
            Row::Budget(budget) => self.execute(
                BUDGET,
                (&budget.key, budget.amount.pico(), budget.period.as_str()),
            ),
            Row::NoBudget(key) => self.execute("DELETE FROM budget WHERE key = ?1", (key,)),
            Row::TopUp(topup) => self.put_topup(topup),
        }
    }

    pub(super) fn execute(self, sql: &str, params: impl Params) -> Result<(), LedgerError> {
        self.0.prepare_cached(sql)?.execute(params)?;
        Ok(())
    }

    fn put_book(self, book: &Book) -> Result<(), LedgerError> {
        let row = (
            book.id().0,
            book.kind.as_str(),
            book.owner,
            book.prepaid,
            book.posted.pico(),
            book.held.pico(),
            book.promotional.pico(),
            book.entries,
            book.receipt,
            book.head,
        );
        self.execute(BOOK, row)
    }

    /// A book that is there, after settlements.
    pub(super) fn update_book(self, book: &Book) -> Result<(), LedgerError> {
        let row = (
            book.id().0,
            book.posted.pico(),
            book.held.pico(),
            book.promotional.pico(),
            book.entries,
            book.receipt,
            book.head,
        );
        self.execute(BOOK_AGAIN, row)
    }

    fn put_txn(self, txn: &Txn) -> Result<(), LedgerError> {
        let row = (txn.n, &txn.id, txn.kind.as_str(), &txn.reason, txn.at);
        self.execute(TXN, row)?;
        for entry in &txn.entries {
            let row = (
                entry.book.0,
                entry.seq,
                txn.n,
                entry.amount.pico(),
                entry.balance.pico(),
                entry.receipt,
                entry.hash,
            );
            self.execute(ENTRY, row)?;
        }
        Ok(())
    }

    fn put_lease(self, lent: &Lent) -> Result<(), LedgerError> {
        let row = (
            &lent.id,
            lent.account.0,
            &lent.key,
            lent.instance,
            lent.epoch,
            lent.amount.pico(),
            lent.spent.pico(),
            lent.until,
            if lent.returned { "returned" } else { "open" },
        );
        self.execute(LEASE, row)
    }

    /// A lease that is there, after settlements.
    pub(super) fn update_lease(self, lent: &Lent) -> Result<(), LedgerError> {
        self.execute(LEASE_AGAIN, (&lent.id, lent.spent.pico()))
    }

    fn put_lot(self, lot: &Lot) -> Result<(), LedgerError> {
        let (amount, rest) = (lot.amount.pico(), lot.rest.pico());
        self.execute(LOT, (&lot.id, lot.account.0, amount, rest, lot.expires_at))
    }

    fn put_topup(self, topup: &TopUp) -> Result<(), LedgerError> {
        let TopUp {
            provider,
            external,
            txn,
            account,
            amount,
        } = topup;
        self.execute(TOPUP, (provider, external, txn, account.0, amount.pico()))
    }

    pub(super) fn put_prices(self, attempt: &Attempt) -> Result<(), LedgerError> {
        let (version, provider) = (&attempt.rate_version, &attempt.provider);
        for line in &attempt.lines {
            let (bucket, price) = (&line.bucket, line.price.pico());
            self.execute(RATE, (version, provider, &attempt.model, bucket, price))?;
        }
        Ok(())
    }

    pub(super) fn add_hour(self, hour: &Hour, sums: &Sums) -> Result<(), LedgerError> {
        let row = (
            hour.account.0,
            hour.hour,
            &hour.key,
            &hour.model,
            sums.calls,
            sums.cost,
            sums.charged,
            sums.tokens_in,
            sums.tokens_out,
        );
        self.execute(HOUR, row)
    }
}
