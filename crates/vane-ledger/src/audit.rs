//! The audit: proof that the books hold, or the first line that does not.
//!
//! It looks at one moment of the database over a connection of its own, so that it may run while
//! calls are settled, and reads row by row: its memory grows with the accounts, not with their
//! calls. It trusts no constraint, only rows, and writes none. Invariants have the numbers of
//! docs/billing.md.

mod chains;
mod checks;
mod mix;
mod receipts;
mod sums;

use std::fmt;

use rusqlite::{OptionalExtension, Transaction};
use vane_catalog::Money;

use self::checks::{CHECKS, Check};
use crate::error::LedgerError;
use crate::store::Store;

/// What was looked at, all of it sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audited {
    pub books: i64,
    pub entries: i64,
    pub transactions: i64,
    pub leases: i64,
    pub receipts: i64,
}

/// The first line that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub invariant: u8,
    pub what: String,
}

impl Broken {
    fn new(invariant: u8, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { invariant, what }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (invariant {})", self.what, self.invariant)
    }
}

/// A database that cannot be read, or books that do not hold.
enum Halt {
    Ledger(LedgerError),
    Broken(Broken),
}

impl<E: Into<LedgerError>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Ledger(error.into())
    }
}

/// Stops at what does not hold.
fn broken<T>(invariant: u8, what: impl Into<String>) -> Result<T, Halt> {
    Err(Halt::Broken(Broken::new(invariant, what)))
}

impl Store {
    /// Proves the books.
    ///
    /// # Errors
    /// When the database cannot be read. Books that do not hold are an answer: the inner error.
    pub fn audit(&self) -> Result<Result<Audited, Broken>, LedgerError> {
        let Self::Sqlite(database) = self else { return Err(LedgerError::Address) };
        let mut connection = database.connect()?;
        connection.pragma_update(None, "query_only", true)?;
        let txn = connection.transaction()?;
        match audit(&txn) {
            Ok(audited) => Ok(Ok(audited)),
            Err(Halt::Broken(broken)) => Ok(Err(broken)),
            Err(Halt::Ledger(error)) => Err(error),
        }
    }
}

fn audit(txn: &Transaction<'_>) -> Result<Audited, Halt> {
    let mut audited = Audited::default();
    let mut chains = chains::Chains::open(txn, &mut audited)?;
    let sums = receipts::walk(txn, &mut chains, &mut audited)?;
    chains.close(&mut audited)?;
    sums.compare(txn)?;
    for check in CHECKS {
        run(txn, check)?;
    }
    for (count, table) in [
        (&mut audited.transactions, "txn"),
        (&mut audited.leases, "lease"),
    ] {
        let sql = format!("SELECT count(*) FROM {table}");
        *count = txn.query_row(&sql, (), |row| row.get(0))?;
    }
    Ok(audited)
}

/// Looks for the first row that a check finds: its name, what it says and what it should say.
fn run(txn: &Transaction<'_>, check: &Check) -> Result<(), Halt> {
    let mut statement = txn.prepare(check.sql)?;
    let found = statement
        .query_row((), |row| {
            let amounts: (Option<i64>, Option<i64>) = (row.get(1)?, row.get(2)?);
            Ok((row.get::<_, String>(0)?, amounts))
        })
        .optional();
    let what = match found {
        Ok(None) => return Ok(()),
        Ok(Some((name, (Some(says), Some(should))))) => {
            let [says, should] = [says, should].map(Money::from_pico);
            format!(
                "{name}: {}: ${says}, and it should be ${should}",
                check.says
            )
        }
        Ok(Some((name, _))) => format!("{name}: {}", check.says),
        Err(error) if error.to_string().contains("integer overflow") => {
            format!("{}: the sum is more than an amount can be", check.says)
        }
        Err(error) => return Err(error.into()),
    };
    broken(check.invariant, what)
}
