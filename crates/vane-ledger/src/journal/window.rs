//! A file read through a buffer. What it holds may be older than the file: `forget` before reading
//! what was written since.

use std::io;

use super::disk::Handle;
use super::frame::{HEAD, Head};

const LEAST: usize = 256 << 10;

pub(super) struct Window {
    pub(super) file: Handle,
    bytes: Vec<u8>,
    start: u64,
}

impl Window {
    pub(super) fn new(file: Handle) -> Self {
        Self {
            file,
            bytes: Vec::new(),
            start: 0,
        }
    }

    pub(super) fn forget(&mut self) {
        self.bytes.clear();
    }

    /// The `length` bytes at `at`, or fewer at the file's end.
    pub(super) fn slice(&mut self, at: u64, length: usize) -> io::Result<&[u8]> {
        let held = at
            .checked_sub(self.start)
            .and_then(|skip| usize::try_from(skip).ok())
            .filter(|skip| skip.saturating_add(length) <= self.bytes.len());
        let skip = match held {
            Some(skip) => skip,
            None => {
                self.fill(at, length.max(LEAST))?;
                0
            }
        };
        let end = skip.saturating_add(length).min(self.bytes.len());
        Ok(self.bytes.get(skip..end).unwrap_or_default())
    }

    fn fill(&mut self, at: u64, length: usize) -> io::Result<()> {
        self.bytes.clear();
        self.bytes.resize(length, 0);
        self.start = at;
        let mut have = 0_usize;
        while let Some(rest) = self.bytes.get_mut(have..).filter(|rest| !rest.is_empty()) {
            let offset = at.saturating_add(u64::try_from(have).unwrap_or(u64::MAX));
            match self.file.read(rest, offset) {
                Ok(0) => break,
                Ok(count) => have = have.saturating_add(count),
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    self.bytes.clear();
                    return Err(cause);
                }
            }
        }
        self.bytes.truncate(have);
        Ok(())
    }

    /// The whole frame at `at`, if a true one stands there.
    pub(super) fn frame(&mut self, at: u64) -> io::Result<Option<(Head, &[u8])>> {
        let Some(head) = Head::read(self.slice(at, HEAD)?) else {
            return Ok(None);
        };
        let frame = self.slice(at, head.bytes())?;
        Ok(head.seals(frame).then_some((head, frame)))
    }
}
