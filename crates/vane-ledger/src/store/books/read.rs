//! Statements that read the books.

use rusqlite::{OptionalExtension, Params, Row};
use vane_catalog::Money;

use super::Kept;
use crate::account::AccountId;
use crate::book::{Book, BookId, BookKind, Budget, Held, Lent, Lot, Period, Rows, Spending};
use crate::error::LedgerError;

const BOOK: &str = "SELECT kind, owner, prepaid, posted, held, promotional, entries, head
    FROM book WHERE id = ?1";
const MADE: &str = "SELECT 1 FROM txn WHERE id = ?1";
const TOPPED_UP: &str = "SELECT 1 FROM topup WHERE provider = ?1 AND external = ?2";
const LEASE: &str = "SELECT id, account, key, instance, epoch, amount, spent, open, until, state
    FROM lease WHERE id = ?1";
const HOLD: &str = "SELECT call, lease, account, key, amount, posted, state
    FROM hold WHERE call = ?1";
const BUDGET: &str = "SELECT amount, period FROM budget WHERE key = ?1";
const SPENT: &str = "SELECT charged FROM usage_hour WHERE key = ?1 AND hour >= ?2";
const LEASED: &str = "SELECT amount - spent FROM lease WHERE key = ?1 AND amount > spent";
const LOTS: &str = "SELECT id, account, amount, rest, expires_at
    FROM lot WHERE account = ?1 AND rest > 0 ORDER BY expires_at, id";

impl Kept<'_> {
    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, LedgerError>,
    ) -> Result<Option<T>, LedgerError> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        rows.next()?.map(read).transpose()
    }

    fn exists(&self, sql: &str, params: impl Params) -> Result<bool, LedgerError> {
        let mut statement = self.0.prepare_cached(sql)?;
        Ok(statement
            .query_row(params, |_| Ok(()))
            .optional()?
            .is_some())
    }

    /// The sum of a column; more than money can hold counts as the most it can.
    fn sum(&self, sql: &str, params: impl Params) -> Result<Money, LedgerError> {
        let mut statement = self.0.prepare_cached(sql)?;
        let amounts = statement.query_map(params, |row| row.get(0))?;
        let amounts: Vec<i64> = amounts.collect::<Result<_, _>>()?;
        let sum = Money::checked_sum(amounts.into_iter().map(Money::from_pico));
        Ok(sum.unwrap_or(Money::from_pico(i64::MAX)))
    }
}

impl Rows for Kept<'_> {
    type Error = LedgerError;

    fn book(&self, id: BookId) -> Result<Option<Book>, LedgerError> {
        self.one(BOOK, (id.0,), book_of)
    }

    fn made(&self, txn: &str) -> Result<bool, LedgerError> {
        self.exists(MADE, (txn,))
    }

    fn topped_up(&self, provider: &str, external: &str) -> Result<bool, LedgerError> {
        self.exists(TOPPED_UP, (provider, external))
    }

    fn lease(&self, id: &str) -> Result<Option<Lent>, LedgerError> {
        self.one(LEASE, (id,), lent_of)
    }

    fn hold(&self, call: &str) -> Result<Option<Held>, LedgerError> {
        self.one(HOLD, (call,), held_of)
    }

    fn spending(&self, key: &str, at: i64) -> Result<Option<Spending>, LedgerError> {
        let budget = self.one(BUDGET, (key,), |row| {
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
            spent: self.sum(SPENT, (key, since))?,
            leased: self.sum(LEASED, (key,))?,
            budget,
        }))
    }

    fn lots(&self, account: AccountId) -> Result<Vec<Lot>, LedgerError> {
        let mut statement = self.0.prepare_cached(LOTS)?;
        let mut rows = statement.query((account.0,))?;
        let mut lots = Vec::new();
        while let Some(row) = rows.next()? {
            lots.push(Lot {
                id: row.get(0)?,
                account: AccountId(row.get(1)?),
                amount: money(row, 2)?,
                rest: money(row, 3)?,
                expires_at: row.get(4)?,
            });
        }
        Ok(lots)
    }
}

fn book_of(row: &Row<'_>) -> Result<Book, LedgerError> {
    let kind: String = row.get(0)?;
    let kind = BookKind::ALL.into_iter().find(|one| one.as_str() == kind);
    Ok(Book {
        kind: kind.ok_or(unreadable("kind of book"))?,
        owner: row.get(1)?,
        prepaid: row.get(2)?,
        posted: money(row, 3)?,
        held: money(row, 4)?,
        promotional: money(row, 5)?,
        entries: row.get(6)?,
        head: row.get(7)?,
    })
}

fn lent_of(row: &Row<'_>) -> Result<Lent, LedgerError> {
    let state: String = row.get(9)?;
    Ok(Lent {
        id: row.get(0)?,
        account: AccountId(row.get(1)?),
        key: row.get(2)?,
        instance: row.get(3)?,
        epoch: row.get(4)?,
        amount: money(row, 5)?,
        spent: money(row, 6)?,
        open: money(row, 7)?,
        until: row.get(8)?,
        returned: state == "returned",
    })
}

fn held_of(row: &Row<'_>) -> Result<Held, LedgerError> {
    let state: String = row.get(6)?;
    let known = ["open", "posted", "released", "expired"];
    let state = known.into_iter().find(|one| *one == state);
    Ok(Held {
        call: row.get(0)?,
        lease: row.get(1)?,
        account: AccountId(row.get(2)?),
        key: row.get(3)?,
        amount: money(row, 4)?,
        posted: money(row, 5)?,
        state: state.ok_or(unreadable("state of a hold"))?,
    })
}

fn money(row: &Row<'_>, column: usize) -> Result<Money, LedgerError> {
    Ok(Money::from_pico(row.get(column)?))
}

fn unreadable(what: &'static str) -> LedgerError {
    LedgerError::Unreadable { what }
}
