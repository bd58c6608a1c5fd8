//! Finds the end of an HTTP/1.1 answer in bytes that arrive in any pieces.
//!
//! Nothing of a body is kept but its tail, which tells a stream that ended from one that was cut,
//! and what its chunks say of when they were sent.

use anyhow::{Context, Result, bail, ensure};
use memchr::memchr;
use memchr::memmem::find;

use super::stamps::Stamps;

const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Enough for the last frame of any dialect and a cost comment before it.
const TAIL_BYTES: usize = 512;
/// How the last frames of a whole stream read; a stream without one was cut.
const STREAM_ENDS: [&[u8]; 3] = [b"[DONE]", b"message_stop", b"response.completed"];

#[derive(Debug)]
enum Expect {
    Head(Vec<u8>),
    Body {
        left: usize,
    },
    ChunkSize(Vec<u8>),
    /// The bytes of a chunk and the line end behind them.
    Chunk {
        left: usize,
    },
    /// The line after the last chunk; trailers are not expected of anyone here.
    LastLine(Vec<u8>),
    Nothing,
}

#[derive(Debug)]
pub(crate) struct Answer {
    expect: Expect,
    streamed: bool,
    tail: Vec<u8>,
    stamps: Stamps,
}

impl Answer {
    pub(crate) fn new() -> Self {
        Self {
            expect: Expect::Head(Vec::new()),
            streamed: false,
            tail: Vec::new(),
            stamps: Stamps::default(),
        }
    }

    /// Takes the next bytes; true when the answer is whole. More bytes after its end are an error.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<bool> {
        while !bytes.is_empty() {
            bytes = match &mut self.expect {
                Expect::Head(_) => self.head(bytes)?,
                Expect::Body { .. } | Expect::Chunk { .. } => self.body(bytes),
                Expect::ChunkSize(line) => match whole_line(line, bytes)? {
                    None => return Ok(false),
                    Some(rest) => {
                        self.expect = after_size(line)?;
                        rest
                    }
                },
                Expect::LastLine(line) => match whole_line(line, bytes)? {
                    None => return Ok(false),
                    Some(rest) => {
                        ensure!(line == b"\r\n", "trailers after the last chunk");
                        self.expect = Expect::Nothing;
                        rest
                    }
                },
                Expect::Nothing => bail!("{} bytes after the end of an answer", bytes.len()),
            };
        }
        let whole = matches!(self.expect, Expect::Nothing);
        if whole && self.streamed {
            let ended = STREAM_ENDS
                .iter()
                .any(|end| find(&self.tail, end).is_some());
            ensure!(ended, "cut stream: {}", String::from_utf8_lossy(&self.tail));
        }
        Ok(whole)
    }

    /// When the chunks were sent that came since this was last asked: nanoseconds since 1970.
    pub(crate) fn stamps(&mut self) -> impl Iterator<Item = u64> {
        self.stamps.found.drain(..)
    }

    fn head<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8]> {
        let Expect::Head(head) = &mut self.expect else {
            return Ok(bytes);
        };
        let before = head.len();
        head.extend_from_slice(bytes);
        let Some(end) = find(head, b"\r\n\r\n") else {
            ensure!(
                head.len() <= HEAD_BYTES_MAX,
                "an answer's head without an end"
            );
            return Ok(&[]);
        };
        let text = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
        let rest = &bytes[end + 4 - before..];
        ensure!(
            text.starts_with("http/1.1 200"),
            "{} {}",
            text.lines().next().unwrap_or_default(),
            String::from_utf8_lossy(rest)
        );
        self.streamed = text.contains("text/event-stream");
        self.expect = if text.contains("transfer-encoding: chunked") {
            Expect::ChunkSize(Vec::new())
        } else {
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"));
            match length
                .context("an answer without a length")?
                .trim()
                .parse()?
            {
                0 => Expect::Nothing,
                left => Expect::Body { left },
            }
        };
        Ok(rest)
    }

    fn body<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let (left, next) = match &mut self.expect {
            Expect::Body { left } => (left, Expect::Nothing),
            Expect::Chunk { left } => (left, Expect::ChunkSize(Vec::new())),
            _ => return bytes,
        };
        let (body, rest) = bytes.split_at(bytes.len().min(*left));
        *left -= body.len();
        if *left == 0 {
            self.expect = next;
        }
        if self.streamed {
            self.stamps.push(body);
            let kept = &body[body.len().saturating_sub(TAIL_BYTES)..];
            let spare = (self.tail.len() + kept.len()).saturating_sub(TAIL_BYTES);
            self.tail.drain(..spare);
            self.tail.extend_from_slice(kept);
        }
        rest
    }
}

/// Moves bytes into `line` up to its end; the rest, or nothing while the line is not whole.
fn whole_line<'b>(line: &mut Vec<u8>, bytes: &'b [u8]) -> Result<Option<&'b [u8]>> {
    let end = memchr(b'\n', bytes).map(|at| at + 1);
    line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
    ensure!(line.len() <= 64, "a chunk size of {} bytes", line.len());
    Ok(end.map(|end| &bytes[end..]))
}

fn after_size(line: &[u8]) -> Result<Expect> {
    let size = std::str::from_utf8(line)?.trim();
    let size = usize::from_str_radix(size, 16).with_context(|| format!("chunk size {size:?}"))?;
    Ok(match size {
        0 => Expect::LastLine(Vec::new()),
        _ => Expect::Chunk { left: size + 2 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNARY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
        Transfer-Encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";

    /// Pushes in pieces of one size; whether the answer was whole at its last byte and not before.
    fn whole(bytes: &[u8], size: usize) -> Result<bool> {
        let mut answer = Answer::new();
        let mut pieces = bytes.chunks(size).peekable();
        while let Some(piece) = pieces.next() {
            if answer.push(piece)? {
                return Ok(pieces.peek().is_none());
            }
        }
        Ok(false)
    }

    #[test]
    fn an_answer_ends_at_its_last_byte_however_it_is_split() {
        for answer in [UNARY, STREAM] {
            for size in 1..=answer.len() {
                assert!(whole(answer, size).unwrap(), "pieces of {size}");
            }
            assert!(!whole(&answer[..answer.len() - 1], 7).unwrap());
        }
    }

    #[test]
    fn what_is_no_whole_answer_is_an_error() {
        let cut = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
            transfer-encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n0\r\n\r\n";
        assert!(
            whole(cut, 1000)
                .unwrap_err()
                .to_string()
                .starts_with("cut stream")
        );
        let refused = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 3\r\n\r\nno!";
        assert!(
            whole(refused, 1000)
                .unwrap_err()
                .to_string()
                .contains("401")
        );
        assert!(whole(&[UNARY, b"x"].concat(), 1000).is_err());
        assert!(whole(b"HTTP/1.1 200 OK\r\ndate: now\r\n\r\n", 1000).is_err());
    }
}
