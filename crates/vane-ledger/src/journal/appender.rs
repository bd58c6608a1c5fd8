//! Puts records on the disk. Synchronous; the writer thread drives it, and tests do.
//!
//! Nothing counts as synced before `sync` has returned. What was written since the last sync is
//! kept in memory (`tail`). After any failed write or sync the segment is abandoned: what the
//! kernel still holds of it may be marked clean and be lost, so it is never synced again. `mend`
//! makes a new segment that begins right after the last synced record and writes the tail into it.

use std::sync::Arc;

use super::disk::{Disk, Handle};
use super::error::DiskError;
use super::frame::{Frames, HEAD, Run};
use super::header::{self, DRAFT, Header};
use super::shelf::{Segment, Shelf};

pub(super) struct Appender {
    pub(super) disk: Disk,
    pub(super) shelf: Arc<Shelf>,
    pub(super) instance: [u8; 16],
    pub(super) epoch: u64,
    pub(super) segment_bytes: u64,
    pub(super) file: Option<Handle>,
    /// The number of the newest segment.
    pub(super) segment: u64,
    /// Where the next frame goes.
    pub(super) end: u64,
    /// The number of the next record.
    pub(super) next: u64,
    pub(super) synced: u64,
    pub(super) tail: Frames,
    pub(super) trouble: Option<DiskError>,
}

impl Appender {
    /// Writes `batch` in as few writes as there are segments. Says how many of it were written,
    /// in order; the rest failed for the reason in `trouble`.
    pub(super) fn append(&mut self, batch: &mut Frames) -> usize {
        let mut done = Run {
            entries: 0..0,
            bytes: 0..0,
        };
        while done.entries.end < batch.len() && self.trouble.is_none() {
            let room = self.segment_bytes.saturating_sub(self.end);
            let run = batch.run(&done, usize::try_from(room).unwrap_or(usize::MAX));
            if run.entries.is_empty() {
                self.roll();
            } else if self.write(batch, &run) {
                done = run;
            }
        }
        done.entries.end
    }

    fn write(&mut self, batch: &mut Frames, run: &Run) -> bool {
        let Some(file) = &self.file else {
            return false;
        };
        let bytes = batch.seal(run, self.next, self.synced);
        if let Err(cause) = file.write_all(bytes, self.end) {
            self.abandon("write to", cause);
            return false;
        }
        let grown = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let count = u64::try_from(run.entries.len()).unwrap_or(u64::MAX);
        self.tail.extend(batch, run);
        self.end = self.end.saturating_add(grown);
        self.next = self.next.saturating_add(count);
        self.shelf.grew(grown);
        true
    }

    pub(super) fn has_unsynced(&self) -> bool {
        !self.tail.is_empty()
    }

    /// After this, every record below `next` survives a loss of power, or `trouble` says why not
    /// and those that were promised it are void.
    pub(super) fn sync(&mut self) {
        if self.trouble.is_none() && self.has_unsynced() {
            match self.file.as_ref().map(Handle::sync) {
                Some(Ok(())) => self.all_synced(),
                Some(Err(cause)) => self.abandon("sync", cause),
                None => {}
            }
        }
        if self.trouble.is_some() {
            self.tail.void_power();
        }
    }

    fn all_synced(&mut self) {
        self.synced = self.next.saturating_sub(1);
        self.tail.clear();
        self.shelf.reached(self.synced);
    }

    fn abandon(&mut self, doing: &'static str, cause: std::io::Error) {
        self.trouble = Some(DiskError::new(doing, &header::name(self.segment), cause));
        self.file = None;
    }

    fn roll(&mut self) {
        self.sync();
        if self.trouble.is_none() {
            self.mend();
        }
    }

    /// A fresh segment that holds what is not synced yet, and so an end to any trouble.
    pub(super) fn mend(&mut self) {
        match self.start() {
            Ok(()) => {
                self.trouble = None;
                self.all_synced();
            }
            Err(trouble) => {
                self.file = None;
                self.trouble = Some(trouble);
                // An incomplete draft would hold the space that is missing; the next try, or the
                // next start, removes it if this cannot.
                let _kept = self.disk.remove(DRAFT);
            }
        }
    }

    /// The segment appears under its name only when all that belongs in it is on the disk.
    fn start(&mut self) -> Result<(), DiskError> {
        let fresh = Header {
            instance: self.instance,
            epoch: self.epoch,
            number: self.segment.saturating_add(1),
            base: self.synced.saturating_add(1),
        };
        let name = header::name(fresh.number);
        let failed = |doing, cause| DiskError::new(doing, &name, cause);
        let mut bytes = fresh.encode();
        bytes.extend_from_slice(&self.tail.bytes);
        // The tail of a former process may be longer than a segment is now.
        let least = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let file = self.disk.create(DRAFT, self.segment_bytes.max(least));
        let file = file.map_err(|cause| failed("make", cause))?;
        let written = file.write_all(&bytes, 0).and_then(|()| file.sync());
        written.map_err(|cause| failed("make", cause))?;
        let named = self.disk.rename(DRAFT, &name);
        let named = named.and_then(|()| self.disk.sync_names());
        named.map_err(|cause| failed("name", cause))?;
        self.segment = fresh.number;
        self.end = least;
        self.file = Some(file);
        self.shelf.push(Segment {
            number: fresh.number,
            base: fresh.base,
            bytes: self.end,
        });
        Ok(())
    }
}

/// The largest payload that a fresh segment has room for.
pub(super) fn payload_max(segment_bytes: u64) -> usize {
    let room = usize::try_from(segment_bytes).unwrap_or(usize::MAX);
    room.saturating_sub(header::BYTES.saturating_add(HEAD))
        .min(super::frame::PAYLOAD_MAX)
}
