//! Server-sent events.
//!
//! A [`Splitter`] finds where frames end without copying: as long as whole frames arrive, its
//! buffer is the very chunk that came from the socket, so the byte path forwards slices of it.

use bytes::{Bytes, BytesMut};
use memchr::memchr2;
use std::borrow::Cow;
use std::ops::Range;

/// Splits a byte stream into frames: everything up to and including a blank line.
#[derive(Debug)]
pub struct Splitter {
    /// What was pushed and not yet dropped.
    buffer: Bytes,
    /// Where the frame that is being looked for begins.
    start: usize,
    /// Where the line that is being looked at begins.
    line: usize,
    /// How far that line was searched for its end.
    seen: usize,
    limit: usize,
}

/// A frame longer than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong {
    pub limit: usize,
}

impl Splitter {
    /// A splitter that refuses frames of more than `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            buffer: Bytes::new(),
            start: 0,
            line: 0,
            seen: 0,
            limit,
        }
    }

    /// Takes the next bytes. Ranges given out before are void afterwards.
    ///
    /// # Errors
    /// If the unfinished frame is longer than the limit already.
    pub fn push(&mut self, chunk: Bytes) -> Result<(), TooLong> {
        let held = self.buffer.len() - self.start;
        if held > self.limit {
            return Err(TooLong { limit: self.limit });
        }
        if held == 0 {
            self.buffer = chunk;
            (self.line, self.seen) = (0, 0);
        } else {
            let unfinished = std::mem::take(&mut self.buffer).split_off(self.start);
            // A buffer of our own grows in place; only a socket's is copied.
            let mut joined = unfinished.try_into_mut().unwrap_or_else(|shared| {
                let mut copy = BytesMut::with_capacity(held + chunk.len());
                copy.extend_from_slice(&shared);
                copy
            });
            joined.extend_from_slice(&chunk);
            self.buffer = joined.freeze();
            self.line -= self.start;
            self.seen -= self.start;
        }
        self.start = 0;
        Ok(())
    }

    /// The range in [`Splitter::buffer`] of the next whole frame, its blank line included.
    pub fn next_frame(&mut self) -> Option<Range<usize>> {
        while let Some(end) = self.line_end() {
            let blank = end.text == self.line;
            (self.line, self.seen) = (end.next, end.next);
            if blank {
                let frame = self.start..end.next;
                self.start = end.next;
                return Some(frame);
            }
        }
        None
    }

    /// Lets go of the buffer if every frame in it was taken, so that a silent stream keeps no
    /// socket's memory. Ranges given out before are void afterwards.
    pub fn release(&mut self) {
        if self.start == self.buffer.len() {
            self.buffer = Bytes::new();
            (self.start, self.line, self.seen) = (0, 0, 0);
        }
    }

    /// The bytes that ranges of [`Splitter::next_frame`] speak of.
    #[must_use]
    pub const fn buffer(&self) -> &Bytes {
        &self.buffer
    }

    /// The last frame, when the stream ended without a blank line after it.
    #[must_use]
    pub fn rest(&self) -> Bytes {
        self.buffer.slice(self.start..)
    }

    fn line_end(&mut self) -> Option<LineEnd> {
        let Some(found) = memchr2(b'\n', b'\r', &self.buffer[self.seen..]) else {
            self.seen = self.buffer.len();
            return None;
        };
        let text = self.seen + found;
        self.seen = text;
        if self.buffer[text] == b'\n' {
            return Some(LineEnd {
                text,
                next: text + 1,
            });
        }
        // Whether a carriage return stands alone is known only with the byte after it.
        let pair = *self.buffer.get(text + 1)? == b'\n';
        Some(LineEnd {
            text,
            next: text + 1 + usize::from(pair),
        })
    }
}

struct LineEnd {
    text: usize,
    next: usize,
}

/// One event as it stood on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The `event:` field; empty where there is none.
    pub event: &'a [u8],
    /// The `data:` lines joined; `None` for a frame of comments only.
    pub data: Option<Cow<'a, [u8]>>,
    /// Where `data` begins in the frame's bytes; `None` if it was joined from several lines, so
    /// that no splice into the bytes is possible.
    pub data_at: Option<usize>,
}

impl<'a> Frame<'a> {
    /// Reads the bytes of one frame.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Self {
        let mut frame = Frame {
            event: b"",
            data: None,
            data_at: None,
        };
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let length = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            frame.line(&rest[..length], at);
            at += length + 1;
        }
        frame
    }

    fn line(&mut self, line: &'a [u8], at: usize) {
        if let Some(value) = field(line, b"data") {
            let value_at = at + line.len() - value.len();
            match &mut self.data {
                None => {
                    self.data = Some(Cow::Borrowed(value));
                    self.data_at = Some(value_at);
                }
                Some(joined) => {
                    self.data_at = None;
                    let joined = joined.to_mut();
                    joined.push(b'\n');
                    joined.extend_from_slice(value);
                }
            }
        } else if let Some(value) = field(line, b"event") {
            self.event = value;
        }
    }

    /// A frame with only data, for tests and for streams that have no event names.
    #[must_use]
    pub const fn of_data(data: &'a [u8]) -> Self {
        Frame {
            event: b"",
            data: Some(Cow::Borrowed(data)),
            data_at: None,
        }
    }
}

/// The value of `line` if its field name is `name`; one space after the colon is not part of it.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    // A byte-order mark may stand before the first line of a stream.
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    let rest = line.strip_prefix(name)?;
    match rest.split_first() {
        None => Some(b""),
        Some((b':', value)) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        Some(_) => None,
    }
}

/// Ends the frame whose data, JSON text, begins at `from`. A line break in JSON stands between
/// values only, and in raw text of others it would end the frame: it becomes a space.
pub fn end(out: &mut Vec<u8>, from: usize) {
    let mut at = from;
    while let Some(found) = memchr2(b'\n', b'\r', &out[at..]) {
        at += found;
        out[at] = b' ';
    }
    out.extend_from_slice(b"\n\n");
}

/// Appends `data` as an unnamed event.
pub fn write(out: &mut Vec<u8>, data: &[u8]) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(chunks: &[&[u8]]) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let mut splitter = Splitter::new(1 << 20);
        let mut found = Vec::new();
        let mut keep = |bytes: &[u8]| {
            let frame = Frame::parse(bytes);
            if let Some(data) = frame.data {
                found.push((frame.event.to_vec(), Some(data.into_owned())));
            }
        };
        for chunk in chunks {
            splitter.push(Bytes::copy_from_slice(chunk)).unwrap();
            while let Some(range) = splitter.next_frame() {
                keep(&splitter.buffer()[range]);
            }
        }
        keep(&splitter.rest());
        found
    }

    const STREAM: &[u8] = "\u{feff}event: a\r\ndata: {\"é\":1}\r\n\r\n: comment\n\ndata:no space\ndata: two\n\nevent: b\rdata: cr\r\rdata: last".as_bytes();

    #[test]
    fn t14_identical_frames_at_every_split() {
        let whole = frames(&[STREAM]);
        assert_eq!(whole.len(), 4);
        assert_eq!(whole[0], (b"a".to_vec(), Some("{\"é\":1}".into())));
        assert_eq!(whole[1].1.as_deref(), Some(&b"no space\ntwo"[..]));
        assert_eq!(whole[2], (b"b".to_vec(), Some(b"cr".to_vec())));
        assert_eq!(whole[3].1.as_deref(), Some(&b"last"[..]));
        for first in 0..=STREAM.len() {
            for second in first..=STREAM.len() {
                let split = [&STREAM[..first], &STREAM[first..second], &STREAM[second..]];
                assert_eq!(frames(&split), whole, "split at {first} and {second}");
            }
        }
    }

    #[test]
    fn r10_a_frame_that_never_ends_is_refused() {
        let mut splitter = Splitter::new(100);
        let endless = Bytes::from_static(&[b'x'; 60]);
        let refused = (0..10).any(|_| {
            let refused = splitter.push(endless.clone()).is_err();
            assert_eq!(splitter.next_frame(), None);
            refused
        });
        assert!(refused);
    }

    #[test]
    fn json_of_several_lines_stays_in_one_frame() {
        let mut out = b"data: {\n\"a\":\r\n1}".to_vec();
        end(&mut out, 6);
        assert_eq!(out, b"data: { \"a\":  1}\n\n");
    }

    #[test]
    fn data_at_points_into_the_frame() {
        let bytes = b"event: x\ndata: {\"a\":1}\n\n";
        let frame = Frame::parse(bytes);
        let at = frame.data_at.unwrap();
        assert_eq!(&bytes[at..at + 7], b"{\"a\":1}");
    }

    #[test]
    fn whole_chunks_are_not_copied() {
        let chunk = Bytes::from_static(b"data: 1\n\ndata: 2\n\n");
        let mut splitter = Splitter::new(100);
        splitter.push(chunk.clone()).unwrap();
        assert_eq!(splitter.next_frame(), Some(0..9));
        assert_eq!(splitter.next_frame(), Some(9..18));
        assert_eq!(splitter.buffer().as_ptr(), chunk.as_ptr());
        assert!(splitter.rest().is_empty());
    }
}
