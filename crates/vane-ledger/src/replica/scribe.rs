//! The thread that brings the journal into the store, in its order, each record exactly once.
//!
//! Positions are stored with what they stand for, so a crash anywhere repeats nothing. A store that
//! fails is asked again until it answers; meanwhile the journal keeps everything. Calls that run
//! for long have their last word kept in the store, so that the journal need not be.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Builder, JoinHandle, Thread};
use std::time::Duration;

use tokio::sync::watch;

use super::funds::Funds;
use super::{ReplicaError, record};
use crate::book::{Act, Op, Outcome, Refusal, Status};
use crate::clock::Clock;
use crate::error::LedgerError;
use crate::id::new_id;
use crate::journal::{Batch, DiskError, Journal, JournalError, Position, Replay, Ticket};
use crate::store::{self, Ingest, Store};

pub(super) struct Scribe {
    /// Says that someone waits; dropped to end the thread.
    hurry: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    trouble: Arc<Mutex<Option<String>>>,
}

/// Which life of which instance this is.
#[derive(Clone, Copy)]
pub(super) struct Life {
    pub(super) instance: i64,
    pub(super) life: store::Life,
}

/// Records gather for so long before they are ingested, unless someone waits for them.
const GATHER: Duration = Duration::from_millis(100);
/// A store that fails is left alone for so long.
const PAUSE: Duration = Duration::from_millis(250);

impl Scribe {
    /// Settles what former lives have left, then goes on by itself.
    pub(super) fn start(
        store: &Store,
        journal: &Arc<Journal>,
        funds: &Arc<Funds>,
        unwritten: &Arc<Mutex<Vec<Vec<u8>>>>,
        life: Life,
        clock: &Clock,
    ) -> Result<(Self, watch::Receiver<u64>), ReplicaError> {
        let from = Position::new(life.life.ingested);
        let (told, ingested) = watch::channel(from.number());
        let mut desk = Desk {
            store: store.clone(),
            journal: Arc::clone(journal),
            funds: Arc::clone(funds),
            unwritten: Arc::clone(unwritten),
            instance: life.instance,
            replay: journal.replay(from),
            position: from,
            kept: HashSet::new(),
            told,
        };
        desk.recover(life.life.epoch, clock.now())?;
        let trouble = Arc::new(Mutex::new(None));
        let (hurry, hurried) = channel();
        let shown = Arc::clone(&trouble);
        let thread = Builder::new().name("vane-scribe".into());
        let thread = thread
            .spawn(move || desk.serve(&hurried, &shown))
            .map_err(ReplicaError::Thread)?;
        let scribe = Self {
            hurry: Some(hurry),
            thread: Some(thread),
            trouble,
        };
        Ok((scribe, ingested))
    }

    /// Someone waits for what is written to be ingested.
    pub(super) fn hurry(&self) {
        if let Some(hurry) = &self.hurry {
            // A thread that has ended has ingested all it could.
            let _ = hurry.send(());
        }
    }

    /// Why the store takes nothing, if that is so.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        drop(self.hurry.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

struct Desk {
    store: Store,
    journal: Arc<Journal>,
    funds: Arc<Funds>,
    unwritten: Arc<Mutex<Vec<Vec<u8>>>>,
    instance: i64,
    replay: Replay,
    position: Position,
    /// Running calls whose last word the store keeps.
    kept: HashSet<String>,
    told: watch::Sender<u64>,
}

/// A batch as the store takes it.
#[derive(Default)]
struct Read {
    ops: Vec<Op>,
    opened: Vec<(String, Vec<u8>)>,
    closed: Vec<String>,
}

impl Desk {
    fn serve(mut self, hurried: &Receiver<()>, shown: &Mutex<Option<String>>) {
        let mut waiting = None;
        loop {
            let last = match hurried.recv_timeout(GATHER) {
                Ok(()) | Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            self.write_again();
            let done = self.catch_up(&mut waiting);
            let failed = done.is_err();
            let trouble = done.err().map(|error| error.to_string());
            *shown.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
            match (last, failed) {
                (true, _) => break,
                (false, true) => std::thread::sleep(PAUSE),
                (false, false) => {}
            }
        }
        // What the store does not take now is found in the journal at the next start.
        let _later = self.finish(&mut waiting);
    }

    /// Ingests all that was ever written.
    fn finish(&mut self, waiting: &mut Option<Batch>) -> Result<(), ReplicaError> {
        let end = parked(self.journal.flush())?;
        let mut before = None;
        while self.position < end && before != Some(self.position) {
            before = Some(self.position);
            self.catch_up(waiting)?;
        }
        Ok(())
    }

    /// Tries to write what the journal did not take before.
    fn write_again(&self) {
        let mut unwritten = self
            .unwritten
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let taken = unwritten
            .iter()
            .take_while(|payload| self.journal.send(record::SETTLED, payload).is_ok());
        let taken = taken.count();
        unwritten.drain(..taken);
    }

    /// Ingests all that is synced. A batch that the store did not take is `waiting`.
    fn catch_up(&mut self, waiting: &mut Option<Batch>) -> Result<(), ReplicaError> {
        loop {
            let batch = match waiting.take() {
                Some(batch) => batch,
                None => self.replay.batch()?,
            };
            if batch.end <= self.position {
                return Ok(());
            }
            if let Err(error) = self.ingest(&batch) {
                *waiting = Some(batch);
                return Err(error);
            }
        }
    }

    fn ingest(&mut self, batch: &Batch) -> Result<(), ReplicaError> {
        let read = self.read(batch)?;
        let done = self.store.ingest(&Ingest {
            instance: self.instance,
            position: batch.end.number(),
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
        self.tell(&read.ops, &done);
        self.position = batch.end;
        self.journal.ingested(batch.end)?;
        let _nobody_waits = self.told.send_replace(batch.end.number());
        Ok(())
    }

    fn read(&self, batch: &Batch) -> Result<Read, ReplicaError> {
        let mut read = Read::default();
        // Calls that have not ended within the batch, each with its last word.
        let mut running = HashMap::new();
        for written in &batch.records {
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

    fn tell(&self, ops: &[Op], done: &[Result<Outcome, Refusal>]) {
        for (op, outcome) in ops.iter().zip(done) {
            let Act::Settle(settlement) = &op.act else {
                continue;
            };
            match outcome {
                Ok(Outcome::Settled {
                    charged, balance, ..
                }) if settlement.hold.is_some() => {
                    self.funds.ingested(settlement.account, *charged, *balance);
                }
                _ => {}
            }
        }
    }

    /// Ingests what was written, settles what was running when the last life ended, and returns
    /// what was lent to it.
    fn recover(&mut self, epoch: i64, now: i64) -> Result<(), ReplicaError> {
        self.catch_up(&mut None)?;
        let running = self.store.open_calls(self.instance)?;
        for calls in running.chunks(store::BATCH_MAX) {
            let mut ops = Vec::with_capacity(calls.len());
            for (_, word) in calls {
                let mut op = record::read(word)?;
                if let Act::Settle(settlement) = &mut op.act {
                    settlement.status = Status::Interrupted;
                }
                op.at = op.at.max(now);
                ops.push(op);
            }
            let closed: Vec<String> = calls.iter().map(|(call, _)| call.clone()).collect();
            self.store.ingest(&Ingest {
                instance: self.instance,
                position: self.position.number(),
                ops: &ops,
                opened: &[],
                closed: &closed,
            })?;
        }
        self.kept.clear();
        self.return_leases(epoch, now)
    }

    fn return_leases(&self, epoch: i64, now: i64) -> Result<(), ReplicaError> {
        let former = self.store.open_leases(self.instance)?;
        let former = former.into_iter().filter(|(_, of)| *of < epoch);
        let ops: Result<Vec<Op>, LedgerError> = former
            .map(|(lease, _)| {
                let act = Act::ReturnLease { lease };
                Ok(Op {
                    id: new_id()?,
                    at: now,
                    instance: self.instance,
                    act,
                })
            })
            .collect();
        for ops in ops?.chunks(store::BATCH_MAX) {
            self.store.apply(ops)?;
        }
        Ok(())
    }
}

/// Waits for a ticket on this thread.
fn parked(ticket: Ticket) -> Result<Position, DiskError> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut ticket = std::pin::pin!(ticket);
    loop {
        match ticket.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(end) => return end,
            Poll::Pending => std::thread::park(),
        }
    }
}

impl From<DiskError> for ReplicaError {
    fn from(error: DiskError) -> Self {
        Self::Journal(JournalError::Disk(error))
    }
}
