//! The thread that keeps a ring up to date, and tells who else follows what the revision counts.
//!
//! It stops, and is waited for, when its `Watch` is dropped.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::KeyRing;

/// Well inside the second in which a revoked key must stop.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Who could not follow tries again after so many looks.
const TRIED_AFTER: u32 = 20;

pub struct Watch {
    /// Dropped to stop the thread, which sees the other end close.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// `follow` is called when the revision has moved, and once at first; it says whether it could.
    pub fn start(
        ring: Arc<KeyRing>,
        follow: impl FnMut() -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = Builder::new()
            .name("key-ring".into())
            .spawn(move || look(&ring, &stopped, follow))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

fn look(ring: &KeyRing, stopped: &Receiver<()>, mut follow: impl FnMut() -> bool) {
    let (mut followed, mut resting) = (None, 0_u32);
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK_EVERY) {
        // A failure is kept for `KeyRing::fault`, and the next look tries again.
        let _ = ring.refresh();
        // Who asked the ring meanwhile may have refreshed it, so it is the revision that tells.
        let revision = ring.revision();
        resting = resting.saturating_sub(1);
        if followed == Some(revision) || resting > 0 {
            continue;
        }
        match follow() {
            true => followed = Some(revision),
            false => resting = TRIED_AFTER,
        }
    }
}
