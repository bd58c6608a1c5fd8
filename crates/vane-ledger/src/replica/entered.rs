//! Waiting until a settlement stands in the store, where a lost machine loses its journal.
//!
//! A store that is away is waited for a moment only: running answers end all the same, and what
//! they settle waits in the journal.

use std::pin::Pin;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::journal::Position;

/// The end of an answer waits no longer for a store that is away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Says to the thread that fills the store that someone waits.
#[derive(Clone)]
pub(super) struct Hurry(Arc<Mutex<Option<Sender<()>>>>);

/// How to wait for the store.
#[derive(Clone)]
pub(super) struct Entered {
    ingested: watch::Receiver<u64>,
    hurry: Hurry,
}

pub(super) type Entering = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Hurry {
    pub(super) fn new(sender: Sender<()>) -> Self {
        Self(Arc::new(Mutex::new(Some(sender))))
    }

    pub(super) fn now(&self) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*sender {
            // A thread that has ended has entered all it could.
            let _ = sender.send(());
        }
    }

    /// Nobody hurries any more: the thread ends.
    pub(super) fn end(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Entered {
    pub(super) const fn new(ingested: watch::Receiver<u64>, hurry: Hurry) -> Self {
        Self { ingested, hurry }
    }

    /// Until what stands in the journal up to there is in the store, or that takes too long.
    pub(super) fn until(mut self, position: Position) -> Entering {
        Box::pin(async move {
            self.hurry.now();
            let reached = self
                .ingested
                .wait_for(|number| *number >= position.number());
            let _away = tokio::time::timeout(PATIENCE, reached).await;
        })
    }
}
