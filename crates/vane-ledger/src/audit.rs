//! The audit: proof that the books hold, or the first line that does not.
//!
//! It looks at one moment of the database over a connection of its own, so that it may run while
//! calls are settled, and reads row by row: its memory does not grow with the books. It trusts no
//! constraint, only rows, and writes none. Invariants have the numbers of docs/billing.md.

mod chains;
mod checks;

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
    pub holds: i64,
    pub receipts: i64,
}

/// The first line that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub invariant: u8,
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (invariant {})", self.what, self.invariant)
    }
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
        let mut audited = Audited::default();
        if let Some(broken) = chains::walk(&txn, &mut audited)? {
            return Ok(Err(broken));
        }
        for check in CHECKS {
            if let Some(broken) = run(&txn, check)? {
                return Ok(Err(broken));
            }
        }
        for (count, table) in [
            (&mut audited.transactions, "txn"),
            (&mut audited.leases, "lease"),
            (&mut audited.holds, "hold"),
            (&mut audited.receipts, "receipt"),
        ] {
            let sql = format!("SELECT count(*) FROM {table}");
            *count = txn.query_row(&sql, (), |row| row.get(0))?;
        }
        Ok(Ok(audited))
    }
}

/// Looks for the first row that a check finds: its name, what it says and what it should say.
fn run(txn: &Transaction<'_>, check: &Check) -> Result<Option<Broken>, LedgerError> {
    let mut statement = txn.prepare(check.sql)?;
    let found = statement
        .query_row((), |row| {
            let amounts: (Option<i64>, Option<i64>) = (row.get(1)?, row.get(2)?);
            Ok((row.get::<_, String>(0)?, amounts))
        })
        .optional();
    let what = match found {
        Ok(None) => return Ok(None),
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
    let invariant = check.invariant;
    Ok(Some(Broken { invariant, what }))
}
