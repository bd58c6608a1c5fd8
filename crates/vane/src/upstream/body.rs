//! The body of an upstream's answer, whichever protocol carries it.

use super::{h1, h2};
use bytes::Bytes;
use hyper::body::{Body as _, Incoming};
use std::pin::Pin;
use std::task::{Context, Poll};

pub enum Body {
    Http1(Box<h1::Reading>),
    Http2(Incoming, h2::Running),
    /// Bytes that were read already, and what comes after them.
    Begun(Bytes, Box<Self>),
}

impl Body {
    /// The body from `begun` on, which was read of it last.
    #[must_use]
    pub fn unread(self, begun: Bytes) -> Self {
        Self::Begun(begun, Box::new(self))
    }

    /// The next bytes; `None` at the end.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, String>>> {
        match self {
            Self::Http1(reading) => reading.poll_data(cx),
            Self::Begun(begun, rest) if begun.is_empty() => rest.poll_data(cx),
            Self::Begun(begun, _) => Poll::Ready(Some(Ok(std::mem::take(begun)))),
            Self::Http2(incoming, _) => loop {
                return match Pin::new(&mut *incoming).poll_frame(cx) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(None) => Poll::Ready(None),
                    Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.to_string()))),
                    Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                        Ok(data) => Poll::Ready(Some(Ok(data))),
                        Err(_trailers) => continue,
                    },
                };
            },
        }
    }

    /// The next bytes; `None` at the end.
    pub async fn data(&mut self) -> Option<Result<Bytes, String>> {
        std::future::poll_fn(|cx| self.poll_data(cx)).await
    }

    /// Whether the end was reached.
    #[must_use]
    pub fn is_end(&self) -> bool {
        match self {
            Self::Http1(reading) => reading.is_end(),
            Self::Http2(incoming, _) => incoming.is_end_stream(),
            Self::Begun(begun, rest) => begun.is_empty() && rest.is_end(),
        }
    }
}
