//! The body of a stream that is kept while it is told.
//!
//! Every chunk goes on as it comes; the last one waits until the answer is kept, or its key given
//! back. Who leaves before that gives the key back too.

use super::super::stream::Streaming;
use super::{ANSWER_BYTES_MAX, Ending, Once, answer};
use bytes::Bytes;
use http::HeaderMap;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::task::JoinHandle;

pub struct Kept(Stage);

enum Stage {
    Running {
        streaming: Box<Streaming>,
        once: Once,
        /// The answer so far as it is kept; nothing once it is too large.
        told: Option<Vec<u8>>,
        bytes_max: usize,
    },
    /// Only these bytes are left, to be told once the answer is kept.
    Ending(JoinHandle<()>, Option<Bytes>),
    Over,
}

impl Kept {
    pub(super) fn new(streaming: Box<Streaming>, once: Once, headers: &HeaderMap) -> Self {
        let told = answer::head(headers);
        let bytes_max = told.len() + ANSWER_BYTES_MAX;
        Self(Stage::Running {
            streaming,
            once,
            told: Some(told),
            bytes_max,
        })
    }

    pub(in super::super) fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            match &mut self.0 {
                Stage::Running {
                    streaming,
                    told,
                    bytes_max,
                    ..
                } => {
                    let bytes = ready!(streaming.poll_bytes(cx));
                    if let Some(bytes) = &bytes {
                        *told = told
                            .take()
                            .filter(|told| told.len() + bytes.len() <= *bytes_max);
                        if let Some(told) = told {
                            told.extend_from_slice(bytes);
                        }
                    }
                    match streaming.ended() {
                        None => return Poll::Ready(bytes),
                        Some(done) => self.end(done, bytes),
                    }
                }
                Stage::Ending(kept, bytes) => {
                    drop(ready!(Pin::new(kept).poll(cx)));
                    let bytes = bytes.take();
                    self.0 = Stage::Over;
                    return Poll::Ready(bytes);
                }
                Stage::Over => return Poll::Ready(None),
            }
        }
    }

    fn end(&mut self, done: bool, bytes: Option<Bytes>) {
        if let Stage::Running { once, told, .. } = std::mem::replace(&mut self.0, Stage::Over) {
            let ending = match (done, told) {
                (false, _) => Ending::Failed,
                (true, None) => Ending::TooLarge,
                (true, Some(told)) => Ending::Answered(told),
            };
            self.0 = Stage::Ending(once.end(ending), bytes);
        }
    }
}
