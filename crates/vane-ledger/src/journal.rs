//! The append-only file of one replica: spool and durability point. It knows nothing of money.
//!
//! A record is bytes with a kind; its number is the one before it plus one, for ever. A ticket
//! resolves when its record is as durable as was asked, and never before. Readers see only what is
//! synced. A disk that fails makes the journal refuse (`Refused::Faulted`) until it can make a new
//! segment; it never ends the process.
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
//! The last record that was synced before a stop has no witness behind it: if exactly it is damaged
//! on the disk before the next start, it reads as torn.
mod appender;
mod disk;
mod error;
mod frame;
mod header;
mod inspect;
mod lock;
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
mod writer;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

pub use error::{DiskError, JournalError, Refused};
pub use inspect::{Inspection, SegmentReport, inspect};
pub use record::{Batch, Durability, Position, Record};
pub use replay::{BATCH_MAX, Replay};
pub use ticket::Ticket;

use disk::Disk;
#[cfg(test)]
pub(crate) use disk::model::Model;
use queue::Queue;
use recover::Opening;
use writer::Writer;

#[derive(Clone, Debug)]
pub struct Settings {
    pub segment_bytes: u64,
    /// The most that may wait for the writer.
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
    writer: Option<JoinHandle<()>>,
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
        let lock = lock::take(folder)?;
        let disk = Disk::Folder(folder.to_owned());
        Self::start(disk, lock, instance, epoch, ingested, settings)
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
        let disk = Disk::Model(model.clone());
        Self::start(
            disk,
            lock::take(folder)?,
            instance,
            epoch,
            ingested,
            settings,
        )
    }

    fn start(
        disk: Disk,
        lock: File,
        instance: [u8; 16],
        epoch: u64,
        ingested: Position,
        settings: &Settings,
    ) -> Result<Self, JournalError> {
        let appender = Opening {
            disk: disk.clone(),
            instance,
            epoch,
            ingested,
            segment_bytes: settings.segment_bytes,
        }
        .recover()?;
        let queue = Arc::new(Queue::new(
            Arc::clone(&appender.shelf),
            settings.queue_bytes,
            settings.backlog_bytes,
            appender::payload_max(settings.segment_bytes),
        ));
        queue.report(appender.trouble.clone());
        let writer = Writer {
            appender,
            queue: Arc::clone(&queue),
        };
        let thread = Builder::new().name("vane-journal".into());
        let thread = thread.spawn(move || writer.run());
        let thread = thread.map_err(|cause| DiskError::new("start", "the writer", cause))?;
        Ok(Self {
            queue,
            disk,
            writer: Some(thread),
            _lock: lock,
        })
    }

    /// Never blocks but for the copy of `payload`.
    pub fn submit(
        &self,
        kind: u8,
        payload: &[u8],
        durability: Durability,
    ) -> Result<Ticket, Refused> {
        self.queue.push(kind, payload, durability, true)
    }

    /// For what nobody waits for: it is written and synced with the rest.
    pub fn send(&self, kind: u8, payload: &[u8]) -> Result<(), Refused> {
        let sent = self.queue.push(kind, payload, Durability::Crash, false);
        sent.map(drop)
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

    /// The store holds everything up to `position`, durably: whole segments before it are removed.
    pub fn ingested(&self, position: Position) -> Result<(), JournalError> {
        self.queue.shelf.drop_until(position, &self.disk)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(writer) = self.writer.take() {
            // It does not panic; and if it did, nothing better could be done here.
            let _ended = writer.join();
        }
    }
}
