//! Makes segments. It knows what all segments of a journal have in common.
//!
//! A segment appears under its name only when all that belongs in it is on the disk.

use super::disk::{Disk, Handle};
use super::error::DiskError;
use super::header::{self, DRAFT, Header};

#[derive(Clone)]
pub(super) struct Maker {
    pub(super) disk: Disk,
    pub(super) instance: [u8; 16],
    pub(super) epoch: u64,
    pub(super) segment_bytes: u64,
}

/// A segment as it lies on the disk.
pub(super) struct Made {
    pub(super) number: u64,
    pub(super) file: Handle,
    /// Where the next frame goes.
    pub(super) end: u64,
}

impl Maker {
    /// `base` is 0 where nobody knows yet what the first record will be.
    pub(super) fn make(&self, number: u64, base: u64, frames: &[u8]) -> Result<Made, DiskError> {
        let made = self.draft(number, base, frames);
        if made.is_err() {
            // An incomplete draft would hold the space that is missing; the next try, or the next
            // start, removes it if this cannot.
            let _kept = self.disk.remove(DRAFT);
        }
        made
    }

    fn draft(&self, number: u64, base: u64, frames: &[u8]) -> Result<Made, DiskError> {
        let name = header::name(number);
        let failed = |doing, cause| DiskError::new(doing, &name, cause);
        let header = Header {
            instance: self.instance,
            epoch: self.epoch,
            number,
            base,
        };
        let mut bytes = header.encode();
        bytes.extend_from_slice(frames);
        // The tail of a former process may be longer than a segment is now.
        let end = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let file = self.disk.create(DRAFT, self.segment_bytes.max(end));
        let file = file.map_err(|cause| failed("make", cause))?;
        let written = file.write_all(&bytes, 0).and_then(|()| file.sync());
        written.map_err(|cause| failed("make", cause))?;
        let named = self.disk.rename(DRAFT, &name);
        let named = named.and_then(|()| self.disk.sync_names());
        named.map_err(|cause| failed("name", cause))?;
        Ok(Made { number, file, end })
    }

    /// Gives back the space of a spare segment that will not be used.
    pub(super) fn discard(&self, number: u64) {
        let _kept = self.disk.remove(&header::name(number));
    }
}
