//! The body of a client's request, whichever protocol carries it.

use super::h1;
use bytes::BytesMut;
use hyper::body::{Body as _, Incoming};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

pub struct Body(Carried);

enum Carried {
    Http1(h1::Reading),
    Http2(Incoming),
}

impl Body {
    pub(super) const fn http1(reading: h1::Reading) -> Self {
        Self(Carried::Http1(reading))
    }

    pub(super) const fn http2(incoming: Incoming) -> Self {
        Self(Carried::Http2(incoming))
    }

    /// Reads what comes next to the end of `bytes`; `false` at the end of the body.
    ///
    /// # Errors
    /// If it was cut, or its framing is broken.
    pub async fn read(&mut self, bytes: &mut BytesMut) -> Result<bool, String> {
        match &mut self.0 {
            Carried::Http1(reading) => poll_fn(|cx| reading.poll_read(cx, bytes)).await,
            Carried::Http2(incoming) => poll_fn(|cx| poll_frames(incoming, cx, bytes)).await,
        }
    }
}

fn poll_frames(
    incoming: &mut Incoming,
    cx: &mut Context<'_>,
    bytes: &mut BytesMut,
) -> Poll<Result<bool, String>> {
    loop {
        return match Pin::new(&mut *incoming).poll_frame(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(Ok(false)),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Err(error.to_string())),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => {
                    bytes.extend_from_slice(&data);
                    Poll::Ready(Ok(true))
                }
                Err(_trailers) => continue,
            },
        };
    }
}
