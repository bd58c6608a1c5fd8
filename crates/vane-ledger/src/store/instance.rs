//! Which processes live, as what, and what becomes of the money of those that do not.
//!
//! In SQLite there is one process at a time, and the instance keeps the journal that it may have been
//! left behind by: another is not taken in its place. In PostgreSQL an instance belongs to a journal, and
//! lives as long as it says so every few seconds, by the clock of the database alone. One that was
//! silent for long is swept by any other that was not: its life ends, its calls end as interrupted,
//! its leases return. What its journal says later is entered once: `books/ingest.rs` says how.

use std::time::Duration;

use super::books::{self, BATCH_MAX, Ingest, STRAY};
use super::{Store, Txn};
use crate::book::{Act, Op};
use crate::error::LedgerError;
use crate::id::new_id;

/// One run of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub instance: i64,
    /// Higher than that of every life before.
    pub epoch: i64,
    /// The journal record up to which everything is in the books, as far as this life knows.
    pub ingested: u64,
}

/// The only instance of a database that one process has to itself.
pub(crate) const ALONE: i64 = 1;

/// How often a process says that it lives.
pub(crate) const RENEW_EVERY: Duration = Duration::from_secs(5);
/// So long after it was heard last nobody takes an instance's money: shorter than the time after
/// which it is swept, by what two clocks may differ in that time and the way there takes.
pub(crate) const TRUSTED_FOR: Duration = Duration::from_secs(40);

const BEGIN: &str = "INSERT INTO instance (id, epoch, ingested, begun_at) VALUES (?1, 1, 0, ?2)
    ON CONFLICT (id) DO UPDATE SET epoch = instance.epoch + 1, begun_at = excluded.begun_at
    RETURNING epoch, ingested";

/// A database that fell back may know of an earlier life only, whose number is not taken again.
const AFTER: &str = "UPDATE instance SET epoch = ?2 WHERE id = ?1 AND epoch < ?2";

/// Microseconds by the clock of the database.
pub(super) const NOW: &str = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)";
/// A life that is not renewed for so long is doubted, and what it is lent stays its own for twice as
/// long again, should it only have been cut off.
const LIFE: &str = "15000000";
const DOUBT: &str = "30000000";
/// Who lives and could sweep has done so within this, however much there was to settle.
const SWEPT_WITHIN: &str = "300000000";
const ABANDON_USES: &str = "DELETE FROM idempotency WHERE instance = ?1 AND state = 'in_flight'";

impl Store {
    /// Begins a new life of an instance that is the caller's own, whoever lives as it. What an
    /// earlier life left is then the caller's to settle.
    pub fn begin(&self, instance: i64, now: i64) -> Result<Life, LedgerError> {
        self.write(|txn| begin(txn, instance, now))
    }

    /// The same for the instance of a journal, known by a name that no other journal has; one that
    /// never came before gets a number that nobody had. Of PostgreSQL only.
    pub fn begin_of(&self, journal: &str, now: i64) -> Result<Life, LedgerError> {
        self.write(|txn| begin(txn, numbered(txn, journal, now)?, now))
    }

    /// The same as [`Self::begin`] for the one process of a database that is a file: its journal may
    /// have what the database lacks, until [`Self::end`].
    pub(crate) fn begin_alone(
        &self,
        journal: &str,
        folder: &str,
        now: i64,
    ) -> Result<Life, LedgerError> {
        let sql = "UPDATE instance SET journal = ?2, folder = ?3 WHERE id = ?1";
        self.write(|txn| {
            let life = begin(txn, ALONE, now)?;
            txn.execute(sql, &[&ALONE, &journal, &folder])?;
            Ok(life)
        })
    }

    /// The journal that may have what a database lacks that is a file: its name and its folder.
    pub(crate) fn journal(&self) -> Result<Option<(String, String)>, LedgerError> {
        let sql = "SELECT journal, folder FROM instance
            WHERE id = ?1 AND journal IS NOT NULL AND folder IS NOT NULL";
        self.read(|txn| txn.one(sql, &[&ALONE], |row| Ok((row.get(0)?, row.get(1)?))))
    }

    /// The journal has nothing that the database lacks, and nothing more is written there. In
    /// PostgreSQL an instance stays that of its journal.
    pub(crate) fn end(&self, life: &Life) -> Result<(), LedgerError> {
        let sql = "UPDATE instance SET journal = NULL, folder = NULL WHERE id = ?1 AND epoch = ?2";
        match self {
            Self::Postgres(_) => Ok(()),
            Self::Sqlite(_) => {
                self.write(|txn| txn.execute(sql, &[&life.instance, &life.epoch]).map(drop))
            }
        }
    }

    /// Begins another life after one that is over, or that the database does not know as far as it
    /// got: after all of both.
    ///
    /// # Errors
    /// [`LedgerError::LifeOver`] while some other process lives as this instance: two that go by
    /// one journal's name would end each other for ever. [`LedgerError::NotBegun`] where the database
    /// does not know the instance: another may be given its number.
    pub fn begin_again(&self, over: &Life, now: i64) -> Result<Life, LedgerError> {
        let (instance, epoch) = (over.instance, over.epoch);
        // In SQLite nobody but another process begins a life after this one.
        let later = "SELECT 1 FROM instance WHERE id = ?1 AND epoch > ?2";
        let shared = format!("{later} AND lease_until >= {NOW}");
        self.write(|txn| {
            let other = match txn {
                Txn::Sqlite(_) => later,
                Txn::Postgres(_) => &shared,
            };
            if txn.one(other, &[&instance, &epoch], |_| Ok(()))?.is_some() {
                return Err(LedgerError::LifeOver { instance });
            }
            txn.execute(AFTER, &[&instance, &epoch])?;
            if books::stands(txn, instance)?.is_none() {
                return Err(LedgerError::NotBegun { instance });
            }
            begin(txn, instance, now)
        })
    }

    /// Says that a life goes on; to be said every five seconds.
    ///
    /// # Errors
    /// [`LedgerError::LifeOver`] when it does not: nothing may be held or lent any more.
    /// [`LedgerError::FellBack`] when the database lacks what the life has brought in.
    pub fn renew_instance(&self, life: &Life) -> Result<(), LedgerError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(database) => database.write_shared(|txn| renew(txn, life)),
        }
    }

    /// No call of the lives before this one runs any more, and all of them are settled: what they
    /// used of idempotency keys is given back, and a call of theirs that is open is one that was
    /// forgotten.
    pub(crate) fn clear(&self, life: &Life) -> Result<(), LedgerError> {
        let cleared = "UPDATE instance SET cleared = ?2 WHERE id = ?1 AND epoch = ?2";
        self.write_beside(|txn| {
            txn.execute(ABANDON_USES, &[&life.instance])?;
            txn.execute(cleared, &[&life.instance, &life.epoch])?;
            Ok(())
        })
    }

    /// Settles what instances left that have been silent for long: their open calls as interrupted,
    /// by their last words, which `word` reads; and returns their leases. Whoever does it has not
    /// been silent as long: after an outage of the database everyone has, and nobody is dead for
    /// that. Says how much was done: where that is something, there may be more.
    pub fn sweep(
        &self,
        life: &Life,
        now: i64,
        word: impl Fn(&[u8]) -> Option<Op> + Sync,
    ) -> Result<usize, LedgerError> {
        match self {
            Self::Sqlite(_) => Ok(0),
            Self::Postgres(_) => self.write_books(|txn, memory| {
                let Some(left) = left(txn, life, now, &word)? else {
                    return Ok(0);
                };
                let batch = Ingest {
                    instance: left.instance,
                    epoch: left.epoch,
                    from: left.position,
                    position: left.position,
                    ops: &left.ops,
                    opened: &[],
                    closed: &left.calls,
                };
                books::enter(txn, memory, &batch)?;
                Ok(left.ops.len().max(left.calls.len()).max(left.uses))
            }),
        }
    }
}

fn begin(txn: Txn<'_>, instance: i64, now: i64) -> Result<Life, LedgerError> {
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
}

/// The number of a journal. Lives begin one at a time, so that no two are given one.
fn numbered(txn: Txn<'_>, journal: &str, now: i64) -> Result<i64, LedgerError> {
    let known = "SELECT id FROM instance WHERE journal = ?1";
    if let Some(instance) = txn.one(known, &[&journal], |row| row.get(0))? {
        return Ok(instance);
    }
    // Zero is the operator's.
    let new = "INSERT INTO instance (id, journal, epoch, ingested, begun_at)
        SELECT coalesce(max(id), 0) + 1, ?1, 0, 0, ?2 FROM instance RETURNING id";
    let new = txn.one(new, &[&journal, &now], |row| row.get(0))?;
    Ok(new.unwrap_or(ALONE))
}

fn renew(txn: Txn<'_>, life: &Life) -> Result<(), LedgerError> {
    let instance = life.instance;
    let Txn::Postgres(_) = txn else {
        return Ok(());
    };
    let sql = format!(
        "UPDATE instance SET lease_until = {NOW} + {LIFE},
             seen_since = CASE WHEN lease_until < {NOW} THEN {NOW} ELSE seen_since END
         WHERE id = ?1 AND epoch = ?2 AND ingested >= ?3"
    );
    let from = life.ingested;
    let reached = i64::try_from(from).unwrap_or(i64::MAX);
    if txn.execute(&sql, &[&instance, &life.epoch, &reached])? == 1 {
        return Ok(());
    }
    Err(match books::stands(txn, instance)? {
        Some((epoch, at)) if epoch == life.epoch => LedgerError::FellBack { instance, from, at },
        Some(_) | None => LedgerError::LifeOver { instance },
    })
}

/// Finds a call of the dead that somebody who lives should have swept long ago, by the time at which
/// the reader's look at the database began. Of PostgreSQL only.
pub(crate) fn unswept() -> String {
    let now = "CAST(extract(epoch FROM transaction_timestamp()) * 1000000 AS BIGINT)";
    format!(
        "SELECT 'call ' || o.call FROM open_call o JOIN instance i ON i.id = o.instance
         WHERE i.lease_until < {now} - {DOUBT} - {SWEPT_WITHIN}
         AND EXISTS (SELECT 1 FROM instance me WHERE me.lease_until >= {now}
             AND me.seen_since < {now} - {LIFE} - {DOUBT} - {SWEPT_WITHIN}) LIMIT 1"
    )
}

/// What a dead instance has left, as much as one commit takes.
struct Left {
    instance: i64,
    epoch: i64,
    position: u64,
    ops: Vec<Op>,
    calls: Vec<String>,
    /// Uses of idempotency keys whose calls nobody runs.
    uses: usize,
}

fn left(
    txn: Txn<'_>,
    life: &Life,
    now: i64,
    word: &impl Fn(&[u8]) -> Option<Op>,
) -> Result<Option<Left>, LedgerError> {
    let Some(mut left) = dead(txn, life)? else {
        return Ok(None);
    };
    let instance = left.instance;
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
            settlement.interrupt();
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
        let uses = txn.execute(ABANDON_USES, &[&instance])?;
        left.uses = usize::try_from(uses).unwrap_or(usize::MAX);
    }
    Ok(Some(left))
}

/// An instance that has left something, whose life ends here. Its row stays locked, so that it
/// cannot come back meanwhile; one that somebody else sweeps is passed over.
fn dead(txn: Txn<'_>, life: &Life) -> Result<Option<Left>, LedgerError> {
    let dead = format!(
        "SELECT id, ingested FROM instance WHERE lease_until < {NOW} - {DOUBT} AND (EXISTS
             (SELECT 1 FROM open_call o WHERE o.instance = instance.id) OR EXISTS
             (SELECT 1 FROM lease l WHERE l.instance = instance.id AND l.state = 'open') OR EXISTS
             (SELECT 1 FROM idempotency u
                 WHERE u.instance = instance.id AND u.state = 'in_flight'))
         AND EXISTS (SELECT 1 FROM instance me WHERE me.id = ?1 AND me.epoch = ?2
             AND me.lease_until >= {NOW} AND me.seen_since < {NOW} - {LIFE} - {DOUBT})
         ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
    );
    let found = txn.one(&dead, &[&life.instance, &life.epoch], |row| {
        Ok((row.get::<i64>(0)?, row.get::<i64>(1)?))
    })?;
    let Some((instance, ingested)) = found else {
        return Ok(None);
    };
    let end = "UPDATE instance SET epoch = epoch + 1 WHERE id = ?1 RETURNING epoch";
    let epoch = txn.one(end, &[&instance], |row| row.get(0))?;
    Ok(Some(Left {
        instance,
        epoch: epoch.unwrap_or_default(),
        position: ingested.unsigned_abs(),
        ops: Vec::new(),
        calls: Vec::new(),
        uses: 0,
    }))
}
