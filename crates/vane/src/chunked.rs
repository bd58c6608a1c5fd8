//! Chunked bodies, of clients and of upstreams: sizes and line ends taken off, at any split of the
//! bytes.
//!
//! Lines end in CR LF and nothing else: who reads a lone LF as an end sees another body than who
//! does not, and that difference is how requests are smuggled.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use memchr::memchr;

/// A chunk's size line, extensions included, may be this long; so may all trailers together.
const LINE_BYTES_MAX: usize = 4096;

/// Where in a chunked body the reading is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Chunked {
    #[default]
    Size,
    Data(u64),
    /// The line end after a chunk's data.
    DataEnd,
    /// How many bytes of trailers came.
    Trailer(usize),
    End,
}

impl Chunked {
    /// Takes what is whole out of `raw` and returns the data in it, all chunks joined.
    pub(crate) fn take(&mut self, raw: &mut BytesMut) -> Result<Bytes, &'static str> {
        // The usual case of a stream without delay: one chunk or a part of it, not copied.
        let mut out = Out::default();
        loop {
            match *self {
                Self::End => break,
                Self::Data(left) => {
                    if raw.is_empty() {
                        break;
                    }
                    let now = usize::try_from(left).unwrap_or(usize::MAX).min(raw.len());
                    let piece = raw.split_to(now);
                    out.push(piece, raw.len());
                    let left = left - now as u64;
                    *self = if left == 0 {
                        Self::DataEnd
                    } else {
                        Self::Data(left)
                    };
                }
                Self::Size | Self::DataEnd | Self::Trailer(_) => {
                    let Some((line, length)) = line(raw)? else {
                        break;
                    };
                    *self = self.after(line)?;
                    raw.advance(length);
                }
            }
        }
        Ok(out.finish())
    }
}

impl Chunked {
    /// The state after a line.
    fn after(self, line: &[u8]) -> Result<Self, &'static str> {
        Ok(match self {
            Self::Size => match size(line)? {
                0 => Self::Trailer(0),
                size => Self::Data(size),
            },
            Self::DataEnd if line.is_empty() => Self::Size,
            Self::DataEnd => return Err("a chunk is longer than its size"),
            Self::Trailer(_) if line.is_empty() => Self::End,
            Self::Trailer(_) if !is_text(line) => return Err("a trailer cannot be read"),
            Self::Trailer(before) if before + line.len() < LINE_BYTES_MAX => {
                Self::Trailer(before + line.len().max(1))
            }
            Self::Trailer(_) => return Err("its trailers are too long"),
            Self::Data(_) | Self::End => self,
        })
    }
}

/// Joins pieces; a single one stays a slice of what was read.
#[derive(Default)]
struct Out {
    first: Option<BytesMut>,
    joined: Option<BytesMut>,
}

impl Out {
    /// Takes a piece, of which at most `more` bytes may follow.
    fn push(&mut self, piece: BytesMut, more: usize) {
        if let Some(joined) = &mut self.joined {
            joined.put_slice(&piece);
        } else if let Some(first) = self.first.take() {
            let mut joined = BytesMut::with_capacity(first.len() + piece.len() + more);
            joined.put_slice(&first);
            joined.put_slice(&piece);
            self.joined = Some(joined);
        } else {
            self.first = Some(piece);
        }
    }

    fn finish(self) -> Bytes {
        self.joined.or(self.first).unwrap_or_default().freeze()
    }
}

/// A line without its end, and its length with it; `None` while it is not all there.
fn line(raw: &[u8]) -> Result<Option<(&[u8], usize)>, &'static str> {
    let Some(at) = memchr(b'\n', raw) else {
        return if raw.len() > LINE_BYTES_MAX {
            Err("a chunk's size line is too long")
        } else {
            Ok(None)
        };
    };
    match raw[..at].strip_suffix(b"\r") {
        Some(line) => Ok(Some((line, at + 1))),
        None => Err("a line of its chunks does not end in CR LF"),
    }
}

fn size(line: &[u8]) -> Result<u64, &'static str> {
    let wrong = "a chunk's size is no number";
    let end = line.iter().position(|byte| !byte.is_ascii_hexdigit());
    let (digits, rest) = line.split_at(end.unwrap_or(line.len()));
    if digits.is_empty() || digits.len() > 15 {
        return Err(wrong);
    }
    if !matches!(rest.trim_ascii_start(), [] | [b';', ..]) || !is_text(rest) {
        return Err("a chunk's size is followed by no extension");
    }
    let text = std::str::from_utf8(digits).map_err(|_| wrong)?;
    u64::from_str_radix(text, 16).map_err(|_| wrong)
}

/// Whether nothing is in it that somebody might take for the end of a line.
fn is_text(line: &[u8]) -> bool {
    line.iter()
        .all(|byte| *byte == b'\t' || !byte.is_ascii_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Result<(Vec<u8>, Chunked), &'static str> {
        let (mut state, mut raw, mut out) = (Chunked::default(), BytesMut::new(), Vec::new());
        for piece in pieces {
            raw.extend_from_slice(piece);
            out.extend_from_slice(&state.take(&mut raw)?);
        }
        Ok((out, state))
    }

    #[test]
    fn the_same_bytes_at_every_split() {
        let body = b"5\r\nhello\r\n1;ext=1\r\n \r\n6 \r\nworld!\r\n0\r\nx-trailer: 1\r\n\r\n";
        for first in 0..body.len() {
            for second in first..body.len() {
                let pieces = [&body[..first], &body[first..second], &body[second..]];
                let (out, state) = read(&pieces).unwrap();
                assert_eq!((&out[..], state), (&b"hello world!"[..], Chunked::End));
            }
        }
    }

    #[test]
    fn r10_broken_chunks_are_refused() {
        for body in [
            &b"x\r\n"[..],
            b"-1\r\n",
            b"\r\n",
            b"2\r\nabc\r\n",
            b"fffffffffffffffff\r\n",
            b"1\na\r\n",
            b"1\r\na\n",
            b"1 1\r\n",
            b"1 a;b\r\n",
            b"1\x0b\r\n",
            b"1;a\rb\r\n",
            b"1;a\0\r\n",
            b"0\r\na: b\rc: d\r\n",
        ] {
            assert!(read(&[body]).is_err(), "{body:?}");
        }
        assert!(read(&[&[b'1'; 5000]]).is_err());
        let trailers = "a: b\r\n".repeat(2000);
        assert!(read(&[b"0\r\n", trailers.as_bytes()]).is_err());
    }

    #[test]
    fn a_cut_body_is_not_at_its_end() {
        assert_ne!(read(&[b"5\r\nhello\r\n"]).unwrap().1, Chunked::End);
        assert_ne!(read(&[b"5\r\nhello\r\n0\r\n"]).unwrap().1, Chunked::End);
    }
}
