//! Guards a client's connection: a request head that has begun must arrive within its time.
//!
//! An idle connection costs no timer. One is armed only while part of a head is in and the rest
//! is not.

use hyper::rt::{Read, ReadBufCursor, Write};
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// A connection whose heads are timed.
pub(super) struct Guarded<S> {
    stream: S,
    head: Arc<Head>,
    limit: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
}

/// Shared with the service, which says when a head is complete.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// A request is being answered: what comes in now is its body.
    answering: AtomicBool,
    begun: AtomicBool,
}

impl Head {
    pub(super) fn complete(&self) {
        self.begun.store(false, Relaxed);
        self.answering.store(true, Relaxed);
    }

    pub(super) fn answered(&self) {
        self.answering.store(false, Relaxed);
    }
}

impl<S> Guarded<S> {
    pub(super) const fn new(stream: S, head: Arc<Head>, limit: Duration) -> Self {
        Self {
            stream,
            head,
            limit,
            deadline: None,
        }
    }
}

impl<S: Read + Unpin> Read for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if this.head.answering.load(Relaxed) {
            this.deadline = None;
            return polled;
        }
        if polled.is_ready() {
            this.head.begun.store(true, Relaxed);
            return polled;
        }
        if !this.head.begun.load(Relaxed) {
            this.deadline = None;
            return polled;
        }
        let limit = this.limit;
        let deadline = this
            .deadline
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        match deadline.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the head came too slowly",
            ))),
        }
    }
}

impl<S: Write + Unpin> Write for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }
}
