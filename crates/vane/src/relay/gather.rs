//! Gathers a body from the pieces it comes in. One that comes in one piece is not copied.

use bytes::{Bytes, BytesMut};

pub(super) struct Gather {
    first: Bytes,
    joined: BytesMut,
    max: usize,
}

/// The body is longer than it may be.
pub(super) struct TooLong;

impl Gather {
    /// Of a body that may have `max` bytes.
    pub(super) fn new(max: usize) -> Self {
        Self {
            first: Bytes::new(),
            joined: BytesMut::new(),
            max,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.first.len() + self.joined.len()
    }

    pub(super) fn push(&mut self, piece: Bytes) -> Result<(), TooLong> {
        let length = self.len() + piece.len();
        if length > self.max {
            return Err(TooLong);
        }
        if self.len() == 0 {
            self.first = piece;
            return Ok(());
        }
        if self.joined.is_empty() {
            self.joined.reserve(length);
            let first = std::mem::take(&mut self.first);
            self.joined.extend_from_slice(&first);
        }
        self.joined.extend_from_slice(&piece);
        Ok(())
    }

    pub(super) fn finish(self) -> Bytes {
        if self.joined.is_empty() {
            self.first
        } else {
            self.joined.freeze()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Gather;
    use bytes::Bytes;

    #[test]
    fn one_piece_is_not_copied_and_more_are_joined_up_to_the_limit() {
        let piece = Bytes::from_static(b"abc");
        let mut one = Gather::new(6);
        assert!(one.push(piece.clone()).is_ok());
        assert_eq!(one.finish().as_ptr(), piece.as_ptr());
        let mut two = Gather::new(6);
        assert!(two.push(piece.clone()).is_ok() && two.push(piece.clone()).is_ok());
        assert!(two.push(Bytes::from_static(b"x")).is_err());
        assert_eq!(two.finish(), "abcabc");
    }
}
