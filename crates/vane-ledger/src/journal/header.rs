//! The first 64 bytes of a segment, and its name.
//!
//! `base` is the number of its first record. A segment ends where the base of the next one says. It
//! is 0 in a segment that was made ahead of time: there its first record says it.

pub(super) const BYTES: usize = 64;
const MAGIC: &[u8; 8] = b"vanejrnl";
const VERSION: u32 = 1;
const SUFFIX: &str = ".journal";
/// A segment in the making: it counts once it is renamed.
pub(super) const DRAFT: &str = "draft";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) instance: [u8; 16],
    pub(super) epoch: u64,
    pub(super) number: u64,
    pub(super) base: u64,
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.instance);
        for value in [self.epoch, self.number, self.base] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        const SHORT: &str = "the header is cut";
        let (bytes, sum) = bytes
            .first_chunk::<BYTES>()
            .and_then(|header| header.split_last_chunk::<4>())
            .ok_or(SHORT)?;
        let (magic, rest) = bytes.split_first_chunk::<8>().ok_or(SHORT)?;
        if magic != MAGIC {
            return Err("it is no segment of a journal");
        }
        if crc32fast::hash(bytes) != u32::from_le_bytes(*sum) {
            return Err("the header's checksum is wrong");
        }
        let (version, rest) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
        if u32::from_le_bytes(*version) != VERSION {
            return Err("the format is of another version of Vane");
        }
        let (_, rest) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
        let (instance, rest) = rest.split_first_chunk::<16>().ok_or(SHORT)?;
        let (epoch, rest) = rest.split_first_chunk::<8>().ok_or(SHORT)?;
        let (number, rest) = rest.split_first_chunk::<8>().ok_or(SHORT)?;
        let (base, _) = rest.split_first_chunk::<8>().ok_or(SHORT)?;
        Ok(Self {
            instance: *instance,
            epoch: u64::from_le_bytes(*epoch),
            number: u64::from_le_bytes(*number),
            base: u64::from_le_bytes(*base),
        })
    }
}

/// A segment in which nothing was kept ends where it begins: at the base of the next. One that has
/// no next keeps 0.
pub(super) fn settle_bases<'a>(headers: impl DoubleEndedIterator<Item = &'a mut Header>) {
    let mut after = 0;
    for header in headers.rev() {
        if header.base == 0 {
            header.base = after;
        }
        after = header.base;
    }
}

/// Twenty digits: the order of names is the order of numbers.
pub(super) fn name(number: u64) -> String {
    format!("{number:020}{SUFFIX}")
}

pub(super) fn number(name: &str) -> Option<u64> {
    name.strip_suffix(SUFFIX)?.parse().ok()
}
