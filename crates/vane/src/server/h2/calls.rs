//! The calls of one connection: how many run, and since when none does.
//!
//! hyper ends a connection that is to close once its client has answered a ping. A client that sleeps
//! never does: so its connection is let go from outside, once no call runs and nothing waits to be
//! written. Invariant: nobody's answer is cut by that.

use super::held;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

pub(super) struct Calls {
    now: Mutex<Now>,
    ended: Notify,
    /// The client's socket takes nothing at present of what is to be written.
    stuck: AtomicBool,
}

struct Now {
    running: usize,
    /// When the last call ended.
    since: Instant,
}

/// Held by a call until the last of its answer was given to the connection.
pub(super) struct Running(Arc<Calls>);

impl Calls {
    pub(super) fn new() -> Self {
        let since = Instant::now();
        Self {
            now: Mutex::new(Now { running: 0, since }),
            ended: Notify::new(),
            stuck: AtomicBool::new(false),
        }
    }

    pub(super) fn begin(self: &Arc<Self>) -> Running {
        held(&self.now).running += 1;
        Running(self.clone())
    }

    /// Takes note of whether the socket took what was written.
    pub(super) fn wrote<T>(&self, polled: Poll<T>) -> Poll<T> {
        self.stuck.store(polled.is_pending(), Relaxed);
        polled
    }

    /// Waits until none has run for so long.
    pub(super) async fn none_for(&self, time: Duration) {
        loop {
            match self.none_since() {
                None => self.ended.notified().await,
                Some(since) if since.elapsed() >= time => return,
                Some(since) => sleep_until(since + time).await,
            }
        }
    }

    /// Waits until none runs and all was written, and then for so long that a client can read it.
    pub(super) async fn over(&self, closing: Duration) {
        loop {
            self.none_for(Duration::ZERO).await;
            sleep(closing).await;
            if self.none_since().is_some() && !self.stuck.load(Relaxed) {
                return;
            }
        }
    }

    fn none_since(&self) -> Option<Instant> {
        let now = held(&self.now);
        (now.running == 0).then_some(now.since)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut now = held(&self.0.now);
        now.running = now.running.saturating_sub(1);
        if now.running == 0 {
            now.since = Instant::now();
            self.0.ended.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_from_the_end_of_its_last_call() {
        let calls = Arc::new(Calls::new());
        let began = Instant::now();
        let (first, second) = (calls.begin(), calls.begin());
        let ends = async {
            sleep(5 * MINUTE).await;
            drop(first);
            sleep(5 * MINUTE).await;
            drop(second);
            sleep(5 * MINUTE).await;
            drop(calls.begin());
        };
        tokio::join!(ends, calls.none_for(10 * MINUTE));
        assert_eq!(began.elapsed().as_secs() / 60, 25);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_over_once_no_call_runs_and_all_is_written() {
        let calls = Arc::new(Calls::new());
        let began = Instant::now();
        let call = calls.begin();
        let ends = async {
            sleep(MINUTE).await;
            let _ = calls.wrote(Poll::<()>::Pending);
            drop(call);
            sleep(MINUTE).await;
            let _ = calls.wrote(Poll::Ready(()));
        };
        let over = async {
            calls.over(Duration::from_secs(1)).await;
            began.elapsed().as_secs()
        };
        let ((), took) = tokio::join!(ends, over);
        assert!((120..=122).contains(&took), "{took}");
    }
}
