//! Which processes live, as what, and what becomes of the money of those that do not.
//!
//! In SQLite there is one process at a time, and it is whatever instance it says. In PostgreSQL an
//! instance lives as long as it says so every few seconds, by the clock of the database alone. One
//! that was silent for long is swept by any other: its calls end as interrupted, its leases return.

use super::books::{self, BATCH_MAX, Ingest, STRAY};
use super::{Store, Txn};
use crate::book::{Act, Op, Status};
use crate::error::LedgerError;
use crate::id::new_id;

/// One run of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub instance: i64,
    /// Higher than that of every life before.
    pub epoch: i64,
    /// The journal record up to which everything is in the books.
    pub ingested: u64,
}

/// The only instance of a database that one process has to itself.
const ALONE: i64 = 1;

const BEGIN: &str = "INSERT INTO instance (id, epoch, ingested, begun_at) VALUES (?1, 1, 0, ?2)
    ON CONFLICT (id) DO UPDATE SET epoch = instance.epoch + 1, begun_at = excluded.begun_at
    RETURNING epoch, ingested";
/// So long a life lasts that is not renewed, in microseconds; its money stays lent for twice as long
/// again, should it only have been cut off.
const RENEW: &str = "UPDATE instance SET lease_until =
    CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) + 15000000
    WHERE id = ?1 AND epoch = ?2";
const DEAD: &str = "lease_until < CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)
    - 30000000";

impl Store {
    /// Begins a new life of an instance: the one named, which must be the caller's own, or else one
    /// that nobody lives as. What an earlier life left is then the caller's to settle.
    pub fn begin(&self, instance: impl Into<Option<i64>>, now: i64) -> Result<Life, LedgerError> {
        let named = instance.into();
        self.write(|txn| {
            let instance = match named {
                Some(instance) => instance,
                None => nobody(txn)?,
            };
            let life = txn.one(BEGIN, &[&instance, &now], |row| {
                let ingested: i64 = row.get(1)?;
                Ok(Life {
                    instance,
                    epoch: row.get(0)?,
                    ingested: ingested.unsigned_abs(),
                })
            })?;
            let life = life.ok_or(LedgerError::NotBegun { instance })?;
            renew(txn, &life)?;
            Ok(life)
        })
    }

    /// Says that a life goes on; to be said every five seconds.
    ///
    /// # Errors
    /// [`LedgerError::LifeOver`] when another process lives as this instance: nothing may be held
    /// or lent any more.
    pub fn renew_instance(&self, life: &Life) -> Result<(), LedgerError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(database) => database.write_shared(|txn| renew(txn, life)),
        }
    }

    /// Settles what instances left that have been silent for long: their open calls as interrupted,
    /// by their last words, which `word` reads; and returns their leases. Any process may do it, as
    /// often as it likes. Says how much was done: where that is something, there may be more.
    pub fn sweep(
        &self,
        now: i64,
        word: impl Fn(&[u8]) -> Option<Op> + Sync,
    ) -> Result<usize, LedgerError> {
        match self {
            Self::Sqlite(_) => Ok(0),
            Self::Postgres(_) => self.write_books(|txn, memory| {
                let Some(left) = left(txn, now, &word)? else {
                    return Ok(0);
                };
                let batch = Ingest {
                    instance: left.instance,
                    position: left.position,
                    ops: &left.ops,
                    opened: &[],
                    closed: &left.calls,
                };
                books::ingest(txn, memory, &batch)?;
                Ok(left.ops.len().max(left.calls.len()))
            }),
        }
    }
}

/// The smallest instance that nobody lives as. No two processes look at once.
fn nobody(txn: Txn<'_>) -> Result<i64, LedgerError> {
    let Txn::Postgres(_) = txn else {
        return Ok(ALONE);
    };
    let dead = format!("SELECT id FROM instance WHERE id > 0 AND {DEAD} ORDER BY id LIMIT 1");
    if let Some(instance) = txn.one(&dead, &[], |row| row.get(0))? {
        return Ok(instance);
    }
    // Zero is the operator's.
    let next = "SELECT coalesce(max(id), 0) + 1 FROM instance";
    let next = txn.one(next, &[], |row| row.get(0))?;
    Ok(next.unwrap_or(ALONE))
}

fn renew(txn: Txn<'_>, life: &Life) -> Result<(), LedgerError> {
    let instance = life.instance;
    let Txn::Postgres(_) = txn else {
        return Ok(());
    };
    match txn.execute(RENEW, &[&instance, &life.epoch])? {
        0 => Err(LedgerError::LifeOver { instance }),
        _ => Ok(()),
    }
}

/// What a dead instance has left, as much as one commit takes.
struct Left {
    instance: i64,
    position: u64,
    ops: Vec<Op>,
    calls: Vec<String>,
}

fn left(
    txn: Txn<'_>,
    now: i64,
    word: &impl Fn(&[u8]) -> Option<Op>,
) -> Result<Option<Left>, LedgerError> {
    // Its row stays locked, so that it cannot come back to life meanwhile; one that somebody else
    // sweeps is passed over.
    let dead = format!(
        "SELECT id, ingested FROM instance WHERE {DEAD} AND (EXISTS
             (SELECT 1 FROM open_call o WHERE o.instance = instance.id) OR EXISTS
             (SELECT 1 FROM lease l WHERE l.instance = instance.id AND l.state = 'open'))
         ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
    );
    let found = txn.one(&dead, &[], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some((instance, ingested)): Option<(i64, i64)> = found else {
        return Ok(None);
    };
    let mut left = Left {
        instance,
        position: ingested.unsigned_abs(),
        ops: Vec::new(),
        calls: Vec::new(),
    };
    let most = i64::try_from(BATCH_MAX).unwrap_or(i64::MAX);
    let calls = "SELECT call, state FROM open_call WHERE instance = ?1 ORDER BY call LIMIT ?2";
    let calls: Vec<(String, Vec<u8>)> = txn.rows(calls, &[&instance, &most], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    for (call, state) in calls {
        let Some(mut op) = word(&state) else {
            let shown: String = state.iter().map(|byte| format!("{byte:02x}")).collect();
            let shown = serde_json::json!({ "call": call, "word": shown }).to_string();
            let why = "the last word of a call cannot be read";
            txn.execute(STRAY, &[&shown, &why, &now])?;
            left.calls.push(call);
            continue;
        };
        if let Act::Settle(settlement) = &mut op.act {
            settlement.status = Status::Interrupted;
        }
        op.at = op.at.max(now);
        left.ops.push(op);
        left.calls.push(call);
    }
    // Calls first: what they cost comes out of the leases.
    if left.calls.is_empty() {
        let leases = "SELECT id FROM lease WHERE instance = ?1 AND state = 'open'
            ORDER BY id LIMIT ?2";
        for lease in txn.rows(leases, &[&instance, &most], |row| row.get(0))? {
            left.ops.push(Op {
                id: new_id()?,
                at: now,
                instance,
                act: Act::ReturnLease { lease },
            });
        }
    }
    Ok(Some(left))
}
