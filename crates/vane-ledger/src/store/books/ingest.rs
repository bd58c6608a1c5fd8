//! What a replica's journal says becomes part of the books, exactly once.
//!
//! How far a journal is ingested, and which of its calls are open, stands in the same commit as
//! what it said. A settlement that cannot be entered is kept as a stray: it was paid for.
//!
//! # Lives that are over
//!
//! Only the present life of an instance may bring in its journal: a piece of another is refused
//! with [`LedgerError::LifeOver`], in the same statement that moves the position. Who sweeps what
//! an instance left ends its life first, so nothing of it can come in beside the sweep, or after.
//! The journal is still there, and its owner may come back: it begins a new life of the same number
//! and brings in the same journal from the same position. Then, of each record,
//!
//! - a settlement of a call that nobody swept (the store may never have heard of it) is entered.
//!   Its lease was returned, so a prepaid customer pays out of what is free, and the operator bears
//!   what is lent to others by then: it is charged once, and never below zero;
//! - a settlement of a call that was swept is `Repeated`: the receipt by its last word stands, and
//!   its customer pays no more than had been delivered by then;
//! - a last word of a call that was swept is passed over: the call has ended for the books, however
//!   long it runs.
//!
//! # A database that fell back
//!
//! A standby that takes over may lack what the server before it had committed last. So a piece says
//! from where on it is read, and is refused with [`LedgerError::FellBack`] where the database does not
//! stand there: what is missing would be passed over. Its owner begins a new life at the position that
//! the database has, and brings in its journal from there. What is entered twice is `Repeated`.
//!
//! A call has one receipt whoever enters it, since its id is unique there, and where that receipt was
//! removed since, `gone_call` has the id; and a record is behind
//! the position only if it is in the books or among the strays. So nobody pays twice, and nothing
//! that was paid for is forgotten.

use super::batch::Batch;
use super::memory::Memory;
use super::{Kept, within_batch};
use crate::book::{Act, Op, Outcome, Refusal};
use crate::error::LedgerError;
use crate::store::{Store, Txn};

pub(crate) const STRAY: &str = "INSERT INTO stray (op, why, at) VALUES (?1, ?2, ?3)";
const OPENED: &str = "INSERT INTO open_call (instance, call, epoch, state) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (instance, call) DO UPDATE SET epoch = excluded.epoch, state = excluded.state";
const OPENED_UNLESS_SWEPT: &str = "INSERT INTO open_call (instance, call, epoch, state)
    SELECT CAST(?1 AS BIGINT), CAST(?2 AS TEXT), CAST(?3 AS BIGINT), CAST(?4 AS BYTEA)
    WHERE NOT EXISTS (SELECT 1 FROM receipt r WHERE r.call = ?2)
    AND NOT EXISTS (SELECT 1 FROM gone_call g WHERE g.call = ?2)
    ON CONFLICT (instance, call) DO UPDATE SET epoch = excluded.epoch, state = excluded.state";
const CLOSED: &str = "DELETE FROM open_call WHERE instance = ?1 AND call = ?2";

/// A piece of a journal.
#[derive(Clone, Copy, Debug)]
pub struct Ingest<'a> {
    pub instance: i64,
    /// The life that brings it in.
    pub epoch: i64,
    /// The record after which this begins: all up to it was brought in before.
    pub from: u64,
    /// The record up to which this goes.
    pub position: u64,
    pub ops: &'a [Op],
    /// Calls that are open after it, as their instance wants to find them again.
    pub opened: &'a [(String, Vec<u8>)],
    /// Calls opened by an earlier piece that have ended.
    pub closed: &'a [String],
}

/// A record of a journal that is not what the books can take, as it is kept for people.
#[derive(Clone, Copy, Debug)]
pub struct Stray<'a> {
    pub instance: i64,
    pub epoch: i64,
    /// The record up to which all was brought in before.
    pub from: u64,
    /// The record up to which all is in the books or kept with this one.
    pub position: u64,
    /// The call that it closes, if that was open.
    pub call: Option<&'a str>,
    /// The operation, or whatever it is, as JSON.
    pub record: &'a str,
    pub why: &'a str,
    pub at: i64,
}

impl Store {
    /// Applies what a journal says, in one commit with how far it is and which calls are open.
    ///
    /// # Errors
    /// When the database fails, there are more than [`super::BATCH_MAX`] operations, the life is
    /// over, the database fell back before where the piece begins, or all up to a later position
    /// is in the books already: then nothing has happened.
    pub fn ingest(&self, batch: &Ingest<'_>) -> Result<Vec<Result<Outcome, Refusal>>, LedgerError> {
        within_batch(batch.ops)?;
        self.write_books(|txn, memory| {
            let Ingest {
                instance, epoch, ..
            } = *batch;
            Kept(txn).advance(instance, epoch, batch.from, batch.position)?;
            enter(txn, memory, batch)
        })
    }

    /// Keeps a record that cannot be entered, in one commit with how far the journal is.
    ///
    /// # Errors
    /// As those of [`Store::ingest`].
    pub fn keep_stray(&self, stray: &Stray<'_>) -> Result<(), LedgerError> {
        self.write_books(|txn, _| {
            let kept = Kept(txn);
            kept.advance(stray.instance, stray.epoch, stray.from, stray.position)?;
            kept.execute(STRAY, &[&stray.record, &stray.why, &stray.at])?;
            if let Some(call) = stray.call {
                kept.execute(CLOSED, &[&stray.instance, &call])?;
            }
            Ok(())
        })
    }

    /// The calls of an instance that its journal opened and did not close, as it wrote them.
    pub fn open_calls(&self, instance: i64) -> Result<Vec<(String, Vec<u8>)>, LedgerError> {
        let sql = "SELECT call, state FROM open_call WHERE instance = ?1 ORDER BY call";
        self.read(|txn| txn.rows(sql, &[&instance], |row| Ok((row.get(0)?, row.get(1)?))))
    }

    /// The leases of an instance that were not returned, each with the epoch that took it.
    pub fn open_leases(&self, instance: i64) -> Result<Vec<(String, i64)>, LedgerError> {
        let sql = "SELECT id, epoch FROM lease WHERE instance = ?1 AND state = 'open' ORDER BY id";
        self.read(|txn| txn.rows(sql, &[&instance], |row| Ok((row.get(0)?, row.get(1)?))))
    }
}

/// The same without the position, for who has made sure of the life.
pub(crate) fn enter(
    txn: Txn<'_>,
    memory: &mut Memory,
    batch: &Ingest<'_>,
) -> Result<Vec<Result<Outcome, Refusal>>, LedgerError> {
    let kept = Kept(txn);
    let mut books = Batch::new(kept, memory, batch.ops)?;
    let mut outcomes = Vec::with_capacity(batch.ops.len());
    for op in batch.ops {
        let outcome = books.apply(op)?;
        if let Err(why) = &outcome {
            kept.keep_stray(op, why)?;
        }
        outcomes.push(outcome);
    }
    books.finish()?;
    kept.follow_calls(batch)?;
    Ok(outcomes)
}

impl Kept<'_> {
    /// The database may stand past `from`: at the end of a commit of which nobody heard.
    fn advance(
        self,
        instance: i64,
        epoch: i64,
        from: u64,
        position: u64,
    ) -> Result<(), LedgerError> {
        let sql = "UPDATE instance SET ingested = ?4
            WHERE id = ?1 AND epoch = ?2 AND ingested >= ?3 AND ingested <= ?4";
        let number = |of: u64| i64::try_from(of).map_err(|_| LedgerError::IngestedBefore);
        let (first, last) = (number(from)?, number(position)?);
        let moved = self.0.execute(sql, &[&instance, &epoch, &first, &last])?;
        if moved == 1 {
            return Ok(());
        }
        Err(match stands(self.0, instance)? {
            None => LedgerError::NotBegun { instance },
            Some((living, _)) if living != epoch => LedgerError::LifeOver { instance },
            Some((_, at)) if at < from => LedgerError::FellBack { instance, from, at },
            Some(_) => LedgerError::IngestedBefore,
        })
    }

    fn keep_stray(self, op: &Op, why: &Refusal) -> Result<(), LedgerError> {
        if !matches!(op.act, Act::Settle(_)) || *why == Refusal::Repeated {
            return Ok(());
        }
        let text = serde_json::to_string(op);
        let text = text.map_err(|_| LedgerError::Unreadable { what: "settlement" })?;
        self.execute(STRAY, &[&text, &why.to_string(), &op.at])
    }

    fn follow_calls(self, batch: &Ingest<'_>) -> Result<(), LedgerError> {
        let opened = match self.0 {
            Txn::Sqlite(_) => OPENED,
            Txn::Postgres(_) => OPENED_UNLESS_SWEPT,
        };
        for (call, state) in batch.opened {
            self.execute(opened, &[&batch.instance, call, &batch.epoch, state])?;
        }
        for call in batch.closed {
            self.execute(CLOSED, &[&batch.instance, call])?;
        }
        Ok(())
    }
}

/// The life of an instance, and how far its journal is brought in.
pub(crate) fn stands(txn: Txn<'_>, instance: i64) -> Result<Option<(i64, u64)>, LedgerError> {
    let sql = "SELECT epoch, ingested FROM instance WHERE id = ?1";
    txn.one(sql, &[&instance], |row| {
        Ok((row.get(0)?, row.get::<i64>(1)?.unsigned_abs()))
    })
}
