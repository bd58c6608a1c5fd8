//! Brings batches of the journal into the store, each record exactly once.
//!
//! Positions are stored with what they stand for, so a crash anywhere repeats nothing. Calls that
//! run for long have their last word kept in the store, so that the journal need not be. A record
//! that the store cannot take is found by halving its batch, kept as a stray with the reason, and
//! told of; all others go on. A store that is away is no reason to give up a record. One that fell back,
//! because a standby took over without the last commits, is brought there again: the journal keeps
//! what is in the store for a while longer.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use vane_catalog::Money;

use super::funds::Arrived;
use super::scribe::Shared;
use super::{ReplicaError, record};
use crate::account::AccountId;
use crate::book::{Act, Attempt, Op, Outcome, Refusal, Settlement};
use crate::clock::Clock;
use crate::journal::{Batch, Position, Record, Replay};
use crate::quick::{QuickMap, QuickSet};
use crate::store::{Ingest, Life, Store, Stray};

pub(super) struct Desk {
    pub(super) shared: Shared,
    pub(super) store: Store,
    pub(super) life: Life,
    pub(super) clock: Clock,
    replay: Replay,
    pub(super) position: Position,
    /// Read, and not taken by the store yet.
    waiting: Option<Batch>,
    /// Running calls whose last word the store keeps.
    pub(super) kept: QuickSet<String>,
    told: watch::Sender<u64>,
    /// Up to where settlements have been counted as arrived: a store that fell back has them again.
    counted: Position,
    /// Where the position was at that time, up to where the journal lets go next.
    passed: (Instant, Position),
    /// When answers of idempotent calls are forgotten next.
    forgets_at: i64,
    /// When the database was last asked whether this life goes on, and said so.
    pub(super) said: Option<Instant>,
    /// When it was last looked for what the dead have left.
    pub(super) swept: Option<Instant>,
    /// The life has begun in a process that had another, and no money of it is held yet.
    pub(super) is_anew: bool,
}

/// Answers that were kept for long enough are looked for this often.
const FORGET_EVERY_SECONDS: i64 = 60;

/// What is in the store is kept in the journal for so long, at the least: no standby that takes over
/// lacks more, or it lags by more than is forgiven.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// A piece of a batch as the store takes it.
#[derive(Default)]
struct Read {
    ops: Vec<Op>,
    opened: Vec<(String, Vec<u8>)>,
    closed: Vec<String>,
}

impl Desk {
    pub(super) fn new(
        store: Store,
        shared: Shared,
        life: Life,
        clock: Clock,
        told: watch::Sender<u64>,
    ) -> Self {
        let position = Position::new(life.ingested);
        Self {
            replay: shared.journal.replay(position),
            shared,
            store,
            life,
            clock,
            position,
            waiting: None,
            kept: QuickSet::default(),
            told,
            counted: position,
            passed: (Instant::now(), position),
            forgets_at: 0,
            said: None,
            swept: None,
            is_anew: false,
        }
    }

    /// Forgets answers that were kept for long enough, a few at a time, and counts strays anew.
    pub(super) fn forget(&mut self) {
        let now = self.clock.now();
        // A clock that has been set back does not put it off.
        let most = now.saturating_add(FORGET_EVERY_SECONDS);
        if now < self.forgets_at && self.forgets_at <= most {
            return;
        }
        let forgotten = self.store.forget_answers(now).and_then(|forgotten| {
            // People end strays in processes of their own.
            self.shared.tally.recount(self.store.strays()?);
            Ok(forgotten)
        });
        // A store that fails is asked again in a while.
        let forgotten = forgotten.unwrap_or_default();
        self.forgets_at = match forgotten < crate::store::FORGOTTEN_AT_ONCE {
            true => now.saturating_add(FORGET_EVERY_SECONDS),
            false => now,
        };
    }

    /// Ingests all that is synced.
    pub(super) fn catch_up(&mut self) -> Result<(), ReplicaError> {
        loop {
            // To bring in much takes long, and nobody must think that nobody does it.
            self.say()?;
            let batch = match self.waiting.take() {
                Some(batch) if batch.end > self.position => batch,
                _ => self.replay.batch()?,
            };
            if batch.end <= self.position {
                return Ok(());
            }
            // A part of it may have been taken before.
            let taken = |record: &Record| record.position <= self.position;
            let rest = batch.records.partition_point(taken);
            let rest = batch.records.get(rest..).unwrap_or_default();
            // Of a store that fell back, what was counted before is a piece of its own.
            let counted = |record: &Record| record.position <= self.counted;
            let (again, new) = rest.split_at(rest.partition_point(counted));
            let again = match again.last() {
                Some(last) => self.enter(again, last.position),
                None => Ok(()),
            };
            if let Err(error) = again.and_then(|()| self.enter(new, batch.end)) {
                self.waiting = Some(batch);
                return Err(error);
            }
        }
    }

    /// Enters records, as a whole or by halves.
    fn enter(&mut self, records: &[Record], end: Position) -> Result<(), ReplicaError> {
        let error = match self.ingest(records, end) {
            Err(error) if error.is_of_the_record() => error,
            done => return done,
        };
        match records {
            [] => Err(error),
            [one] => self.set_aside(one, end, &error),
            several => {
                let (first, second) = several.split_at(several.len() / 2);
                let middle = first.last().map_or(self.position, |last| last.position);
                self.enter(first, middle)?;
                self.enter(second, end)
            }
        }
    }

    fn ingest(&mut self, records: &[Record], end: Position) -> Result<(), ReplicaError> {
        let read = self.read(records)?;
        let done = self.store.ingest(&Ingest {
            instance: self.life.instance,
            epoch: self.life.epoch,
            from: self.position.number(),
            position: end.number(),
            ops: &read.ops,
            opened: &read.opened,
            closed: &read.closed,
        })?;
        // From here on it has happened.
        for (call, _) in &read.opened {
            self.kept.insert(call.clone());
        }
        for call in &read.closed {
            self.kept.remove(call);
        }
        if end > self.counted {
            self.tell(&read.ops, &done);
        }
        self.reached(end)
    }

    fn reached(&mut self, end: Position) -> Result<(), ReplicaError> {
        self.stand(end);
        self.counted = self.counted.max(end);
        self.let_go()
    }

    /// The store has all up to there.
    fn stand(&mut self, at: Position) {
        self.position = at;
        self.life.ingested = at.number();
        let _nobody_waits = self.told.send_replace(at.number());
    }

    /// The journal lets go of what has been in the store for a while, or of all that is there where
    /// it fills up.
    fn let_go(&mut self) -> Result<(), ReplicaError> {
        let (at, passed) = self.passed;
        let journal = &self.shared.journal;
        if journal.is_filling() {
            return Ok(journal.ingested(self.position)?);
        }
        if at.elapsed() >= KEPT_FOR {
            self.passed = (Instant::now(), self.position);
            journal.ingested(passed)?;
        }
        Ok(())
    }

    /// Goes on in another life. A store that fell back is brought there again from where it stands.
    pub(super) fn go_on(&mut self, life: Life) -> Result<(), ReplicaError> {
        let at = Position::new(life.ingested);
        self.said = None;
        self.life = Life {
            ingested: self.position.number(),
            ..life
        };
        if at < self.position {
            tracing::error!(
                from = life.ingested,
                until = self.position.number(),
                "the database fell back: these records of the journal are brought in again"
            );
            // Where this fails, the store is found to have fallen back once more.
            let running = self.store.open_calls(life.instance)?;
            self.kept = running.into_iter().map(|(call, _)| call).collect();
            self.replay = self.shared.journal.replay(at);
            self.waiting = None;
            self.passed = (Instant::now(), at);
            self.stand(at);
        }
        Ok(())
    }

    /// Keeps a record that cannot be entered for people to look at.
    fn set_aside(
        &mut self,
        one: &Record,
        end: Position,
        why: &ReplicaError,
    ) -> Result<(), ReplicaError> {
        let op = (one.kind == record::SETTLED).then(|| record::read(&one.payload).ok());
        let op = op.flatten();
        let call = op.as_ref().map(|op| op.id.as_str());
        let call = call.filter(|call| self.kept.contains(*call));
        self.keep_stray(
            &record::shown(one.kind, &one.payload, op.as_ref()),
            end,
            call,
            why,
        )?;
        if let Some(op) = &op {
            self.kept.remove(&op.id);
        }
        self.reached(end)
    }

    pub(super) fn keep_stray(
        &self,
        record: &str,
        end: Position,
        call: Option<&str>,
        why: &ReplicaError,
    ) -> Result<(), ReplicaError> {
        self.store.keep_stray(&Stray {
            instance: self.life.instance,
            epoch: self.life.epoch,
            from: self.position.number(),
            position: end.number(),
            call,
            record,
            why: &why.to_string(),
            at: self.clock.now(),
        })?;
        self.stray(end.number(), &why.to_string());
        Ok(())
    }

    fn stray(&self, record: u64, why: &str) {
        self.shared.tally.stray();
        tracing::error!(
            record,
            why,
            "a record of the journal could not be entered and is kept as a stray"
        );
    }

    fn read(&self, records: &[Record]) -> Result<Read, ReplicaError> {
        let mut read = Read::default();
        // Calls that have not ended within the batch, each with its last word.
        let mut running = QuickMap::default();
        for written in records {
            match written.kind {
                record::OPENED => {
                    let (call, op) = record::split(&written.payload)?;
                    running.insert(call, op);
                }
                record::SETTLED => {
                    let op = record::read(&written.payload)?;
                    running.remove(op.id.as_str());
                    if self.kept.contains(&op.id) {
                        read.closed.push(op.id.clone());
                    }
                    read.ops.push(op);
                }
                _ => return Err(ReplicaError::Unreadable),
            }
        }
        let words = running.into_iter();
        read.opened = words
            .map(|(call, word)| (call.to_owned(), word.to_vec()))
            .collect();
        Ok(read)
    }

    pub(super) fn tell(&self, ops: &[Op], done: &[Result<Outcome, Refusal>]) {
        let mut arrived = QuickMap::<AccountId, Arrived>::default();
        for (op, outcome) in ops.iter().zip(done) {
            let Act::Settle(settlement) = &op.act else {
                continue;
            };
            match outcome {
                Ok(Outcome::Settled {
                    charged,
                    lost,
                    balance,
                }) => {
                    self.shared.tally.lose(*lost);
                    let cost = charged.checked_add(*lost).unwrap_or(*charged);
                    arrive(&mut arrived, settlement, cost, Some(*balance));
                }
                Ok(_) => {}
                // By this process, or by whoever swept it.
                Err(Refusal::Repeated) => {
                    let costs = settlement.attempts.iter().map(Attempt::cost);
                    let cost = Money::checked_sum(costs.map(Result::unwrap_or_default));
                    arrive(&mut arrived, settlement, cost.unwrap_or_default(), None);
                }
                Err(refusal) => self.stray(self.position.number(), &refusal.to_string()),
            }
        }
        self.shared.funds.ingested(arrived);
    }
}

/// What the call was counted with here is in the store, whatever it was charged there.
fn arrive(
    arrived: &mut QuickMap<AccountId, Arrived>,
    settlement: &Settlement,
    cost: Money,
    balance: Option<Money>,
) {
    let Some(hold) = &settlement.hold else { return };
    let counted = cost.min(settlement.pays_max.unwrap_or(cost));
    let counted = counted.min(hold.amount);
    let of_account = arrived.entry(settlement.account).or_default();
    of_account.counted = of_account.counted.saturating_add(counted.pico());
    of_account.balance = balance.or(of_account.balance);
}
