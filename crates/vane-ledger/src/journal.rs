//! The append-only file of one replica: spool and durability point. It knows nothing of money.
//!
//! A record is bytes with a kind; its number is the one before it plus one, for ever. A ticket
//! resolves when its record is as durable as was asked, and never before. Readers see only what is
//! synced. A disk that fails makes the journal refuse (`Refused::Faulted`) until it can make a new
//! segment; it never ends the process.
//!
//! # Who writes
//!
//! Who submits. It writes its record and all that waits in one write, and its ticket is resolved
//! when it gets it; while one writes, others leave their records to it. Who puts writes later, unless
//! another who did so was first: calls that end in one turn of their thread share one write. That may be a thread of an
//! asynchronous runtime: it is a copy of at most 256 KiB (or one record), four times at most, into
//! the page cache of blocks that were allocated before; that costs less than to wake a thread and
//! be woken. No lock is held meanwhile, nothing is synced and no file made.
//! Where the kernel holds writers back because its page cache is full of unwritten data, it holds
//! back the caller too.
//!
//! Syncing, making segments, turning to the next and mending are the keeper's, a thread. It syncs
//! within 100 ms of a write, at once where `Power` or `flush` waits, and makes the next segment
//! when half of this one is full. The old one is synced before anything is written to the next;
//! what is submitted in between waits for the keeper. So does what comes right after `open`, which
//! writes nothing itself unless records of a former process are not proven to be on the disk.
//!
//! What is sent waits for the next submit where many records come, for 10 ms at most, as the keeper
//! then looks so often (later, if it is held up by a sync and nobody submits). Where few come, who
//! sends writes: that costs less than a timer.
//!
//! CPU of all threads per call, which is a send and a submit of 300 bytes each that is waited for
//! (`tests/bench.rs`; medians of three runs on two busy virtual cores, ext4):
//!
//! | callers | `Crash` | `Power` |
//! |---|---|---|
//! | 1, back to back | 1.4 us | |
//! | 1, 100 calls/s, a sync every eight calls | 28 us | |
//! | 64 on two threads | 1.4 us | 3.1 us |
//! | 512 on two threads | 1.4 us | 1.3 us |
//!
//! To open an empty folder takes 0.2 ms, whatever a segment holds; the first record has its segment
//! 8 to 28 ms later, as long as two syncs of that disk take.
//!
//! # Format
//!
//! All integers are little-endian. A folder holds `lock`, perhaps a `draft`, and segments named by
//! number, `00000000000000000001.journal`, allocated in full when made. A segment begins with:
//!
//! | bytes | |
//! |---|---|
//! | 8 | `vanejrnl` |
//! | 4 + 4 | format version 1; zero |
//! | 16 | instance |
//! | 8 + 8 + 8 | epoch; number of the segment; base: number of its first record |
//! | 4 + 4 | zero; CRC-32 of the 60 bytes before it |
//!
//! Frames follow without a gap, then zeros:
//!
//! | bytes | |
//! |---|---|
//! | 4 | CRC-32 of all that follows in this frame |
//! | 4 | length of the payload, at most 1 MiB |
//! | 8 | number of the record |
//! | 8 | synced: the last record known to be on the disk when this one was written |
//! | 1 + 1 + 2 | kind; 1 if void: the record was taken back; zero |
//! | | payload |
//!
//! A segment's records end where the base of the next segment says, whatever stands behind. In the
//! last segment they end at the first bad frame. That is a torn tail, unless a good frame behind it
//! has `synced` at or past the bad one: then something that was safe has been damaged, and the
//! journal does not open. Every start, and every recovery from a failed write or sync, makes a new
//! segment; it is written and synced as `draft` and then renamed.
//!
//! A segment that is made ahead of time does not know its base: it says 0, and its base is the
//! number of its first record. Without one it is not begun, and the next start removes it.
//!
//! The last record that was synced before a stop has no witness behind it: if exactly it is damaged
//! on the disk before the next start, it reads as torn.
mod appender;
mod disk;
mod error;
mod frame;
mod header;
mod inspect;
mod keeper;
mod lock;
mod maker;
mod pace;
mod queue;
mod record;
mod recover;
mod replay;
mod scan;
mod shelf;
#[cfg(test)]
mod tests;
mod ticket;
mod window;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

pub use error::{DiskError, JournalError, Refused};
pub use inspect::{Inspection, SegmentReport, inspect};
pub use lock::Lock;
pub(crate) use lock::{Held, hold};
pub use record::{Batch, Durability, Position, Record};
pub use replay::{BATCH_MAX, Replay};
pub use ticket::Ticket;

use disk::Disk;
#[cfg(test)]
pub(crate) use disk::model::Model;
use keeper::Keeper;
use maker::Maker;
use queue::Queue;
use recover::Opening;

#[derive(Clone, Debug)]
pub struct Settings {
    pub segment_bytes: u64,
    /// The most that may wait to be written.
    pub queue_bytes: usize,
    /// The most that may be kept, counted in all segments that are not wholly ingested.
    pub backlog_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            queue_bytes: 8 << 20,
            backlog_bytes: 1 << 30,
        }
    }
}

impl Settings {
    fn check(&self) -> Result<(), JournalError> {
        if !(4 << 10..=1 << 30).contains(&self.segment_bytes) {
            return Err(JournalError::Settings("a segment has 4 KiB to 1 GiB"));
        }
        if self.backlog_bytes < self.segment_bytes.saturating_mul(2) {
            return Err(JournalError::Settings(
                "the backlog is at least two segments, since only whole ones are dropped",
            ));
        }
        Ok(())
    }
}

/// Shared by reference between all callers. Dropping it writes and syncs what waits.
pub struct Journal {
    queue: Arc<Queue>,
    disk: Disk,
    keeper: Option<JoinHandle<()>>,
    _lock: File,
}

impl Journal {
    /// `epoch` is later than any before; `ingested` is what the store holds of this journal.
    pub fn open(
        folder: &Path,
        instance: [u8; 16],
        epoch: u64,
        ingested: Position,
        settings: &Settings,
    ) -> Result<Self, JournalError> {
        settings.check()?;
        Lock::take(folder)?.open(instance, epoch, ingested, settings)
    }

    /// Over a disk that forgets; `folder` has the lock.
    #[cfg(test)]
    pub(crate) fn over(
        model: &Model,
        folder: &Path,
        instance: [u8; 16],
        epoch: u64,
        ingested: Position,
        settings: &Settings,
    ) -> Result<Self, JournalError> {
        let maker = Maker {
            disk: Disk::Model(model.clone()),
            instance,
            epoch,
            segment_bytes: settings.segment_bytes,
        };
        Self::start(maker, Lock::take(folder)?.file, ingested, settings)
    }

    fn start(
        maker: Maker,
        lock: File,
        ingested: Position,
        settings: &Settings,
    ) -> Result<Self, JournalError> {
        let disk = maker.disk.clone();
        let opening = Opening {
            maker: maker.clone(),
            ingested,
        };
        let queue = Queue::new(
            opening.recover()?,
            settings.queue_bytes,
            settings.backlog_bytes,
        );
        let queue = Arc::new(queue);
        let keeper = Keeper {
            queue: Arc::clone(&queue),
            maker,
        };
        let thread = Builder::new().name("vane-journal".into());
        let thread = thread.spawn(move || keeper.run());
        let thread = thread.map_err(|cause| DiskError::new("start", "the keeper", cause))?;
        Ok(Self {
            queue,
            disk,
            keeper: Some(thread),
            _lock: lock,
        })
    }

    /// Writes to the page cache, a few times at most, and waits for nobody.
    pub fn submit(
        &self,
        kind: u8,
        payload: &[u8],
        durability: Durability,
    ) -> Result<Ticket, Refused> {
        self.queue.submit(kind, payload, durability)
    }

    /// Takes a record and writes nothing: whoever waits for it calls `write`, after others have put
    /// theirs.
    pub fn put(&self, kind: u8, payload: &[u8]) -> Result<Ticket, Refused> {
        self.queue.put(kind, payload)
    }

    /// Writes what was put, of all callers.
    pub fn write(&self) {
        self.queue.write_waiting();
    }

    /// For what nobody waits for: it is written and synced with the rest.
    pub fn send(&self, kind: u8, payload: &[u8]) -> Result<(), Refused> {
        self.queue.send(kind, payload)
    }

    /// Resolves when everything that was submitted or sent so far is synced, and so to be read by
    /// `replay`.
    pub fn flush(&self) -> Ticket {
        self.queue.flush()
    }

    /// Why nothing is taken at present, if that is so.
    #[must_use]
    pub fn trouble(&self) -> Option<DiskError> {
        self.queue.trouble()
    }

    /// Why a record would not be taken now, if that is so.
    #[must_use]
    pub fn refuses(&self) -> Option<Refused> {
        self.queue.refuses()
    }

    /// Records that wait for the writer.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Up to where readers see it.
    #[must_use]
    pub fn synced(&self) -> Position {
        Position::new(self.queue.shelf.synced())
    }

    /// The records after `from`, oldest first.
    #[must_use]
    pub fn replay(&self, from: Position) -> Replay {
        Replay::new(Arc::clone(&self.queue.shelf), self.disk.clone(), from)
    }

    /// Blocks the calling thread, which is the ingesting one, until something after `after` is
    /// synced or `timeout` is over. Says how far it is.
    #[must_use]
    pub fn wait(&self, after: Position, timeout: Duration) -> Position {
        Position::new(self.queue.shelf.wait(after.number(), timeout))
    }

    /// Whether so much is kept that what the store holds had better go: a quarter of what may be.
    #[must_use]
    pub fn is_filling(&self) -> bool {
        self.queue.is_filling()
    }

    /// The store holds everything up to `position`, durably: whole segments before it are removed.
    pub fn ingested(&self, position: Position) -> Result<(), JournalError> {
        self.queue.shelf.drop_until(position, &self.disk)
    }
}

impl Lock {
    /// Opens the journal of the folder, as [`Journal::open`] does.
    pub fn open(
        self,
        instance: [u8; 16],
        epoch: u64,
        ingested: Position,
        settings: &Settings,
    ) -> Result<Journal, JournalError> {
        settings.check()?;
        let maker = Maker {
            disk: Disk::Folder(self.folder),
            instance,
            epoch,
            segment_bytes: settings.segment_bytes,
        };
        Journal::start(maker, self.file, ingested, settings)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(keeper) = self.keeper.take() {
            // It does not panic; and if it did, nothing better could be done here.
            let _ended = keeper.join();
        }
    }
}
