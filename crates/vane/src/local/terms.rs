//! How long a child is waited for and kept: what its keeper heeds and the child never sees, so that a
//! running one goes on by others when the configuration is read again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::config::{Engine, Local};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    /// A call waits at most so long for it to be loaded.
    pub(super) wait: Duration,
    /// It is silent for at most so long.
    pub(super) deadline: Duration,
    /// It is asked nothing for so long before it rests.
    pub(super) idle: Duration,
}

/// Those that are in force.
pub(super) struct Kept(Mutex<Terms>);

impl Terms {
    pub(super) fn of(local: &Local, engine: &Engine) -> Self {
        Self {
            wait: engine.wait,
            deadline: engine.deadline,
            idle: local.idle,
        }
    }
}

impl Kept {
    pub(super) fn new(terms: Terms) -> Self {
        Self(Mutex::new(terms))
    }

    pub(super) fn get(&self) -> Terms {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, terms: Terms) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = terms;
    }
}
