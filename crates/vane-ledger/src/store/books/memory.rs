//! What the writer remembers of the tables from one commit to the next.
//!
//! Balances and leases that calls keep changing are read once, not once a commit. What is
//! remembered is what the tables hold whenever no commit is under way: it is forgotten when one
//! fails, and when another connection has written.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use crate::account::AccountId;
use crate::book::{Attempt, Book, BookId, Lent, Lot};
use crate::error::LedgerError;
use crate::quick::QuickMap;
use crate::store::Txn;

/// Rows of a kind that are remembered at most.
const KNOWN_MAX: usize = 1 << 15;

/// A row as it is now; `changed` says that the table does not know yet.
pub(super) struct Cached<T> {
    pub(super) row: T,
    changed: bool,
}

impl<T> From<T> for Cached<T> {
    fn from(row: T) -> Self {
        let changed = false;
        Self { row, changed }
    }
}

impl<T> Cached<T> {
    /// Marks the row as changed. Whether its table knew it until now.
    pub(super) fn mark(&mut self) -> bool {
        !std::mem::replace(&mut self.changed, true)
    }

    /// The row, if its table does not know it; from now on it does.
    pub(super) fn news(&mut self) -> Option<&T> {
        std::mem::take(&mut self.changed).then_some(&self.row)
    }
}

#[derive(Default)]
pub(crate) struct Memory {
    /// SQLite's count of what other connections wrote.
    version: i64,
    pub(super) books: QuickMap<BookId, Cached<Book>>,
    /// `None` where there is no such lease.
    pub(super) leases: QuickMap<String, Option<Cached<Lent>>>,
    pub(super) lots: QuickMap<AccountId, Vec<Cached<Lot>>>,
    /// Prices that stand in the table of rates, by a keyed hash of what they belong to.
    prices: HashSet<u64>,
    keys: RandomState,
}

impl Memory {
    pub(crate) fn forget(&mut self) {
        self.forget_rows();
        self.prices.clear();
    }

    /// Forgets what may not be so any more, before a commit is begun upon it. In PostgreSQL others
    /// write all the time: there only prices are remembered, which are never changed.
    pub(super) fn refresh(&mut self, txn: Txn<'_>) -> Result<(), LedgerError> {
        let most = self.books.len().max(self.leases.len());
        let version = match txn {
            Txn::Sqlite(_) => txn.one("PRAGMA data_version", &[], |row| row.get(0))?,
            Txn::Postgres(_) => {
                self.forget_rows();
                Some(self.version)
            }
        };
        if version != Some(self.version) || most.max(self.prices.len()) > KNOWN_MAX {
            self.forget();
            self.version = version.unwrap_or_default();
        }
        Ok(())
    }

    fn forget_rows(&mut self) {
        self.books.clear();
        self.leases.clear();
        self.lots.clear();
    }

    /// Whether the prices of an attempt are new. They are known from now on.
    pub(super) fn are_new(&mut self, attempt: &Attempt) -> bool {
        let mut hash = self.keys.build_hasher();
        (&attempt.provider, &attempt.model, &attempt.rate_version).hash(&mut hash);
        for line in &attempt.lines {
            (&line.bucket, line.price).hash(&mut hash);
        }
        self.prices.insert(hash.finish())
    }
}
