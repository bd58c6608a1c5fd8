//! The thread that takes note of what offers did, once a minute and a last time at the end.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::gateway::Gateway;

const EVERY: Duration = Duration::from_secs(60);

/// Dropped to stop the thread, which is waited for.
pub struct Keeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(gateway: Arc<Gateway>) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let builder = Builder::new().name("chronicle".to_owned());
        let thread = builder.spawn(move || keep(&gateway, &stopped))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

fn keep(gateway: &Gateway, stopped: &Receiver<()>) {
    loop {
        gateway.take_note();
        match stopped.recv_timeout(EVERY) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    gateway.take_note();
}
