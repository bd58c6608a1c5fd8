//! HTTP/1.1 towards providers: one request at a time on a connection, its answer read straight
//! from the socket.
//!
//! Everything an upstream sends is bounded here: the head, the lines of chunks. Framing that is
//! ambiguous (two lengths, a length beside chunks) is refused, never guessed.

mod head;
mod reading;
mod writing;

pub(super) use reading::Reading;

use super::body::Body;
use super::connect::{Stream, Via};
use super::parts::Parts;
use super::pool::{Idle, Origin};
use crate::socket::Socket;
use bytes::BytesMut;
use http::{Request, Response};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::time::Instant;
use writing::Written;

/// An answer's head may be this long.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// So soon after a call was begun on it a connection shows that it had been closed before. One that
/// ends later has taken the call, which may run and be billed: that is not undone by asking again.
const STALE_WITHIN: Duration = Duration::from_secs(1);
/// What one read asks for at first.
const READ_BYTES: usize = 8 << 10;

pub(super) struct Connection {
    socket: Socket,
    /// The proxy that it leads to, if one takes requests.
    via: Option<Via>,
    /// What was read and not yet used.
    buffer: BytesMut,
    /// It has answered before.
    reused: bool,
    /// Something came of the answer that is waited for, be it an interim one.
    heard: bool,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// A connection that had waited was closed as the call came, and nothing came back.
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
            socket: stream.socket,
            via: stream.via,
            buffer: BytesMut::new(),
            reused: false,
            heard: false,
        }
    }

    /// Whether it is open and nothing came on it since its last answer.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let mut cx = Context::from_waker(Waker::noop());
        let polled = Pin::new(&mut self.socket).poll_read(&mut cx, &mut ReadBuf::new(&mut byte));
        self.buffer.is_empty() && polled.is_pending()
    }

    /// Sends a request and reads the head of its answer.
    pub(super) async fn send(&mut self, request: &Request<Parts>) -> Result<head::Head, Error> {
        let head = head::encode(request, self.via.as_ref());
        let began = Instant::now();
        match self.write(head, request.body()).await {
            Ok(Written::Whole) => self.read_head(began).await,
            // The rest of the request would be taken for the next one.
            Ok(Written::Answered(head)) => Ok(head.last()),
            // It may have answered before it broke off: then its answer counts.
            Err(error) => match self.read_head(began).await {
                Ok(head) => Ok(head.last()),
                Err(_) if self.was_stale(began) => Err(Error::Stale(error.to_string())),
                Err(_) => Err(Error::Io(error.to_string())),
            },
        }
    }

    /// Reads the head of the answer to a call that `began` then.
    async fn read_head(&mut self, began: Instant) -> Result<head::Head, Error> {
        loop {
            if let Some(head) = self.take_head()? {
                return Ok(head);
            }
            match poll_fn(|cx| self.poll_fill(cx, READ_BYTES)).await {
                Ok(1..) => self.heard = true,
                Ok(0) if self.was_stale(began) => {
                    return Err(Error::Stale("before the answer".into()));
                }
                Ok(0) => return Err(Error::Io("it was closed before the end of the head".into())),
                Err(error) if self.was_stale(began) => return Err(Error::Stale(error.to_string())),
                Err(error) => return Err(Error::Io(error.to_string())),
            }
        }
    }

    /// Whether it had been closed before the call came that `began` then, now that it has ended.
    fn was_stale(&self, began: Instant) -> bool {
        self.reused && !self.heard && began.elapsed() < STALE_WITHIN
    }

    /// The head that was read, if it is all there.
    fn take_head(&mut self) -> Result<Option<head::Head>, Error> {
        while let Some((head, length)) = head::parse(&self.buffer)? {
            let _ = self.buffer.split_to(length);
            // Interim answers (100, 103) are followed by the real one.
            if !head.status.is_informational() {
                return Ok(Some(head));
            }
        }
        if self.buffer.len() > HEAD_BYTES_MAX {
            return Err(Error::Protocol("its head is too long"));
        }
        Ok(None)
    }

    /// The answer with its body still to be read; the connection goes back to `idle` after it.
    pub(super) fn answer(self, head: head::Head, idle: Idle, origin: Origin) -> Response<Body> {
        let mut response = Response::new(());
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        if let Some(via) = self.via.as_ref() {
            response.extensions_mut().insert(via.clone());
        }
        let reading = Reading::new(self, head.framing, head.keep_alive, idle, origin);
        response.map(|()| Body::Http1(Box::new(reading)))
    }

    /// Reads more into the buffer; `Ok(0)` at the end of the connection.
    fn poll_fill(&mut self, cx: &mut Context<'_>, want: usize) -> Poll<std::io::Result<usize>> {
        if self.buffer.is_empty() && self.socket.poll_readable(cx)?.is_pending() {
            // A silent stream holds no room.
            self.buffer = BytesMut::new();
            return Poll::Pending;
        }
        self.buffer.reserve(want);
        read_once(Pin::new(&mut self.socket), cx, &mut self.buffer)
    }
}

/// Reads once into the spare capacity of `buffer`.
fn read_once(
    socket: Pin<&mut Socket>,
    cx: &mut Context<'_>,
    buffer: &mut BytesMut,
) -> Poll<std::io::Result<usize>> {
    let mut reading = std::pin::pin!(socket.get_mut().read_buf(buffer));
    reading.as_mut().poll(cx)
}
