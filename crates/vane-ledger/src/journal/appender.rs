//! Where records stand on the disk, and which of them are safe there. It does no I/O itself: a
//! `Stroke` or a sync leaves the lock, is done, and comes back with its result.
//!
//! Nothing counts as synced before a sync has returned that began after it was written. What was
//! written since is kept in memory (`tail`). After any failed write or sync the segment is
//! abandoned: what the kernel still holds of it may be marked clean and be lost, so it is never
//! synced again. A fresh segment then begins right after the last synced record, with the tail.

use std::io;
use std::sync::Arc;

use super::disk::Handle;
use super::error::DiskError;
use super::frame::{Frames, HEAD, Run};
use super::header;
use super::maker::Made;
use super::shelf::{Segment, Shelf};

/// The most that one write takes, if it is more than one record: who writes may be a worker's
/// thread, and should be back soon.
const STROKE_BYTES: usize = 256 << 10;

pub(super) struct Appender {
    pub(super) shelf: Arc<Shelf>,
    pub(super) segment_bytes: u64,
    pub(super) file: Option<Arc<Handle>>,
    /// The number of the newest segment.
    pub(super) segment: u64,
    /// Where the next frame goes.
    pub(super) end: u64,
    /// The number of the next record.
    pub(super) next: u64,
    pub(super) synced: u64,
    /// What the sync that is under way will make safe.
    pub(super) syncing: Frames,
    /// What was written since.
    pub(super) tail: Frames,
    /// The next segment, made ahead of time.
    pub(super) spare: Option<Made>,
    /// Something waits that has no room in this segment.
    pub(super) full: bool,
    pub(super) trouble: Option<DiskError>,
}

/// One write.
pub(super) struct Stroke {
    file: Arc<Handle>,
    at: u64,
    first: u64,
    synced: u64,
    pub(super) run: Run,
}

impl Stroke {
    pub(super) fn write(&self, frames: &mut Frames) -> io::Result<()> {
        let bytes = frames.seal(&self.run, self.first, self.synced);
        self.file.write_all(bytes, self.at)
    }
}

impl Appender {
    /// Whether a record may go into a segment now.
    pub(super) fn is_open(&self) -> bool {
        self.file.is_some() && !self.full && self.trouble.is_none()
    }

    /// The write of as much after `done` as has room.
    pub(super) fn stroke(&mut self, frames: &Frames, done: &Run) -> Option<Stroke> {
        let file = self.file.as_ref().filter(|_| self.is_open())?;
        if done.entries.end == frames.len() {
            return None;
        }
        let room = self.segment_bytes.saturating_sub(self.end);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let run = frames.run(done, room, STROKE_BYTES);
        if run.entries.is_empty() {
            self.full = true;
            return None;
        }
        Some(Stroke {
            file: Arc::clone(file),
            at: self.end,
            first: self.next,
            synced: self.synced,
            run,
        })
    }

    /// What a stroke has come to. It may be that a sync has failed meanwhile.
    pub(super) fn struck(&mut self, stroke: &Stroke, frames: &Frames, result: io::Result<()>) {
        if let Err(cause) = result {
            self.abandon("write to", cause);
            return;
        }
        let grown = u64::try_from(stroke.run.bytes.len()).unwrap_or(u64::MAX);
        let count = u64::try_from(stroke.run.entries.len()).unwrap_or(u64::MAX);
        self.tail.extend(frames, &stroke.run);
        self.end = self.end.saturating_add(grown);
        self.next = self.next.saturating_add(count);
        self.shelf.grew(grown);
    }

    pub(super) fn has_unsynced(&self) -> bool {
        !self.tail.is_empty()
    }

    pub(super) fn is_syncing(&self) -> bool {
        !self.syncing.is_empty()
    }

    /// The file to sync, and the last record that will be safe by it.
    pub(super) fn begin_sync(&mut self) -> Option<(Arc<Handle>, u64)> {
        let file = self.file.as_ref().filter(|_| self.trouble.is_none())?;
        if !self.has_unsynced() {
            return None;
        }
        std::mem::swap(&mut self.syncing, &mut self.tail);
        Some((Arc::clone(file), self.next.saturating_sub(1)))
    }

    pub(super) fn end_sync(&mut self, last: u64, result: io::Result<()>) {
        match result {
            Ok(()) => {
                self.syncing.clear();
                self.safe_until(last);
            }
            Err(cause) => {
                let later = std::mem::take(&mut self.tail);
                self.tail = std::mem::take(&mut self.syncing);
                self.tail.extend(&later, &later.whole());
                self.abandon("sync", cause);
            }
        }
    }

    fn safe_until(&mut self, last: u64) {
        self.synced = last;
        self.shelf.reached(last);
    }

    fn abandon(&mut self, doing: &'static str, cause: io::Error) {
        let failed = || DiskError::new(doing, &header::name(self.segment), cause);
        self.trouble.get_or_insert_with(failed);
        self.file = None;
    }

    /// A segment was made with the whole tail in it, which ends any trouble; or it was not.
    pub(super) fn renewed(&mut self, made: Result<Made, DiskError>) {
        match made {
            Ok(made) => {
                let base = self.synced.saturating_add(1);
                self.turn_to(made, base);
                self.tail.clear();
                self.trouble = None;
                self.safe_until(self.next.saturating_sub(1));
            }
            Err(trouble) => {
                self.file = None;
                self.trouble = Some(trouble);
            }
        }
    }

    /// Goes on in the spare segment, if there is one and all that stands before it is safe.
    pub(super) fn turn(&mut self) -> bool {
        match self.spare.take_if(|_| self.tail.is_empty()) {
            Some(spare) => {
                self.turn_to(spare, self.next);
                true
            }
            None => false,
        }
    }

    fn turn_to(&mut self, made: Made, base: u64) {
        self.shelf.push(Segment {
            number: made.number,
            base,
            bytes: made.end,
        });
        self.segment = made.number;
        self.end = made.end;
        self.file = Some(Arc::new(made.file));
        self.full = false;
    }
}

/// The largest payload that a fresh segment has room for.
pub(super) fn payload_max(segment_bytes: u64) -> usize {
    let room = usize::try_from(segment_bytes).unwrap_or(usize::MAX);
    room.saturating_sub(header::BYTES.saturating_add(HEAD))
        .min(super::frame::PAYLOAD_MAX)
}
