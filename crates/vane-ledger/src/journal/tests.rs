//! The journal over a disk that fails and forgets, over a real one, and under SIGKILL.
#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows has failed"
)]

mod bench;
mod faults;
mod folder;
mod keeper;
mod kill;
mod property;
mod stepped;
mod together;
mod trouble;

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

const INSTANCE: [u8; 16] = *b"one replica only";

/// Whether the command line has `mark` among its filters, where it matches no test.
fn asked_for(mark: &str) -> bool {
    std::env::args().any(|argument| argument == mark)
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(end) => return end,
            Poll::Pending => thread::park(),
        }
    }
}

/// A folder that is gone with its owner.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vane-journal-{}-{name}", std::process::id()));
        let _old = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}
