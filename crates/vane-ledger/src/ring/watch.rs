//! The thread that keeps a ring up to date.
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

pub struct Watch {
    /// Dropped to stop the thread, which sees the other end close.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub fn start(ring: Arc<KeyRing>) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = Builder::new()
            .name("key-ring".into())
            .spawn(move || look(&ring, &stopped))?;
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

fn look(ring: &KeyRing, stopped: &Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK_EVERY) {
        // A failure is kept for `KeyRing::fault`, and the next look tries again.
        let _ = ring.refresh();
    }
}
