//! One record as bytes, and a run of them as they wait for the disk.
//!
//! A frame is filled in twice: kind and payload by who submits, number and checksum by who
//! writes.

use std::ops::Range;

/// checksum 4, payload length 4, number 8, synced 8, kind 1, void 1, zero 2.
pub(super) const HEAD: usize = 28;
pub(super) const PAYLOAD_MAX: usize = 1 << 20;

#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    checksum: u32,
    pub(super) length: u32,
    pub(super) number: u64,
    /// The last record that was known to be on the disk when this one was written.
    pub(super) synced: u64,
    pub(super) kind: u8,
    pub(super) void: bool,
}

impl Head {
    /// `None` where this cannot be a head, whatever follows.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (head, _) = bytes.split_first_chunk::<HEAD>()?;
        let (checksum, rest) = head.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (synced, rest) = rest.split_first_chunk::<8>()?;
        let [kind, void, 0, 0] = rest else {
            return None;
        };
        let head = Self {
            checksum: u32::from_le_bytes(*checksum),
            length: u32::from_le_bytes(*length),
            number: u64::from_le_bytes(*number),
            synced: u64::from_le_bytes(*synced),
            kind: *kind,
            void: *void != 0,
        };
        (head.number > head.synced && head.payload() <= PAYLOAD_MAX).then_some(head)
    }

    fn payload(&self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX)
    }

    pub(super) fn bytes(&self) -> usize {
        HEAD.saturating_add(self.payload())
    }

    pub(super) fn seals(&self, frame: &[u8]) -> bool {
        frame.len() == self.bytes() && checksum(frame) == self.checksum
    }
}

fn checksum(frame: &[u8]) -> u32 {
    crc32fast::hash(frame.get(4..).unwrap_or_default())
}

fn put(frame: &mut [u8], at: Range<usize>, value: &[u8]) {
    if let Some(place) = frame.get_mut(at) {
        place.copy_from_slice(value);
    }
}

fn seal(frame: &mut [u8], number: u64, synced: u64) {
    put(frame, 8..16, &number.to_le_bytes());
    put(frame, 16..24, &synced.to_le_bytes());
    let sum = checksum(frame);
    put(frame, 0..4, &sum.to_le_bytes());
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    bytes: usize,
    power: bool,
}

/// Frames back to back.
#[derive(Debug, Default)]
pub(super) struct Frames {
    pub(super) bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// A part of some `Frames`.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    pub(super) entries: Range<usize>,
    pub(super) bytes: Range<usize>,
}

impl Frames {
    pub(super) fn push(&mut self, kind: u8, payload: &[u8], power: bool) {
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(&[0; 16]);
        self.bytes.extend_from_slice(&[kind, 0, 0, 0]);
        self.bytes.extend_from_slice(payload);
        self.entries.push(Entry {
            bytes: HEAD.saturating_add(payload.len()),
            power,
        });
    }

    /// A frame that is sealed already.
    pub(super) fn keep(&mut self, frame: &[u8]) {
        self.bytes.extend_from_slice(frame);
        self.entries.push(Entry {
            bytes: frame.len(),
            power: false,
        });
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    pub(super) fn whole(&self) -> Run {
        Run {
            entries: 0..self.entries.len(),
            bytes: 0..self.bytes.len(),
        }
    }

    /// As many frames after `done` as have room, and not over `most` if they are several.
    pub(super) fn run(&self, done: &Run, room: usize, most: usize) -> Run {
        let (mut entry, mut end) = (done.entries.end, done.bytes.end);
        while let Some(next) = self.entries.get(entry) {
            let after = end.saturating_add(next.bytes);
            let bytes = after.saturating_sub(done.bytes.end);
            let is_first = entry == done.entries.end;
            if bytes > room || (bytes > most && !is_first) {
                break;
            }
            (entry, end) = (entry.saturating_add(1), after);
        }
        Run {
            entries: done.entries.end..entry,
            bytes: done.bytes.end..end,
        }
    }

    /// Numbers the frames of `run` from `first` and returns their bytes.
    pub(super) fn seal(&mut self, run: &Run, first: u64, synced: u64) -> &[u8] {
        let mut number = first;
        let mut rest = self.bytes.get_mut(run.bytes.clone()).unwrap_or_default();
        for entry in self.entries.get(run.entries.clone()).unwrap_or_default() {
            let (frame, after) = rest.split_at_mut(entry.bytes.min(rest.len()));
            seal(frame, number, synced);
            number = number.saturating_add(1);
            rest = after;
        }
        self.bytes.get(run.bytes.clone()).unwrap_or_default()
    }

    pub(super) fn extend(&mut self, from: &Self, run: &Run) {
        let bytes = from.bytes.get(run.bytes.clone());
        self.bytes.extend_from_slice(bytes.unwrap_or_default());
        let entries = from.entries.get(run.entries.clone());
        self.entries.extend_from_slice(entries.unwrap_or_default());
    }

    /// Takes back what was promised for `Power` and has failed: it keeps its number, no reader
    /// sees it.
    pub(super) fn void_power(&mut self) {
        let mut rest = self.bytes.as_mut_slice();
        for entry in &mut self.entries {
            let (frame, after) = rest.split_at_mut(entry.bytes.min(rest.len()));
            if std::mem::take(&mut entry.power) {
                put(frame, 25..26, &[1]);
                let sum = checksum(frame);
                put(frame, 0..4, &sum.to_le_bytes());
            }
            rest = after;
        }
    }
}
