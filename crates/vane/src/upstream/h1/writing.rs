//! Writing a request, with an ear to the upstream: it may answer before it has read everything.
//!
//! A request that is written in one piece, as most are, is never listened for: its answer cannot
//! be early. Only where the upstream takes no more is the connection read meanwhile, so that a
//! refusal of a large body is heard instead of waited for.

use super::super::parts::Parts;
use super::{Connection, READ_BYTES, head};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;

/// Bodies up to this size are written together with the head.
pub(super) const TOGETHER_MAX: usize = 16 << 10;

/// How far a request was written.
pub(super) enum Written {
    Whole,
    /// Not to its end: this answer came before.
    Answered(head::Head),
}

impl Connection {
    /// Writes a request, in as few system calls as the socket allows.
    pub(super) async fn write(&mut self, mut head: Vec<u8>, body: &Parts) -> io::Result<Written> {
        let mut rest = body.slices();
        while let Some(part) = rest.as_slice().first() {
            if head.len() + part.len() > TOGETHER_MAX {
                break;
            }
            head.extend_from_slice(part);
            rest.next();
        }
        if rest.as_slice().is_empty() {
            return self.write_slices(&mut [IoSlice::new(&head)]).await;
        }
        let rest = rest.as_slice().iter().map(AsRef::as_ref);
        let slices = std::iter::once(&head[..]).chain(rest).map(IoSlice::new);
        self.write_slices(&mut slices.collect::<Vec<_>>()).await
    }

    async fn write_slices(&mut self, mut slices: &mut [IoSlice<'_>]) -> io::Result<Written> {
        poll_fn(|cx| self.poll_write(cx, &mut slices)).await
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        left: &mut &mut [IoSlice<'_>],
    ) -> Poll<io::Result<Written>> {
        loop {
            let socket = Pin::new(&mut self.socket);
            let polled = match &**left {
                [] => match socket.poll_flush(cx) {
                    Poll::Ready(flushed) => return Poll::Ready(flushed.map(|()| Written::Whole)),
                    Poll::Pending => Poll::Pending,
                },
                [one] => socket.poll_write(cx, one),
                many => socket.poll_write_vectored(cx, many),
            };
            match polled {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => IoSlice::advance_slices(left, written),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return self.poll_answered(cx),
            }
        }
    }

    /// Reads while nothing can be written.
    fn poll_answered(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Written>> {
        loop {
            if ready!(self.poll_fill(cx, READ_BYTES))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            self.heard = true;
            if let Some(head) = self.take_head().map_err(io::Error::other)? {
                return Poll::Ready(Ok(Written::Answered(head)));
            }
        }
    }
}
