//! Many rows in one statement, for PostgreSQL: a round trip costs more than a row.

use super::super::memory::Cached;
use super::super::usage::{Hour, Sums};
use crate::book::{Book, BookId, Lent, Settled};
use crate::error::LedgerError;
use crate::quick::QuickMap;
use crate::store::Session;

const RECEIPTS: &str =
    "INSERT INTO receipt (n, account, txn, seq, before, at, cost, charged, spent,
    balance, call, hash, details)
    SELECT * FROM unnest(CAST(?1 AS BIGINT[]), CAST(?2 AS BIGINT[]), CAST(?3 AS BIGINT[]),
    CAST(?4 AS BIGINT[]), CAST(?5 AS BIGINT[]), CAST(?6 AS BIGINT[]), CAST(?7 AS BIGINT[]),
    CAST(?8 AS BIGINT[]), CAST(?9 AS BIGINT[]), CAST(?10 AS BIGINT[]), CAST(?11 AS TEXT[]),
    CAST(?12 AS BYTEA[]), CAST(?13 AS BYTEA[]))";
const BOOKS: &str = "UPDATE book SET posted = u.posted, held = u.held, promotional = u.promotional,
    entries = u.entries, receipt = u.receipt, head = u.head
    FROM unnest(CAST(?1 AS BIGINT[]), CAST(?2 AS BIGINT[]), CAST(?3 AS BIGINT[]),
    CAST(?4 AS BIGINT[]), CAST(?5 AS BIGINT[]), CAST(?6 AS BIGINT[]), CAST(?7 AS BYTEA[]))
    AS u (id, posted, held, promotional, entries, receipt, head) WHERE book.id = u.id";
const LEASES: &str = "UPDATE lease SET spent = u.spent
    FROM unnest(CAST(?1 AS TEXT[]), CAST(?2 AS BIGINT[])) AS u (id, spent) WHERE lease.id = u.id";
const HOURS: &str = "INSERT INTO usage_hour
    (account, hour, calls, cost, charged, tokens_in, cached, tokens_out, key, model)
    SELECT * FROM unnest(CAST(?1 AS BIGINT[]), CAST(?2 AS BIGINT[]), CAST(?3 AS BIGINT[]),
    CAST(?4 AS BIGINT[]), CAST(?5 AS BIGINT[]), CAST(?6 AS BIGINT[]), CAST(?7 AS BIGINT[]),
    CAST(?8 AS BIGINT[]), CAST(?9 AS TEXT[]), CAST(?10 AS TEXT[]))
    ON CONFLICT (account, hour, key, model) DO UPDATE SET
    calls = usage_hour.calls + excluded.calls, cost = usage_hour.cost + excluded.cost,
    charged = usage_hour.charged + excluded.charged,
    tokens_in = usage_hour.tokens_in + excluded.tokens_in,
    cached = usage_hour.cached + excluded.cached,
    tokens_out = usage_hour.tokens_out + excluded.tokens_out";

/// Rows turned into columns, in the order in which the statement takes them.
struct Turned<T, const N: usize>([Vec<T>; N]);

impl<T, const N: usize> Default for Turned<T, N> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Vec::new()))
    }
}

impl<T, const N: usize> Turned<T, N> {
    fn push(&mut self, row: [T; N]) {
        for (column, value) in self.0.iter_mut().zip(row) {
            column.push(value);
        }
    }
}

/// Receipts that wait.
#[derive(Default)]
pub(in crate::store::books) struct Columns {
    numbers: Turned<i64, 10>,
    calls: Vec<String>,
    bytes: Turned<Vec<u8>, 2>,
}

impl Columns {
    pub(super) fn push(&mut self, settled: &Settled<'_>) {
        let receipt = &settled.receipt;
        let made = receipt.settlement;
        self.numbers.push([
            receipt.n,
            made.account.0,
            receipt.txn,
            receipt.seq,
            receipt.before,
            receipt.at,
            receipt.cost.pico(),
            receipt.charged.pico(),
            receipt.spent.pico(),
            receipt.balance.pico(),
        ]);
        self.calls.push(made.call.clone());
        self.bytes
            .push([receipt.hash.to_vec(), settled.details.clone()]);
    }

    pub(super) fn insert(self, session: &Session) -> Result<(), LedgerError> {
        if self.calls.is_empty() {
            return Ok(());
        }
        let [
            n,
            account,
            txn,
            seq,
            before,
            at,
            cost,
            charged,
            spent,
            balance,
        ] = &self.numbers.0;
        let [hash, details] = &self.bytes.0;
        session.execute(
            RECEIPTS,
            &[
                n,
                account,
                txn,
                seq,
                before,
                at,
                cost,
                charged,
                spent,
                balance,
                &self.calls,
                hash,
                details,
            ],
        )?;
        Ok(())
    }
}

pub(super) fn books(
    session: &Session,
    changed: impl Iterator<Item = BookId>,
    books: &mut QuickMap<BookId, Cached<Book>>,
) -> Result<(), LedgerError> {
    let (mut numbers, mut heads) = (Turned::<i64, 6>::default(), Vec::new());
    for id in changed {
        let Some(book) = books.get_mut(&id).and_then(Cached::news) else {
            continue;
        };
        numbers.push([
            book.id().0,
            book.posted.pico(),
            book.held.pico(),
            book.promotional.pico(),
            book.entries,
            book.receipt,
        ]);
        heads.push(book.head.to_vec());
    }
    if heads.is_empty() {
        return Ok(());
    }
    let [id, posted, held, promotional, entries, receipt] = &numbers.0;
    let values: [&(dyn postgres::types::ToSql + Sync); 7] =
        [id, posted, held, promotional, entries, receipt, &heads];
    session.execute(BOOKS, &values)?;
    Ok(())
}

pub(super) fn leases(
    session: &Session,
    changed: impl Iterator<Item = String>,
    leases: &mut QuickMap<String, Option<Cached<Lent>>>,
) -> Result<(), LedgerError> {
    let (mut ids, mut spent) = (Vec::new(), Vec::new());
    for id in changed {
        let lent = leases.get_mut(&id).and_then(Option::as_mut);
        if let Some(lent) = lent.and_then(Cached::news) {
            spent.push(lent.spent.pico());
            ids.push(id);
        }
    }
    if !ids.is_empty() {
        session.execute(LEASES, &[&ids, &spent])?;
    }
    Ok(())
}

pub(super) fn hours<'h>(
    session: &Session,
    hours: impl Iterator<Item = (Hour<&'h str>, Sums)>,
) -> Result<(), LedgerError> {
    let (mut numbers, mut names) = (Turned::<i64, 8>::default(), Turned::<&str, 2>::default());
    for (hour, sums) in hours {
        numbers.push([
            hour.account.0,
            hour.hour,
            sums.calls,
            sums.cost,
            sums.charged,
            sums.tokens_in,
            sums.cached,
            sums.tokens_out,
        ]);
        names.push([hour.key, hour.model]);
    }
    let [
        account,
        hour,
        calls,
        cost,
        charged,
        tokens_in,
        cached,
        tokens_out,
    ] = &numbers.0;
    let [key, model] = &names.0;
    if !key.is_empty() {
        session.execute(
            HOURS,
            &[
                account, hour, calls, cost, charged, tokens_in, cached, tokens_out, key, model,
            ],
        )?;
    }
    Ok(())
}
