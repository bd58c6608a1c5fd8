//! The response: a whole body, or one that is made as it is read.

use super::heard::Heard;
use super::idempotency::Kept;
use super::stream::Streaming;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http_body::{Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

pub type Response = http::Response<Body>;

pub enum Body {
    Whole(Bytes),
    Stream(Box<Streaming>),
    /// A stream that is kept for whoever asks again.
    Kept(Box<Kept>),
    /// A stream that somebody listens to.
    Heard(Box<Heard>),
}

impl Body {
    #[must_use]
    pub const fn empty() -> Self {
        Self::Whole(Bytes::new())
    }

    /// The client's socket has taken all that was given: should the process die now, that is paid.
    pub fn delivered(&mut self) {
        match self {
            Self::Stream(streaming) => streaming.delivered(),
            Self::Heard(heard) => heard.delivered(),
            Self::Whole(_) | Self::Kept(_) => {}
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Self::Stream(streaming) => streaming
                .poll_bytes(cx)
                .map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes)))),
            Self::Kept(kept) => kept
                .poll_bytes(cx)
                .map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes)))),
            Self::Heard(heard) => heard
                .poll_bytes(cx)
                .map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(_) | Self::Kept(_) | Self::Heard(_) => SizeHint::default(),
        }
    }
}

/// How many headers an answer has, mostly.
const HEADERS: usize = 12;

/// A JSON response.
#[must_use]
pub fn json(status: u16, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::Whole(body.into()));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.headers_mut() = headers;
    response
}
