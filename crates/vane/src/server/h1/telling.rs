//! Writing an answer: its head together with what is ready of its body, then the rest as it comes.
//!
//! Chunks that are ready at once leave in one write; a reader that lags gets more in each. No more
//! than `TOGETHER_MAX` waits for it: then nothing is asked of the upstream.

use super::head::{self, Length, Style};
use super::wire::Wire;
use crate::relay::{Body, Response};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::StatusCode;
use http_body::Body as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What is gathered into one write.
const TOGETHER_MAX: usize = 32 << 10;
/// What heads take, mostly.
const HEAD_BYTES: usize = 1 << 10;
/// Room that is kept for the next chunk of a stream that is silent.
const KEPT_MAX: usize = 1 << 10;

pub(super) struct Telling {
    /// Comes next.
    out: BytesMut,
    /// Follows it, too large to be copied.
    whole: Bytes,
    body: Stream,
}

/// A body that is made as it is read.
enum Stream {
    Chunked(Body),
    Bare(Body),
    Ended,
}

impl Telling {
    pub(super) fn new(response: Response, style: Style, now: i64) -> Self {
        let (parts, body) = response.into_parts();
        let answer = http::Response::from_parts(parts, ());
        let (length, whole, body) = match body {
            _ if style.head_only || answer.status() == StatusCode::NO_CONTENT => {
                (Length::None, Bytes::new(), Stream::Ended)
            }
            Body::Whole(bytes) => (Length::Known(bytes.len()), bytes, Stream::Ended),
            stream if style.old => (Length::Close, Bytes::new(), Stream::Bare(stream)),
            stream => (Length::Chunked, Bytes::new(), Stream::Chunked(stream)),
        };
        let together = whole.len() <= TOGETHER_MAX;
        let room = HEAD_BYTES + if together { whole.len() } else { 0 };
        let mut told = Self {
            out: BytesMut::with_capacity(room),
            whole,
            body,
        };
        let keep_alive = style.keep_alive && length != Length::Close;
        let style = Style {
            keep_alive,
            ..style
        };
        head::write(&mut told.out, &answer, length, style, now);
        if together {
            told.out.extend_from_slice(&std::mem::take(&mut told.whole));
        }
        told
    }

    /// Writes what is ready; an error if the client has left.
    pub(super) fn poll(&mut self, wire: &Wire, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            self.gather(cx);
            if self.out.is_empty() && self.whole.is_empty() {
                ready!(wire.poll_flush(cx))?;
                match &mut self.body {
                    Stream::Ended => return Poll::Ready(Ok(())),
                    Stream::Chunked(body) | Stream::Bare(body) => body.delivered(),
                }
                if self.out.capacity() > KEPT_MAX {
                    self.out = BytesMut::new();
                }
                return wire
                    .poll_gone(cx)
                    .map(|()| Err(io::ErrorKind::BrokenPipe.into()));
            }
            let written = ready!(wire.poll_write(cx, &self.out, &self.whole))?;
            let first = written.min(self.out.len());
            self.out.advance(first);
            self.whole.advance(written - first);
        }
    }

    /// Takes what the body has ready.
    fn gather(&mut self, cx: &mut Context<'_>) {
        while self.out.len() < TOGETHER_MAX {
            let (body, chunked) = match &mut self.body {
                Stream::Chunked(body) => (body, true),
                Stream::Bare(body) => (body, false),
                Stream::Ended => return,
            };
            let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) else {
                return;
            };
            let data = frame.and_then(|frame| frame.ok()?.into_data().ok());
            match data {
                Some(data) if chunked => chunk(&mut self.out, &data),
                Some(data) => self.out.extend_from_slice(&data),
                None => {
                    if chunked {
                        self.out.extend_from_slice(b"0\r\n\r\n");
                    }
                    self.body = Stream::Ended;
                }
            }
        }
    }
}

/// Writes a chunk; an empty one would end the body.
fn chunk(out: &mut BytesMut, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    out.reserve(data.len() + 20);
    let mut digits = [0; 16];
    let mut at = digits.len();
    let mut rest = data.len();
    while rest > 0 {
        at -= 1;
        digits[at] = b"0123456789abcdef"[rest & 15];
        rest >>= 4;
    }
    out.put_slice(&digits[at..]);
    out.put_slice(b"\r\n");
    out.put_slice(data);
    out.put_slice(b"\r\n");
}
