//! A request body of a few slices with a known length: the client's bytes with splices between.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// In reverse, so that the next one is popped.
    rest: Vec<Bytes>,
    length: u64,
}

impl From<Vec<Bytes>> for Parts {
    fn from(mut parts: Vec<Bytes>) -> Self {
        parts.retain(|part| !part.is_empty());
        let length = parts.iter().map(|part| part.len() as u64).sum();
        parts.reverse();
        Self {
            rest: parts,
            length,
        }
    }
}

impl Parts {
    /// The slices in the order they are sent.
    #[must_use]
    pub(super) fn slices(&self) -> std::vec::IntoIter<Bytes> {
        self.rest
            .iter()
            .rev()
            .cloned()
            .collect::<Vec<_>>()
            .into_iter()
    }
}

impl Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.rest.pop();
        self.length -= next.as_ref().map_or(0, |part| part.len() as u64);
        Poll::Ready(next.map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
