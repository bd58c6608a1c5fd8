//! Statements that remove receipts, and keep what they came to.

use std::collections::BTreeMap;

use super::super::Kept;
use super::super::usage::{Hour, Sums};
use crate::book::{BookId, Opening};
use crate::error::LedgerError;
use crate::store::{Txn, Value};

/// One at a time. In SQLite there is one writer anyway.
const ALONE: &str = "SELECT pg_advisory_xact_lock(hashtextextended('vane removal '
    || current_schema(), 0))";
const OPENED: &str = "INSERT INTO opening (book, seq, balance, receipt, head, kept)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
const MOVED: &str = "UPDATE opening SET seq = ?2, balance = ?3, receipt = ?4, head = ?5, kept = ?6
    WHERE book = ?1 AND seq = ?7 AND head = ?8";
const HOUR: &str = "INSERT INTO gone_hour
    (account, hour, key, model, calls, cost, charged, tokens_in, cached, tokens_out)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
    ON CONFLICT (account, hour, key, model) DO UPDATE SET
    calls = gone_hour.calls + excluded.calls, cost = gone_hour.cost + excluded.cost,
    charged = gone_hour.charged + excluded.charged,
    tokens_in = gone_hour.tokens_in + excluded.tokens_in,
    cached = gone_hour.cached + excluded.cached,
    tokens_out = gone_hour.tokens_out + excluded.tokens_out";
const LEASE: &str = "INSERT INTO gone_lease (lease, spent) VALUES (?1, ?2)
    ON CONFLICT (lease) DO UPDATE SET spent = gone_lease.spent + excluded.spent";
const CALL: &str = "INSERT INTO gone_call (call) VALUES (?1)";
/// Tables, and the column by which rows go.
const RECEIPTS: (&str, &str) = ("receipt", "n");
const ENTRIES: (&str, &str) = ("entry", "txn");
const TXNS: (&str, &str) = ("txn", "n");

/// What goes, and what stays for it.
#[derive(Default)]
pub(in crate::store::books) struct Gone {
    /// Numbers of receipts and of transactions.
    pub(in crate::store::books) receipts: Vec<i64>,
    pub(in crate::store::books) txns: Vec<i64>,
    /// Where books begin now, and will.
    pub(in crate::store::books) openings: Vec<(BookId, Opening, Opening)>,
    pub(in crate::store::books) hours: BTreeMap<Hour, Sums>,
    /// What of leases was spent.
    pub(in crate::store::books) leases: BTreeMap<String, i64>,
    /// Those that may come again.
    pub(in crate::store::books) calls: Vec<String>,
}

impl Kept<'_> {
    pub(in crate::store::books) fn put_gone(self, gone: &Gone) -> Result<(), LedgerError> {
        if let Txn::Postgres(session) = self.0 {
            session.rows(ALONE, &[])?;
        }
        // First, for rows go only from before the openings of their books.
        for (book, from, to) in &gone.openings {
            self.put_opening(*book, from, to)?;
        }
        for (hour, sums) in &gone.hours {
            self.add_gone_hour(hour, sums)?;
        }
        for (lease, spent) in &gone.leases {
            self.execute(LEASE, &[lease, spent])?;
        }
        for call in &gone.calls {
            self.execute(CALL, &[call])?;
        }
        let removed = self.delete(RECEIPTS, &gone.receipts)?;
        self.delete(ENTRIES, &gone.txns)?;
        let ended = self.delete(TXNS, &gone.txns)?;
        let all = |removed: u64, wanted: &[i64]| u64::try_from(wanted.len()) == Ok(removed);
        if all(removed, &gone.receipts) && all(ended, &gone.txns) {
            return Ok(());
        }
        Err(LedgerError::RemovedMeanwhile)
    }

    fn put_opening(self, book: BookId, from: &Opening, to: &Opening) -> Result<(), LedgerError> {
        let balance = to.balance.pico();
        let (head, kept) = (to.head.as_slice(), to.kept.as_slice());
        let was = from.head.as_slice();
        let mut values: Vec<&dyn Value> =
            vec![&book.0, &to.seq, &balance, &to.receipt, &head, &kept];
        let changed = if from.seq == 0 {
            self.0.execute(OPENED, &values)?
        } else {
            values.extend([&from.seq as &dyn Value, &was]);
            self.0.execute(MOVED, &values)?
        };
        match changed {
            1 => Ok(()),
            _ => Err(LedgerError::RemovedMeanwhile),
        }
    }

    fn add_gone_hour(self, hour: &Hour, sums: &Sums) -> Result<(), LedgerError> {
        self.execute(
            HOUR,
            &[
                &hour.account.0,
                &hour.hour,
                &hour.key,
                &hour.model,
                &sums.calls,
                &sums.cost,
                &sums.charged,
                &sums.tokens_in,
                &sums.cached,
                &sums.tokens_out,
            ],
        )
    }

    /// Deletes the rows of numbers; says how many.
    fn delete(self, (table, column): (&str, &str), numbers: &[i64]) -> Result<u64, LedgerError> {
        match self.0 {
            Txn::Sqlite(txn) => {
                let sql = format!("DELETE FROM {table} WHERE {column} = ?1");
                let mut statement = txn.prepare_cached(&sql)?;
                let mut deleted = 0_usize;
                for n in numbers {
                    deleted = deleted.saturating_add(statement.execute([n])?);
                }
                Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
            }
            Txn::Postgres(session) => {
                let sql = format!("DELETE FROM {table} WHERE {column} = ANY(?1)");
                session.execute(&sql, &[&numbers])
            }
        }
    }
}
