//! Finds the times that the fake upstream writes into the chunks of a paced stream, in any pieces.

use memchr::memchr;

/// `@`, nineteen digits, `@`.
const STAMP_BYTES: usize = 21;

#[derive(Debug, Default)]
pub(crate) struct Stamps {
    pub(crate) found: Vec<u64>,
    /// The beginning of one whose rest has not come.
    begun: Vec<u8>,
}

impl Stamps {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.begun.is_empty() {
            self.begun = self.take(bytes).to_vec();
            return;
        }
        let mut joined = std::mem::take(&mut self.begun);
        joined.extend_from_slice(bytes);
        self.begun = self.take(&joined).to_vec();
    }

    /// Takes all that are whole; what may be the beginning of another is left.
    fn take<'b>(&mut self, mut bytes: &'b [u8]) -> &'b [u8] {
        while let Some(at) = memchr(b'@', bytes) {
            bytes = &bytes[at..];
            if bytes.len() < STAMP_BYTES {
                return bytes;
            }
            let digits = std::str::from_utf8(&bytes[1..STAMP_BYTES - 1]);
            let time = digits.ok().and_then(|digits| digits.parse().ok());
            match time.filter(|_| bytes[STAMP_BYTES - 1] == b'@') {
                Some(time) => {
                    self.found.push(time);
                    bytes = &bytes[STAMP_BYTES..];
                }
                None => bytes = &bytes[1..],
            }
        }
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::Stamps;

    #[test]
    fn stamps_are_found_in_pieces_of_any_size() {
        let text = b"a@b @1234567890123456789@ \"@0000000000000000042@@nineteen-letters-no@ @1";
        for size in 1..=text.len() {
            let mut stamps = Stamps::default();
            text.chunks(size).for_each(|piece| stamps.push(piece));
            assert_eq!(stamps.found, [1_234_567_890_123_456_789, 42], "{size}");
        }
    }
}
