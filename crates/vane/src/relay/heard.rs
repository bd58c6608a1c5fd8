//! The body of a stream that somebody listens to, and adds a last word to.
//!
//! Every chunk goes on as it comes. The last word follows the answer where that was told to its end
//! and is settled, and nothing else.

use super::stream::Streaming;
use bytes::Bytes;
use std::task::{Context, Poll, ready};

/// Hears each chunk; after the last one, with none, it is asked for the last word.
pub type Ear = Box<dyn FnMut(Option<&Bytes>) -> Option<Bytes> + Send>;

pub struct Heard {
    streaming: Box<Streaming>,
    /// Gone once it has said its word.
    ear: Option<Ear>,
}

impl Heard {
    pub(crate) fn new(streaming: Box<Streaming>, ear: Ear) -> Self {
        let ear = Some(ear);
        Self { streaming, ear }
    }

    pub(super) fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(bytes) = ready!(self.streaming.poll_bytes(cx)) {
            if let Some(ear) = &mut self.ear {
                ear(Some(&bytes));
            }
            return Poll::Ready(Some(bytes));
        }
        let is_whole = self.streaming.ended() == Some(true);
        let ear = self.ear.take().filter(|_| is_whole);
        Poll::Ready(ear.and_then(|mut ear| ear(None)))
    }

    pub(super) fn delivered(&mut self) {
        self.streaming.delivered();
    }
}
