//! The segments that are kept, and how far they are synced: what writer, readers and callers share.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::disk::Disk;
use super::error::{DiskError, JournalError};
use super::header;
use super::record::Position;

#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) base: u64,
    pub(super) bytes: u64,
}

#[derive(Default)]
struct Rows {
    segments: VecDeque<Segment>,
    synced: u64,
}

#[derive(Default)]
pub(super) struct Shelf {
    rows: Mutex<Rows>,
    moved: Condvar,
    bytes: AtomicU64,
}

/// Where a record stands, or will stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) segment: u64,
    pub(super) base: u64,
    /// The base of the next segment.
    pub(super) until: Option<u64>,
}

impl Shelf {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, segment: Segment) {
        self.rows().segments.push_back(segment);
        self.bytes.fetch_add(segment.bytes, Ordering::Relaxed);
    }

    pub(super) fn grew(&self, bytes: u64) {
        if let Some(last) = self.rows().segments.back_mut() {
            last.bytes = last.bytes.saturating_add(bytes);
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes of every segment that is kept.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn reached(&self, synced: u64) {
        self.rows().synced = synced;
        self.moved.notify_all();
    }

    pub(super) fn synced(&self) -> u64 {
        self.rows().synced
    }

    pub(super) fn wait(&self, after: u64, timeout: Duration) -> u64 {
        let waited = self
            .moved
            .wait_timeout_while(self.rows(), timeout, |rows| rows.synced <= after);
        waited.unwrap_or_else(PoisonError::into_inner).0.synced
    }

    pub(super) fn find(&self, record: u64) -> Option<Place> {
        let rows = self.rows();
        let after = rows.segments.partition_point(|kept| kept.base <= record);
        let kept = rows.segments.get(after.checked_sub(1)?)?;
        Some(Place {
            segment: kept.number,
            base: kept.base,
            until: rows.segments.get(after).map(|next| next.base),
        })
    }

    /// Removes the segments whose every record is at or before `position`, oldest first: what is
    /// left has no gap, whenever this is interrupted.
    pub(super) fn drop_until(&self, position: Position, disk: &Disk) -> Result<(), JournalError> {
        if position.number() > self.synced() {
            return Err(JournalError::NotYet(position.number()));
        }
        let mut removed = false;
        while let Some(oldest) = self.finished(position.number()) {
            let name = header::name(oldest.number);
            disk.remove(&name)
                .map_err(|cause| DiskError::new("remove", &name, cause))?;
            self.rows().segments.pop_front();
            self.bytes.fetch_sub(oldest.bytes, Ordering::Relaxed);
            removed = true;
        }
        if removed {
            disk.sync_names()
                .map_err(|cause| DiskError::new("sync", "the journal's folder", cause))?;
        }
        Ok(())
    }

    fn finished(&self, ingested: u64) -> Option<Segment> {
        let rows = self.rows();
        let next = rows.segments.get(1)?;
        (next.base <= ingested.saturating_add(1)).then(|| rows.segments.front().copied())?
    }
}
