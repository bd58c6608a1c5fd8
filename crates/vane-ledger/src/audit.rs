//! The audit: proof that the books hold, or the first line that does not.
//!
//! It looks at one moment of the database over a connection of its own, so that it may run while
//! calls are settled, and reads row by row: its memory grows with the accounts, not with their
//! calls. It trusts no constraint, only rows, and writes none. Invariants have the numbers of
//! docs/billing.md.

mod chains;
mod checks;
mod mix;
mod openings;
mod receipts;
mod sums;

use std::fmt;

use vane_catalog::Money;

use self::checks::{CHECKS, Check};
use crate::book::{Act, Op};
use crate::error::LedgerError;
use crate::store::{Store, Txn};

pub(crate) use chains::Chain;
pub(crate) use receipts::Walk;

/// What was looked at, all of it sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audited {
    pub books: i64,
    pub entries: i64,
    pub transactions: i64,
    pub leases: i64,
    pub receipts: i64,
    /// Receipts that were removed, for which openings stand.
    pub gone: i64,
    /// Calls that run, or that the next start or sweep settles by their last word.
    pub open_calls: i64,
}

impl Audited {
    /// One more entry.
    const fn count(&mut self) {
        self.entries = self.entries.saturating_add(1);
    }
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
pub(crate) enum Halt {
    Ledger(LedgerError),
    Broken(Broken),
}

impl<E: Into<LedgerError>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Ledger(error.into())
    }
}

/// Stops at what does not hold.
pub(crate) fn broken<T>(invariant: u8, what: impl Into<String>) -> Result<T, Halt> {
    Err(Halt::Broken(Broken::new(invariant, what)))
}

impl Store {
    /// Proves the books.
    ///
    /// # Errors
    /// When the database cannot be read. Books that do not hold are an answer: the inner error.
    pub fn audit(&self) -> Result<Result<Audited, Broken>, LedgerError> {
        self.read_long(|txn| match audit(txn) {
            Ok(audited) => Ok(Ok(audited)),
            Err(Halt::Broken(broken)) => Ok(Err(broken)),
            Err(Halt::Ledger(error)) => Err(error),
        })
    }
}

fn audit(txn: Txn<'_>) -> Result<Audited, Halt> {
    let mut audited = Audited::default();
    let mut chains = chains::Chains::open(txn, &mut audited)?;
    let mut sums = receipts::walk(txn, &mut chains, &mut audited)?;
    chains.close(&mut audited)?;
    sums.compare(txn)?;
    for check in CHECKS {
        run(txn, check)?;
    }
    if let Txn::Postgres(_) = txn {
        run(txn, &checks::unswept())?;
    }
    strays(txn)?;
    for (count, sql) in [
        (&mut audited.transactions, "SELECT count(*) FROM txn"),
        (&mut audited.leases, "SELECT count(*) FROM lease"),
        (&mut audited.open_calls, "SELECT count(*) FROM open_call"),
        (
            &mut audited.gone,
            "SELECT CAST(coalesce(sum(calls), 0) AS BIGINT) FROM gone_hour",
        ),
    ] {
        *count = txn.one(sql, &[], |row| row.get(0))?.unwrap_or_default();
    }
    Ok(audited)
}

/// Looks for the first row that a check finds: its name, what it says and what it should say.
fn run(txn: Txn<'_>, check: &Check<impl AsRef<str>>) -> Result<(), Halt> {
    let found = txn.one(check.sql.as_ref(), &[], |row| {
        let amounts = match row.columns() {
            3 => Some([row.get(1)?, row.get(2)?].map(Money::from_pico)),
            _ => None,
        };
        Ok((row.get::<String>(0)?, amounts))
    });
    let what = match found {
        Ok(None) => return Ok(()),
        Ok(Some((name, Some([says, should])))) => {
            format!(
                "{name}: {}: ${says}, and it should be ${should}",
                check.says
            )
        }
        Ok(Some((name, None))) => format!("{name}: {}", check.says),
        Err(error) if too_large(&error) => {
            format!("{}: the sum is more than an amount can be", check.says)
        }
        Err(error) => return Err(error.into()),
    };
    broken(check.invariant, what)
}

/// Either database in its own words.
fn too_large(error: &LedgerError) -> bool {
    let said = error.to_string();
    said.contains("integer overflow") || said.contains("bigint out of range")
}

/// Looks for a settlement that could not be entered and that nobody has decided about, and for one
/// that is said to be entered and is not.
fn strays(txn: Txn<'_>) -> Result<(), Halt> {
    let sql = "SELECT n, op, why, state FROM stray
        WHERE state <> 'dropped' OR reason = '' ORDER BY n";
    let strays = txn.rows(sql, &[], |row| {
        let (n, op, why): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((n, op, why, row.get::<String>(3)?))
    })?;
    for (n, op, why, state) in strays {
        let call = match serde_json::from_str::<Op>(&op).map(|op| op.act) {
            Ok(Act::Settle(settlement)) => settlement.call,
            _ => n.to_string(),
        };
        let what = match state.as_str() {
            "entered" => {
                let sql = "SELECT 1 FROM receipt WHERE call = ?1
                    UNION ALL SELECT 1 FROM gone_call WHERE call = ?1";
                if txn.one(sql, &[&call], |_| Ok(()))?.is_some() {
                    continue;
                }
                "it is said to be entered and has no receipt"
            }
            "dropped" => "it was dropped without a reason",
            _ => "it could not be settled and is paid for by nobody",
        };
        return broken(11, format!("call {call} ({why}): {what}"));
    }
    Ok(())
}
