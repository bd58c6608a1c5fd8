//! Reads records in order across segments, as far as they are synced.
//!
//! Only as far: a store that had ingested a record which a loss of power then took from the journal
//! would take the next record of that number for one it has.

use std::sync::Arc;

use super::disk::Disk;
use super::error::{DiskError, JournalError};
use super::frame::HEAD;
use super::header;
use super::record::{Batch, Position, Record};
use super::shelf::{Place, Shelf};
use super::window::Window;

/// The most records that one batch holds: no more than a commit of the store takes.
pub const BATCH_MAX: usize = 8_192;
const BATCH_BYTES: usize = 4 << 20;

/// An iterator that may go on after `None`: when more is synced.
pub struct Replay {
    shelf: Arc<Shelf>,
    disk: Disk,
    next: u64,
    limit: u64,
    open: Option<Open>,
}

struct Open {
    place: Place,
    window: Window,
    offset: u64,
}

impl Replay {
    pub(super) fn new(shelf: Arc<Shelf>, disk: Disk, from: Position) -> Self {
        Self {
            shelf,
            disk,
            next: from.number().saturating_add(1),
            limit: 0,
            open: None,
        }
    }

    /// Up to `BATCH_MAX` records; none of them when there are no more yet. `end` may lie behind
    /// the last one, where records were taken back.
    pub fn batch(&mut self) -> Result<Batch, JournalError> {
        let mut records = Vec::new();
        let mut bytes = 0_usize;
        while records.len() < BATCH_MAX && bytes < BATCH_BYTES {
            let Some(record) = self.read()? else {
                break;
            };
            bytes = bytes.saturating_add(record.payload.len());
            records.push(record);
        }
        Ok(Batch {
            records,
            end: Position::new(self.next.saturating_sub(1)),
        })
    }

    fn read(&mut self) -> Result<Option<Record>, JournalError> {
        loop {
            if self.next > self.limit && !self.refresh() {
                return Ok(None);
            }
            self.turn()?;
            if let Some(record) = self.step()? {
                return Ok(Some(record));
            }
        }
    }

    /// Whether there is more.
    fn refresh(&mut self) -> bool {
        self.limit = self.shelf.synced();
        if let Some(open) = &mut self.open {
            open.window.forget();
            // A segment may have been abandoned since.
            if let Some(place) = self.shelf.find(self.next)
                && place.segment == open.place.segment
            {
                open.place = place;
            } else {
                self.open = None;
            }
        }
        self.next <= self.limit
    }

    /// Opens the segment in which the next record stands.
    fn turn(&mut self) -> Result<(), JournalError> {
        if let Some(open) = &self.open
            && open.place.until != Some(self.next)
        {
            return Ok(());
        }
        let gone = JournalError::Gone(self.next.saturating_sub(1));
        let place = self.shelf.find(self.next).ok_or(gone)?;
        let name = header::name(place.segment);
        let failed = |cause| DiskError::new("read", &name, cause);
        let mut window = Window::new(self.disk.open(&name, false).map_err(failed)?);
        let mut offset = u64::try_from(header::BYTES).unwrap_or_default();
        for number in place.base..self.next {
            let found = window.frame(offset).map_err(failed)?;
            let Some((head, _)) = found.filter(|(head, _)| head.number == number) else {
                return Err(damaged(&name, offset));
            };
            offset = offset.saturating_add(u64::try_from(head.bytes()).unwrap_or(u64::MAX));
        }
        self.open = Some(Open {
            place,
            window,
            offset,
        });
        Ok(())
    }

    /// The next record, or `None` where it was taken back.
    fn step(&mut self) -> Result<Option<Record>, JournalError> {
        let Some(open) = &mut self.open else {
            return Ok(None);
        };
        let name = || header::name(open.place.segment);
        let found = open.window.frame(open.offset);
        let found = found.map_err(|cause| DiskError::new("read", &name(), cause))?;
        let Some((head, frame)) = found.filter(|(head, _)| head.number == self.next) else {
            return Err(damaged(&name(), open.offset));
        };
        let record = (!head.void).then(|| Record {
            position: Position::new(head.number),
            kind: head.kind,
            payload: frame.get(HEAD..).unwrap_or_default().to_vec(),
        });
        let bytes = u64::try_from(head.bytes()).unwrap_or(u64::MAX);
        open.offset = open.offset.saturating_add(bytes);
        self.next = self.next.saturating_add(1);
        Ok(record)
    }
}

fn damaged(name: &str, offset: u64) -> JournalError {
    JournalError::Damaged {
        file: name.to_owned(),
        offset,
        why: "a record that was synced is bad",
    }
}

impl Iterator for Replay {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
