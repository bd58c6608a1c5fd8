//! The socket of a client, what was read from it ahead, and how far the current body was read.
//!
//! The call that reads its body and the connection that looks out for a client that leaves share
//! it. Both run in one task, so its lock is never waited for.

use super::super::STALL;
use super::Next;
use super::head::{self, Framing};
use crate::chunked::Chunked;
use crate::socket::Socket;
use bytes::{BufMut, Bytes, BytesMut};
use http::StatusCode;
use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// What one read of a head takes at most: most calls whole, little of a body that is better read
/// to its place.
const READ_BYTES: usize = 4 << 10;
/// What one read of a body asks for when its length is not known ahead.
const BODY_READ_BYTES: usize = 64 << 10;
/// How clients begin that speak HTTP/2 at once.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

pub(super) struct Wire {
    state: Mutex<State>,
    /// As much as may be read ahead, and the longest head.
    ahead_max: usize,
}

struct State {
    socket: Socket,
    /// What was read and not yet used.
    ahead: BytesMut,
    /// How much of it was searched in vain for the end of a head.
    searched: usize,
    body: Rest,
    /// What the client waits for before it sends its body.
    promise: &'static [u8],
    /// Runs while the client takes nothing.
    stall: Option<Pin<Box<Sleep>>>,
}

/// What is left of a body.
enum Rest {
    Length(u64),
    Chunked(Chunked),
}

impl Wire {
    pub(super) fn new(socket: Socket, ahead_max: usize) -> Self {
        let state = Mutex::new(State {
            socket,
            ahead: BytesMut::new(),
            searched: 0,
            body: Rest::Length(0),
            promise: b"",
            stall: None,
        });
        Self { state, ahead_max }
    }

    pub(super) fn into_parts(self) -> (Socket, BytesMut) {
        let state = self.state.into_inner();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        (state.socket, state.ahead)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the first byte of a call; `false` if the client closes instead.
    pub(super) fn poll_begun(&self, cx: &mut Context<'_>) -> Poll<bool> {
        let mut state = self.lock();
        if !state.ahead.is_empty() {
            return Poll::Ready(true);
        }
        state.ahead = BytesMut::new();
        state
            .poll_ahead(cx)
            .map(|read| read.is_ok_and(|read| read > 0))
    }

    /// Reads the head of a call and makes its body ready to be read.
    pub(super) fn poll_head(&self, cx: &mut Context<'_>, first: bool) -> Poll<Next> {
        let mut state = self.lock();
        loop {
            if let Some(next) = state.head(first, self.ahead_max) {
                return Poll::Ready(next);
            }
            match ready!(state.poll_ahead(cx)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Poll::Ready(Next::Closed),
            }
        }
    }

    /// Whether the whole body was read.
    pub(super) fn is_read(&self) -> bool {
        self.lock().body.is_end()
    }

    /// Ready when the client has left. Looks only once the body was read: until then, whoever
    /// reads it finds out.
    pub(super) fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        while state.body.is_end() && state.ahead.len() < self.ahead_max {
            match ready!(state.poll_ahead(cx)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Poll::Ready(()),
            }
        }
        Poll::Pending
    }

    /// Writes some of `first` and then `second`; returns how much.
    pub(super) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.lock();
        let written = state.socket.poll_write_both(cx, first, second);
        state.unless_stalled(cx, written)
    }

    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        let flushed = Pin::new(&mut state.socket).poll_flush(cx);
        state.unless_stalled(cx, flushed)
    }

    /// Says that nothing more will be written, and waits until the client says so too.
    pub(super) fn poll_close(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        ready!(Pin::new(&mut state.socket).poll_shutdown(cx))?;
        loop {
            state.ahead.clear();
            if ready!(state.poll_ahead(cx))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl State {
    /// Reads what is there to the end of `ahead`; 0 at the end of the connection.
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        ready!(self.socket.poll_readable(cx))?;
        // On the stack, so that a connection that waits holds no room for what may come.
        let mut room = [MaybeUninit::uninit(); READ_BYTES];
        let mut read = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut read))?;
        self.ahead.extend_from_slice(read.filled());
        Poll::Ready(Ok(read.filled().len()))
    }

    /// What was read begins with; `None` if that cannot be told yet.
    fn head(&mut self, first: bool, max: usize) -> Option<Next> {
        let known = self.ahead.len().min(HTTP2.len());
        if first && HTTP2.starts_with(&self.ahead[..known]) {
            return (known == HTTP2.len()).then_some(Next::Http2);
        }
        // One that comes in many pieces is parsed at its first, and once it may be whole.
        if self.searched == 0 || has_end(&self.ahead[self.searched..]) {
            match head::take(&mut self.ahead, max) {
                Err((status, why)) => return Some(Next::Refused(status, why)),
                Ok(Some(head)) => {
                    self.expect(&head);
                    return Some(Next::Call(Box::new(head)));
                }
                Ok(None) => {}
            }
        }
        self.searched = self.ahead.len().saturating_sub(2).max(1);
        (self.ahead.len() > max).then_some(Next::Refused(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "the request's head is over the limit `limits.header_bytes_max`",
        ))
    }

    fn expect(&mut self, head: &head::Head) {
        self.searched = 0;
        self.body = match head.framing {
            Framing::Length(length) => Rest::Length(length),
            Framing::Chunked => Rest::Chunked(Chunked::default()),
        };
        self.promise = if head.waits { CONTINUE } else { b"" };
    }

    fn poll_body(&mut self, cx: &mut Context<'_>, bytes: &mut BytesMut) -> Poll<io::Result<bool>> {
        loop {
            let taken = self.body.take(&mut self.ahead);
            let taken = taken.map_err(io::Error::other)?;
            if !taken.is_empty() {
                bytes.extend_from_slice(&taken);
                return Poll::Ready(Ok(true));
            }
            if self.body.is_end() {
                return Poll::Ready(Ok(false));
            }
            while !self.promise.is_empty() {
                let written = ready!(self.socket.poll_write_both(cx, self.promise, b""))?;
                self.promise = &self.promise[written..];
            }
            let read = match &mut self.body {
                Rest::Length(left) => {
                    let read = ready!(poll_straight(&mut self.socket, cx, bytes, *left))?;
                    *left -= read as u64;
                    read
                }
                Rest::Chunked(_) => ready!(self.poll_ahead(cx))?,
            };
            match (read, &self.body) {
                (0, _) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                (_, Rest::Length(_)) => return Poll::Ready(Ok(true)),
                (_, Rest::Chunked(_)) => {}
            }
        }
    }

    fn unless_stalled<T>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stall = None;
            return polled;
        }
        let stall = || Box::pin(tokio::time::sleep(STALL));
        let stall = self.stall.get_or_insert_with(stall);
        stall
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Rest {
    const fn is_end(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunked::End))
    }

    /// What of the bytes read ahead belongs to the body.
    fn take(&mut self, ahead: &mut BytesMut) -> Result<Bytes, &'static str> {
        match self {
            Self::Length(left) => {
                let now = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(ahead.len());
                *left -= now as u64;
                Ok(ahead.split_to(now).freeze())
            }
            Self::Chunked(state) => state.take(ahead),
        }
    }
}

/// Reads at most `left` bytes from the socket to where they are needed.
fn poll_straight(
    socket: &mut Socket,
    cx: &mut Context<'_>,
    bytes: &mut BytesMut,
    left: u64,
) -> Poll<io::Result<usize>> {
    let left = usize::try_from(left).unwrap_or(usize::MAX);
    if bytes.capacity() == bytes.len() {
        bytes.reserve(left.min(BODY_READ_BYTES));
    }
    let mut room = bytes.limit(left);
    pin!(socket.read_buf(&mut room)).poll(cx)
}

/// Whether an empty line is in it.
fn has_end(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', bytes)
        .any(|at| matches!(&bytes[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]))
}

/// The body of the call that a connection is answering.
pub(in super::super) struct Reading(Arc<Wire>);

impl Reading {
    pub(super) const fn new(wire: Arc<Wire>) -> Self {
        Self(wire)
    }

    /// Reads what comes next to the end of `bytes`; `false` at the end of the body.
    pub(in super::super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &mut BytesMut,
    ) -> Poll<Result<bool, String>> {
        let mut state = self.0.lock();
        state
            .poll_body(cx, bytes)
            .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::net::{TcpListener, TcpStream};

    async fn pair() -> (Wire, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, server) = tokio::join!(client, listener.accept());
        let wire = Wire::new(Socket::Plain(server.unwrap().0), 1 << 10);
        (wire, client.unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn s14_a_client_that_takes_nothing_is_gone_after_a_while() {
        let (wire, _client) = pair().await;
        let began = tokio::time::Instant::now();
        let block = vec![0; 1 << 20];
        let error = loop {
            match poll_fn(|cx| wire.poll_write(cx, &block, b"")).await {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= STALL);
    }

    #[tokio::test]
    async fn s14_what_is_sent_ahead_is_read_up_to_a_limit() {
        let (wire, client) = pair().await;
        client.writable().await.unwrap();
        while client.try_write(&[b'x'; 64 << 10]).is_ok() {}
        // A client that floods is not gone, and its bytes stay in its own socket.
        poll_fn(|cx| match wire.poll_gone(cx) {
            Poll::Pending if wire.lock().ahead.len() >= 1 << 10 => Poll::Ready(()),
            polled => polled.map(|()| panic!("it is still there")),
        })
        .await;
        assert!(wire.lock().ahead.len() <= (1 << 10) + READ_BYTES);
    }
}
