//! HTTP/1.1 towards providers: one request at a time on a connection, its answer read straight
//! from the socket.
//!
//! Everything an upstream sends is bounded here: the head, the lines of chunks. Framing that is
//! ambiguous (two lengths, a length beside chunks) is refused, never guessed.

mod head;
mod reading;

pub(super) use reading::Reading;

use super::body::Body;
use super::connect::Stream;
use super::parts::Parts;
use super::pool::{Idle, Origin};
use crate::socket::Socket;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

/// An answer's head may be this long.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Bodies up to this size are written together with the head.
const TOGETHER_MAX: usize = 16 << 10;
/// What one read asks for at first.
const READ_BYTES: usize = 8 << 10;

pub(super) struct Connection {
    stream: Socket,
    /// The other end is a proxy.
    proxied: bool,
    /// What was read and not yet used.
    buffer: BytesMut,
    /// It has answered before.
    reused: bool,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// A connection that had waited was closed before anything came back.
    #[error("the connection was closed: {0}")]
    Stale(String),
    #[error("{0}")]
    Io(String),
    #[error("the answer is not HTTP: {0}")]
    Protocol(&'static str),
}

impl Error {
    pub(super) const fn was_stale(&self) -> bool {
        matches!(self, Self::Stale(_))
    }
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream: stream.socket,
            proxied: stream.proxied,
            buffer: BytesMut::new(),
            reused: false,
        }
    }

    /// Whether it is open and nothing came on it since its last answer.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let mut cx = Context::from_waker(Waker::noop());
        let polled = Pin::new(&mut self.stream).poll_read(&mut cx, &mut ReadBuf::new(&mut byte));
        self.buffer.is_empty() && polled.is_pending()
    }

    /// Sends a request and reads the head of its answer.
    pub(super) async fn send(&mut self, request: &Request<Parts>) -> Result<head::Head, Error> {
        let head = head::encode(request, self.proxied);
        let written = self.write(head, request.body()).await;
        // An upstream may answer before it has read everything, and close: its answer counts.
        let head = self.read_head().await;
        match (written, head) {
            (_, Ok(head)) => Ok(head),
            (Err(error), Err(_)) if self.reused => Err(Error::Stale(error.to_string())),
            (Err(error), Err(_)) => Err(Error::Io(error.to_string())),
            (Ok(()), Err(error)) => Err(error),
        }
    }

    async fn write(&mut self, mut head: Vec<u8>, body: &Parts) -> std::io::Result<()> {
        let mut rest = body.slices();
        while let Some(part) = rest.as_slice().first() {
            if head.len() + part.len() > TOGETHER_MAX {
                break;
            }
            head.extend_from_slice(part);
            rest.next();
        }
        self.write_all(&head, rest.as_slice()).await?;
        self.stream.flush().await
    }

    /// Writes everything, as few system calls as the socket allows.
    async fn write_all(&mut self, head: &[u8], rest: &[Bytes]) -> std::io::Result<()> {
        if rest.is_empty() {
            return self.stream.write_all(head).await;
        }
        let slices = std::iter::once(head).chain(rest.iter().map(AsRef::as_ref));
        let mut slices: Vec<IoSlice<'_>> = slices.map(IoSlice::new).collect();
        let mut left = slices.as_mut_slice();
        while !left.is_empty() {
            let written = self.stream.write_vectored(left).await?;
            if written == 0 {
                return Err(std::io::ErrorKind::WriteZero.into());
            }
            IoSlice::advance_slices(&mut left, written);
        }
        Ok(())
    }

    async fn read_head(&mut self) -> Result<head::Head, Error> {
        loop {
            match head::parse(&self.buffer)? {
                // Interim answers (100, 103) are followed by the real one.
                Some((head, length)) if head.status.is_informational() => {
                    let _ = head;
                    let _ = self.buffer.split_to(length);
                    continue;
                }
                Some((head, length)) => {
                    let _ = self.buffer.split_to(length);
                    return Ok(head);
                }
                None => {}
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(Error::Protocol("its head is too long"));
            }
            self.buffer.reserve(READ_BYTES);
            let silent = self.buffer.is_empty() && self.reused;
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) if silent => return Err(Error::Stale("before the answer".into())),
                Ok(0) => return Err(Error::Io("it was closed before the end of the head".into())),
                Ok(_) => {}
                Err(error) if silent => return Err(Error::Stale(error.to_string())),
                Err(error) => return Err(Error::Io(error.to_string())),
            }
        }
    }

    /// The answer with its body still to be read; the connection goes back to `idle` after it.
    pub(super) fn answer(self, head: head::Head, idle: Idle, origin: Origin) -> Response<Body> {
        let mut response = Response::new(());
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        let reading = Reading::new(self, head.framing, head.keep_alive, idle, origin);
        response.map(|()| Body::Http1(Box::new(reading)))
    }

    /// Reads more into the buffer; `Ok(0)` at the end of the connection.
    fn poll_fill(&mut self, cx: &mut Context<'_>, want: usize) -> Poll<std::io::Result<usize>> {
        if self.buffer.is_empty() && self.stream.poll_readable(cx)?.is_pending() {
            // A silent stream holds no room.
            self.buffer = BytesMut::new();
            return Poll::Pending;
        }
        self.buffer.reserve(want);
        read_once(Pin::new(&mut self.stream), cx, &mut self.buffer)
    }
}

/// Reads once into the spare capacity of `buffer`.
fn read_once(
    stream: Pin<&mut Socket>,
    cx: &mut Context<'_>,
    buffer: &mut BytesMut,
) -> Poll<std::io::Result<usize>> {
    let mut reading = std::pin::pin!(stream.get_mut().read_buf(buffer));
    reading.as_mut().poll(cx)
}
