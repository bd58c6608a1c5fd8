//! What is done again and again, by a thread of its own.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Dropped to end it, which is waited for.
pub struct Chore {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Tells a chore whether it goes on.
pub struct Ended(Receiver<()>);

impl Chore {
    /// Does something now and, for as long as this lives, every so often.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(
        name: &str,
        every: Duration,
        mut work: impl FnMut(&Ended) + Send + 'static,
    ) -> io::Result<Self> {
        let (end, ended) = channel();
        let ended = Ended(ended);
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            work(&ended);
            while ended.0.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                work(&ended);
            }
        })?;
        Ok(Self {
            end: Some(end),
            thread: Some(thread),
        })
    }
}

impl Ended {
    /// Whether it is asked to end: what takes long looks at this between two steps.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.0.try_recv() != Err(TryRecvError::Empty)
    }
}

impl Drop for Chore {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}
