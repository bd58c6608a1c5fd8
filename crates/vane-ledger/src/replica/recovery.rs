//! What a life of a replica does first and last: it settles what the one before it left running,
//! and returns what was lent.
//!
//! A call that nobody runs any more is settled by the last word that the journal has of it: what
//! had been delivered. One whose word cannot be entered is kept as a stray like any other record.

use super::desk::Desk;
use super::{ReplicaError, record};
use crate::book::{Act, Op};
use crate::error::LedgerError;
use crate::id::new_id;
use crate::store::{self, Ingest, Life, Store};

impl Desk {
    /// Ingests what was written, settles what was running when the last life ended, and returns
    /// what was lent to it.
    pub(super) fn recover(&mut self) -> Result<(), ReplicaError> {
        self.catch_up()?;
        let running = self.store.open_calls(self.life.instance)?;
        for calls in running.chunks(store::BATCH_MAX) {
            self.interrupt(calls)?;
        }
        self.kept.clear();
        self.store.clear(&self.life)?;
        let (life, now) = (&self.life, self.clock.now());
        Ok(return_leases(&self.store, life, life.epoch, now)?)
    }

    /// Settles calls that nobody runs any more by their last word, as a whole or by halves.
    fn interrupt(&self, calls: &[(String, Vec<u8>)]) -> Result<(), ReplicaError> {
        let error = match self.interrupt_all(calls) {
            Err(error) if error.is_of_the_record() => error,
            done => return done,
        };
        match calls {
            [] => Err(error),
            [(call, word)] => {
                let op = last_word(word, self.clock.now()).ok();
                let shown = record::shown(record::OPENED, word, op.as_ref());
                self.keep_stray(&shown, self.position, Some(call), &error)
            }
            several => {
                let (first, second) = several.split_at(several.len() / 2);
                self.interrupt(first)?;
                self.interrupt(second)
            }
        }
    }

    fn interrupt_all(&self, calls: &[(String, Vec<u8>)]) -> Result<(), ReplicaError> {
        let now = self.clock.now();
        let mut ops = Vec::with_capacity(calls.len());
        for (_, word) in calls {
            ops.push(last_word(word, now)?);
        }
        let closed: Vec<String> = calls.iter().map(|(call, _)| call.clone()).collect();
        let done = self.store.ingest(&Ingest {
            instance: self.life.instance,
            epoch: self.life.epoch,
            from: self.position.number(),
            position: self.position.number(),
            ops: &ops,
            opened: &[],
            closed: &closed,
        })?;
        self.tell(&ops, &done);
        Ok(())
    }
}

/// The settlement of a call that nobody runs any more.
fn last_word(word: &[u8], now: i64) -> Result<Op, ReplicaError> {
    let mut op = record::read(word)?;
    if let Act::Settle(settlement) = &mut op.act {
        settlement.interrupt();
    }
    op.at = op.at.max(now);
    Ok(op)
}

/// Returns the leases of an instance that were taken before `epoch`.
pub(super) fn return_leases(
    store: &Store,
    life: &Life,
    epoch: i64,
    now: i64,
) -> Result<(), LedgerError> {
    let former = store.open_leases(life.instance)?;
    let former = former.into_iter().filter(|(_, of)| *of < epoch);
    let ops: Result<Vec<Op>, LedgerError> = former
        .map(|(lease, _)| {
            Ok(Op {
                id: new_id()?,
                at: now,
                instance: life.instance,
                act: Act::ReturnLease { lease },
            })
        })
        .collect();
    for ops in ops?.chunks(store::BATCH_MAX) {
        store.apply(ops)?;
    }
    Ok(())
}
