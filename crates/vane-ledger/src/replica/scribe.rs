//! The thread that brings the journal into the store, in its order, each record exactly once.
//!
//! A store that fails is asked again until it answers; meanwhile the journal keeps everything. When
//! the replica goes, all that was written is brought in and its leases are returned.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Builder, JoinHandle, Thread};
use std::time::Duration;

use tokio::sync::watch;

use super::ReplicaError;
use super::desk::Desk;
use super::entered::Hurry;
use super::funds::Funds;
use super::lifeline::Lifeline;
use super::tally::Tally;
use super::unwritten::Unwritten;
use crate::clock::Clock;
use crate::journal::{DiskError, Journal, JournalError, Position, Ticket};
use crate::store::{Life, Store};

pub(super) struct Scribe {
    /// Ended to end the thread.
    hurry: Hurry,
    thread: Option<JoinHandle<()>>,
    trouble: Arc<Mutex<Option<String>>>,
}

/// What the thread shares with the replica.
pub(super) struct Shared {
    pub(super) journal: Arc<Journal>,
    pub(super) funds: Arc<Funds>,
    pub(super) unwritten: Arc<Unwritten>,
    pub(super) tally: Arc<Tally>,
    pub(super) lifeline: Arc<Lifeline>,
}

/// Records gather for so long before they are ingested, unless someone waits for them: what is
/// written once a commit is written for more of them.
const GATHER: Duration = Duration::from_millis(250);
/// Its turn comes after that of threads with someone waiting for them.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;
/// A store that fails is left alone for so long.
const PAUSE: Duration = Duration::from_millis(250);

impl Scribe {
    /// Settles what former lives have left, then goes on by itself.
    pub(super) fn start(
        store: &Store,
        shared: Shared,
        life: Life,
        clock: &Clock,
    ) -> Result<(Self, watch::Receiver<u64>), ReplicaError> {
        let (told, ingested) = watch::channel(life.ingested);
        let mut desk = Desk::new(store.clone(), shared, life, clock.clone(), told);
        desk.recover()?;
        let trouble = Arc::new(Mutex::new(None));
        let (hurry, hurried) = channel();
        let shown = Arc::clone(&trouble);
        let thread = Builder::new().name("vane-scribe".into());
        let thread = thread
            .spawn(move || serve(desk, &hurried, &shown))
            .map_err(ReplicaError::Thread)?;
        let scribe = Self {
            hurry: Hurry::new(hurry),
            thread: Some(thread),
            trouble,
        };
        Ok((scribe, ingested))
    }

    /// For who waits for what is written to be ingested.
    pub(super) const fn hurry(&self) -> &Hurry {
        &self.hurry
    }

    /// Why the store takes nothing, if that is so.
    pub(super) fn trouble(&self) -> Option<String> {
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            return Some("the thread that fills the database has ended: restart Vane".to_owned());
        }
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Scribe {
    fn drop(&mut self) {
        self.hurry.end();
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

fn serve(mut desk: Desk, hurried: &Receiver<()>, shown: &Mutex<Option<String>>) {
    // Of this thread alone, as Linux has it. One who may not be nice is no worse for it.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICE);
    let show = |trouble: Option<String>| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        match &trouble {
            Some(why) if *shown != trouble => {
                tracing::error!(%why, "the journal cannot be brought into the database");
            }
            None if shown.is_some() => tracing::warn!("the database takes the journal again"),
            _ => {}
        }
        *shown = trouble;
    };
    loop {
        let last = match hurried.recv_timeout(GATHER) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        };
        desk.shared.unwritten.write(&desk.shared.journal);
        desk.forget();
        let done = desk.live();
        let failed = done.is_err();
        if failed {
            // It may have ended meanwhile: that is to be known before anything else.
            desk.said = None;
        }
        show(done.err().map(|error| error.to_string()));
        match (last, failed) {
            (true, _) => break,
            (false, true) => std::thread::sleep(PAUSE),
            (false, false) => {}
        }
    }
    // What the store does not take now is found in the journal at the next start.
    if let Err(error) = finish(&mut desk) {
        tracing::error!(%error, "the rest of the journal waits for the next start");
    }
}

/// Ingests all that was ever written, then returns what was lent.
fn finish(desk: &mut Desk) -> Result<(), ReplicaError> {
    let Shared {
        journal, unwritten, ..
    } = &desk.shared;
    // What was not written at the first mark is written again, and before the second.
    for _ in 0..2 {
        parked(journal.flush())?;
        unwritten.write(journal);
        if unwritten.is_empty() {
            break;
        }
    }
    let all_written = unwritten.is_empty();
    desk.catch_up()?;
    // Calls that are not settled yet are settled in the next life, out of their lease.
    if all_written && desk.shared.funds.holds() == 0 {
        let (life, now) = (&desk.life, desk.clock.now());
        let all = life.epoch.saturating_add(1);
        super::recovery::return_leases(&desk.store, life, all, now)?;
        desk.store.end(life)?;
    }
    Ok(())
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
