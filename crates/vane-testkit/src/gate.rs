//! Gates: a test decides when the next frame may leave, so that no test has to sleep.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

/// A named gate. Closed at first; each step lets one frame through.
#[derive(Debug, Clone)]
pub struct Gate {
    steps: Arc<Semaphore>,
}

impl Gate {
    fn new() -> Self {
        Self {
            steps: Arc::new(Semaphore::new(0)),
        }
    }

    /// Lets `steps` more frames through.
    pub fn open(&self, steps: usize) {
        self.steps.add_permits(steps);
    }

    /// Lets everything through from now on.
    pub fn open_for_good(&self) {
        self.steps.close();
    }

    /// Waits for a step.
    pub(crate) async fn pass(&self) {
        // A closed semaphore is a gate that was opened for good.
        if let Ok(step) = self.steps.acquire().await {
            step.forget();
        }
    }
}

/// All gates of one fake, made when first named.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    named: Mutex<BTreeMap<String, Gate>>,
}

impl Gates {
    pub(crate) fn named(&self, name: &str) -> Gate {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named
            .entry(name.to_owned())
            .or_insert_with(Gate::new)
            .clone()
    }

    pub(crate) fn reset(&self) {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        // Streams that still wait must not wait for ever.
        named.values().for_each(Gate::open_for_good);
        named.clear();
    }
}
