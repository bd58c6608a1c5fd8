//! What people do about strays: settlements that could not be entered when they came.
//!
//! A stray is open until it is entered or dropped, once, and its row stays. It is marked in the
//! same commit as what it does to the books, which is what any settlement does: so it is entered
//! exactly once, whoever tries at the same time, and a call that has a receipt gets no other.

use vane_catalog::Money;

use super::apply;
use crate::book::{Act, Op, Outcome, Refusal};
use crate::error::LedgerError;
use crate::store::{Store, Txn};

/// A settlement that waits for someone to decide about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenStray {
    pub n: i64,
    pub at: i64,
    /// Why it could not be entered.
    pub why: String,
    /// The operation, or whatever it is, as JSON.
    pub record: String,
}

/// What became of a stray that was tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StrayEntry {
    Entered {
        charged: Money,
        lost: Money,
    },
    /// The call has a receipt: the stray is marked as dropped for that.
    Repeated,
    /// It stays open.
    Refused(String),
}

impl Store {
    /// How many records could not be entered, and nobody has decided about.
    pub fn strays(&self) -> Result<u64, LedgerError> {
        let sql = "SELECT count(*) FROM stray WHERE state = 'open'";
        let count = self.read(|txn| txn.one(sql, &[], |row| row.get::<i64>(0)))?;
        Ok(count.unwrap_or_default().unsigned_abs())
    }

    /// Open strays after number `after`, oldest first.
    pub fn open_strays(&self, after: i64, most: u16) -> Result<Vec<OpenStray>, LedgerError> {
        let sql = "SELECT n, at, why, op FROM stray WHERE state = 'open' AND n > ?1
            ORDER BY n LIMIT ?2";
        self.read(|txn| {
            txn.rows(sql, &[&after, &i64::from(most)], |row| {
                Ok(OpenStray {
                    n: row.get(0)?,
                    at: row.get(1)?,
                    why: row.get(2)?,
                    record: row.get(3)?,
                })
            })
        })
    }

    /// Tries again to enter a stray, as any settlement is entered.
    ///
    /// # Errors
    /// When the database fails, or there is no such open stray.
    pub fn enter_stray(&self, n: i64) -> Result<StrayEntry, LedgerError> {
        let tried = self.write_books(|txn, memory| {
            // First, so that who comes second waits here, and finds it ended.
            end(txn, n, "entered", "")?;
            let op = settlement(txn, n)?;
            let tried = match is_gone(txn, &op)? {
                true => Some(Err(Refusal::Repeated)),
                false => apply(txn, memory, std::slice::from_ref(&op))?.pop(),
            };
            match tried {
                Some(Ok(Outcome::Settled { charged, lost, .. })) => {
                    Ok(StrayEntry::Entered { charged, lost })
                }
                Some(Err(Refusal::Repeated)) => {
                    let sql = "UPDATE stray SET state = 'dropped', reason = ?2 WHERE n = ?1";
                    txn.execute(sql, &[&n, &"the call has a receipt already"])?;
                    Ok(StrayEntry::Repeated)
                }
                Some(Err(refusal)) => Err(LedgerError::Refused(refusal)),
                Some(Ok(_)) | None => Err(UNREADABLE),
            }
        });
        match tried {
            Err(LedgerError::Refused(why)) => Ok(StrayEntry::Refused(why.to_string())),
            Err(error) if error.is_of_the_rows() => Ok(StrayEntry::Refused(error.to_string())),
            done => done,
        }
    }

    /// Marks a stray as dropped: nobody will pay for it.
    ///
    /// # Errors
    /// When the database fails, there is no such open stray, or no reason is given.
    pub fn drop_stray(&self, n: i64, reason: &str) -> Result<(), LedgerError> {
        self.write_books(|txn, _| end(txn, n, "dropped", reason))
    }
}

const UNREADABLE: LedgerError = LedgerError::Unreadable { what: "settlement" };

/// Ends an open stray.
fn end(txn: Txn<'_>, n: i64, state: &str, reason: &str) -> Result<(), LedgerError> {
    let sql = "UPDATE stray SET state = ?2, reason = ?3 WHERE n = ?1 AND state = 'open'";
    if txn.execute(sql, &[&n, &state, &reason])? == 1 {
        return Ok(());
    }
    let sql = "SELECT state FROM stray WHERE n = ?1";
    let state = txn.one(sql, &[&n], |row| row.get::<String>(0))?;
    Err(match state {
        Some(state) => LedgerError::StrayEnded { n, state },
        None => LedgerError::NoSuchStray { n },
    })
}

/// Whether the call of a settlement had a receipt that was removed.
fn is_gone(txn: Txn<'_>, op: &Op) -> Result<bool, LedgerError> {
    let Act::Settle(settlement) = &op.act else {
        return Ok(false);
    };
    let sql = "SELECT 1 FROM gone_call WHERE call = ?1";
    Ok(txn.one(sql, &[&settlement.call], |_| Ok(()))?.is_some())
}

fn settlement(txn: Txn<'_>, n: i64) -> Result<Op, LedgerError> {
    let sql = "SELECT op FROM stray WHERE n = ?1";
    let text = txn.one(sql, &[&n], |row| row.get::<String>(0))?;
    let op: Option<Op> = text.and_then(|text| serde_json::from_str(&text).ok());
    op.filter(|op| matches!(op.act, Act::Settle(_)))
        .ok_or(UNREADABLE)
}
