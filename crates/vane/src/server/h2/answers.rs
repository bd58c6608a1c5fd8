//! The answers of one connection, and the end of those that nobody takes.
//!
//! A body is pulled only while the client's window has room. Where that stays shut the body is not
//! asked, so that no limit of its own ever ends it: its connection looks at it from outside.
//! Invariant: what a client does not take for `STALL`, or beyond the time of a stream, is let go.

use super::super::STALL;
use super::calls::Running;
use super::held;
use crate::relay;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Those that have ended are forgotten when so many stand there.
const KNOWN_MAX: usize = 2 * super::STREAMS_MAX as usize;
/// How often answers are looked at in the shortest time that one may wait.
const LOOKS: u32 = 10;

/// What a connection knows of its answers.
#[derive(Default)]
pub(super) struct Answers(Mutex<Vec<Weak<Mutex<Answer>>>>);

struct Answer {
    /// Gone once nobody took it.
    body: Option<relay::Body>,
    began: Instant,
    /// Since when the client could take more; nothing while there is no more to take.
    waits: Option<Instant>,
}

/// An answer as hyper pulls it: only when the client's window has room for more, so that what was
/// given before is as good as written when there is no more.
pub(super) struct Pulled {
    answer: Arc<Mutex<Answer>>,
    /// What is left of a frame that was given in part.
    left: Bytes,
    _running: Running,
}

/// As much is given at once, whatever room the window has: what a client does not take stays here.
const PIECE_BYTES: usize = 16 << 10;

impl Answers {
    /// The body as its client pulls it. It waits for that from now on: a window may be shut at first.
    pub(super) fn pulled(&self, body: relay::Body, running: Running) -> Pulled {
        let now = Instant::now();
        let answer = Answer {
            body: Some(body),
            began: now,
            waits: Some(now),
        };
        let answer = Arc::new(Mutex::new(answer));
        let mut known = held(&self.0);
        if known.len() >= KNOWN_MAX {
            known.retain(|answer| answer.strong_count() > 0);
        }
        known.push(Arc::downgrade(&answer));
        Pulled {
            answer,
            left: Bytes::new(),
            _running: running,
        }
    }

    /// Looks for answers that nobody takes, for as long as it is polled.
    pub(super) async fn watch(&self, stream_max: impl Fn() -> Duration) -> Infallible {
        loop {
            let stream_max = stream_max();
            sleep(stream_max.min(STALL) / LOOKS).await;
            let now = Instant::now();
            held(&self.0).retain(|answer| {
                let answer = answer.upgrade();
                answer.is_some_and(|answer| !held(&answer).let_go(now, stream_max))
            });
        }
    }
}

impl Answer {
    /// Lets the body go if nobody took it for too long; says whether it is gone.
    fn let_go(&mut self, now: Instant, stream_max: Duration) -> bool {
        if self.is_left(now, stream_max) {
            self.body = None;
        }
        self.body.is_none()
    }

    /// A body that has no more to give keeps its own time.
    fn is_left(&self, now: Instant, stream_max: Duration) -> bool {
        self.waits
            .is_some_and(|since| now - since >= STALL || now - self.began >= stream_max)
    }
}

impl http_body::Body for Pulled {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let mut answer = held(&this.answer);
        let Some(body) = &mut answer.body else {
            // An end would tell that this was all.
            return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
        };
        if !this.left.is_empty() {
            let piece = this.left.split_to(this.left.len().min(PIECE_BYTES));
            answer.waits = Some(Instant::now());
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let polled = Pin::new(&mut *body).poll_frame(cx);
        if polled.is_pending() {
            body.delivered();
        }
        answer.waits = polled.is_ready().then(Instant::now);
        let frame = ready!(polled);
        Poll::Ready(frame.map(|frame| {
            let Ok(frame) = frame;
            Ok(frame.map_data(|mut data| {
                this.left = data.split_off(data.len().min(PIECE_BYTES));
                data
            }))
        }))
    }

    fn is_end_stream(&self) -> bool {
        let answer = held(&self.answer);
        let body = answer.body.as_ref();
        self.left.is_empty() && body.is_some_and(relay::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let answer = held(&self.answer);
        let rest = answer.body.as_ref();
        let rest = rest.map_or_else(SizeHint::default, relay::Body::size_hint);
        let left = self.left.len() as u64;
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + left);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + left);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::super::calls::Calls;
    use super::*;
    use http_body::Body as _;
    use std::future::poll_fn;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn pulled(answers: &Answers, body: &'static [u8]) -> Pulled {
        let running = Arc::new(Calls::new()).begin();
        answers.pulled(relay::Body::Whole(Bytes::from_static(body)), running)
    }

    async fn frame(pulled: &mut Pulled) -> Option<io::Result<Frame<Bytes>>> {
        poll_fn(|cx| Pin::new(&mut *pulled).poll_frame(cx)).await
    }

    /// How long an answer of this connection is kept for a client that does not take it.
    async fn kept(stream_max: Duration, body: &'static [u8]) -> Duration {
        let answers = Answers::default();
        let began = Instant::now();
        let mut pulled = pulled(&answers, body);
        let gone = async {
            while held(&pulled.answer).body.is_some() {
                sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::select! {
            never = answers.watch(|| stream_max) => match never {},
            () = gone => {}
            () = sleep(2 * HOUR) => panic!("it is held for ever"),
        }
        let error = frame(&mut pulled).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn s14_an_answer_that_nobody_takes_is_let_go_after_a_while() {
        for (stream_max, limit) in [(HOUR, STALL), (STALL / 2, STALL / 2)] {
            let kept = kept(stream_max, b"Hi").await;
            assert!(kept >= limit && kept <= limit + limit / 5, "{kept:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn s14_an_answer_is_let_go_only_while_its_client_could_take_more() {
        let began = Instant::now();
        let left = |waits: Option<Duration>, now: Duration| {
            let answer = Answer {
                body: None,
                began,
                waits: waits.map(|after| began + after),
            };
            answer.is_left(began + now, HOUR)
        };
        let second = Duration::from_secs(1);
        assert!(!left(None, 2 * HOUR));
        assert!(!left(Some(second), STALL));
        assert!(left(Some(second), STALL + second));
        assert!(left(Some(HOUR - second), HOUR));
    }

    #[tokio::test]
    async fn answers_that_were_taken_are_forgotten() {
        let answers = Answers::default();
        for _ in 0..10 * KNOWN_MAX {
            let mut pulled = pulled(&answers, b"Hi");
            assert!(frame(&mut pulled).await.unwrap().is_ok());
            assert!(frame(&mut pulled).await.is_none());
        }
        assert!(held(&answers.0).len() <= KNOWN_MAX);
    }
}
