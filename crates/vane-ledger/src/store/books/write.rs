//! Statements that write the books.

mod bulk;
mod receipts;
mod removal;

use super::Kept;
use super::memory::Cached;
use super::usage::{Hour, Sums};
use crate::book::{Attempt, Book, BookId, Lent, Lot, Row, TopUp, Txn};
use crate::error::LedgerError;
use crate::quick::QuickMap;
use crate::store;
use crate::store::Value;

pub(super) use receipts::Receipts;
pub(super) use removal::Gone;

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
const RATE: &str = "INSERT INTO rate (version, provider, model, bucket, price)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
const HOUR: &str = "INSERT INTO usage_hour
    (account, hour, key, model, calls, cost, charged, tokens_in, cached, tokens_out)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const HOUR_AGAIN: &str = "UPDATE usage_hour SET calls = calls + ?5, cost = cost + ?6,
    charged = charged + ?7, tokens_in = tokens_in + ?8, cached = cached + ?9,
    tokens_out = tokens_out + ?10
    WHERE account = ?1 AND hour = ?2 AND key = ?3 AND model = ?4";
/// The numbers before those that a commit may give. PostgreSQL's replicas take a stretch each.
const NUMBERS: &str = "SELECT (SELECT coalesce(max(n), 0) FROM receipt),
    (SELECT coalesce(max(n), 0) FROM txn)";
const STRETCHES: &str = "SELECT nextval('receipt_n') - 1, nextval('txn_n') - 1";

impl Kept<'_> {
    pub(super) fn put(self, row: &Row) -> Result<(), LedgerError> {
        match row {
            Row::Book(book) => self.put_book(book),
            Row::Txn(txn) => self.put_txn(txn),
            Row::Lease(lent) => self.put_lease(lent),
            Row::Lot(lot) => self.put_lot(lot),
            Row::Budget(budget) => {
                let (amount, period) = (budget.amount.pico(), budget.period.as_str());
                self.execute(BUDGET, &[&budget.key, &amount, &period])
            }
            Row::NoBudget(key) => self.execute("DELETE FROM budget WHERE key = ?1", &[key]),
            Row::TopUp(topup) => self.put_topup(topup),
            Row::Checkout(checkout) => self.put_checkout(checkout),
            Row::Payment(payment) => self.put_payment(payment),
            Row::Claim(claim) => self.put_claim(claim),
            Row::Frozen(frozen) => self.put_frozen(frozen),
            Row::Thawed(account) => {
                self.execute("DELETE FROM frozen WHERE account = ?1", &[&account.0])
            }
        }
    }

    pub(super) fn execute(self, sql: &str, values: &[&dyn Value]) -> Result<(), LedgerError> {
        self.0.execute(sql, values).map(drop)
    }

    /// The last numbers of receipts and of transactions that a commit may not give.
    pub(super) fn numbers(self) -> Result<(i64, i64), LedgerError> {
        let sql = match self.0 {
            store::Txn::Sqlite(_) => NUMBERS,
            store::Txn::Postgres(_) => STRETCHES,
        };
        let numbers = self.0.one(sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))?;
        numbers.ok_or(LedgerError::Unreadable { what: "number" })
    }

    fn put_book(self, book: &Book) -> Result<(), LedgerError> {
        self.execute(
            BOOK,
            &[
                &book.id().0,
                &book.kind.as_str(),
                &book.owner,
                &i64::from(book.prepaid),
                &book.posted.pico(),
                &book.held.pico(),
                &book.promotional.pico(),
                &book.entries,
                &book.receipt,
                &book.head.as_slice(),
            ],
        )
    }

    /// Books that are there, after settlements.
    pub(super) fn update_books(
        self,
        changed: impl Iterator<Item = BookId>,
        books: &mut QuickMap<BookId, Cached<Book>>,
    ) -> Result<(), LedgerError> {
        let txn = match self.0 {
            store::Txn::Sqlite(txn) => txn,
            store::Txn::Postgres(session) => return bulk::books(session, changed, books),
        };
        let mut statement = txn.prepare_cached(BOOK_AGAIN)?;
        for id in changed {
            let Some(book) = books.get_mut(&id).and_then(Cached::news) else {
                continue;
            };
            statement.execute((
                book.id().0,
                book.posted.pico(),
                book.held.pico(),
                book.promotional.pico(),
                book.entries,
                book.receipt,
                book.head,
            ))?;
        }
        Ok(())
    }

    fn put_txn(self, txn: &Txn) -> Result<(), LedgerError> {
        let kind = txn.kind.as_str();
        self.execute(TXN, &[&txn.n, &txn.id, &kind, &txn.reason, &txn.at])?;
        for entry in &txn.entries {
            self.execute(
                ENTRY,
                &[
                    &entry.book.0,
                    &entry.seq,
                    &txn.n,
                    &entry.amount.pico(),
                    &entry.balance.pico(),
                    &entry.receipt,
                    &entry.hash.as_slice(),
                ],
            )?;
        }
        Ok(())
    }

    fn put_lease(self, lent: &Lent) -> Result<(), LedgerError> {
        self.execute(
            LEASE,
            &[
                &lent.id,
                &lent.account.0,
                &lent.key,
                &lent.instance,
                &lent.epoch,
                &lent.amount.pico(),
                &lent.spent.pico(),
                &lent.until,
                &if lent.returned { "returned" } else { "open" },
            ],
        )
    }

    /// Leases that are there, after settlements.
    pub(super) fn update_leases(
        self,
        spent: impl Iterator<Item = String>,
        leases: &mut QuickMap<String, Option<Cached<Lent>>>,
    ) -> Result<(), LedgerError> {
        let txn = match self.0 {
            store::Txn::Sqlite(txn) => txn,
            store::Txn::Postgres(session) => return bulk::leases(session, spent, leases),
        };
        let mut statement = txn.prepare_cached(LEASE_AGAIN)?;
        for id in spent {
            let lent = leases.get_mut(&id).and_then(Option::as_mut);
            if let Some(lent) = lent.and_then(Cached::news) {
                statement.execute((id, lent.spent.pico()))?;
            }
        }
        Ok(())
    }

    fn put_lot(self, lot: &Lot) -> Result<(), LedgerError> {
        let (amount, rest) = (lot.amount.pico(), lot.rest.pico());
        let ends = lot.expires_at;
        self.execute(LOT, &[&lot.id, &lot.account.0, &amount, &rest, &ends])
    }

    fn put_topup(self, topup: &TopUp) -> Result<(), LedgerError> {
        let TopUp {
            provider,
            external,
            txn,
            account,
            amount,
        } = topup;
        let amount = amount.pico();
        self.execute(TOPUP, &[provider, external, txn, &account.0, &amount])
    }

    pub(super) fn put_prices(self, attempt: &Attempt) -> Result<(), LedgerError> {
        let (version, provider) = (&attempt.rate_version, &attempt.provider);
        for line in &attempt.lines {
            let (model, price) = (&attempt.model, line.price.pico());
            self.execute(RATE, &[version, provider, model, &line.bucket, &price])?;
        }
        Ok(())
    }

    pub(super) fn add_hours<'h>(
        self,
        hours: impl Iterator<Item = (Hour<&'h str>, Sums)>,
    ) -> Result<(), LedgerError> {
        let txn = match self.0 {
            store::Txn::Sqlite(txn) => txn,
            store::Txn::Postgres(session) => return bulk::hours(session, hours),
        };
        let mut again = txn.prepare_cached(HOUR_AGAIN)?;
        for (hour, sums) in hours {
            let row = (
                hour.account.0,
                hour.hour,
                hour.key,
                hour.model,
                sums.calls,
                sums.cost,
                sums.charged,
                sums.tokens_in,
                sums.cached,
                sums.tokens_out,
            );
            // Cheaper than an upsert: nearly every hour is there.
            if again.execute(row)? == 0 {
                txn.prepare_cached(HOUR)?.execute(row)?;
            }
        }
        Ok(())
    }
}
