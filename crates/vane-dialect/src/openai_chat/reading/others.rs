//! The answers beside the first, where several were asked for: which of them have stopped.
//!
//! They are no events: only the client they are forwarded to reads them.

use crate::openai_chat::wire::Other;
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct Others {
    /// Whether each has stopped, by its index.
    stopped: BTreeMap<u64, bool>,
    open: usize,
}

impl Others {
    /// Takes what a chunk brought of them; the bytes of their output.
    pub(super) fn hear(&mut self, others: &[Other]) -> u64 {
        for other in others {
            let stopped = self.stopped.entry(other.index).or_insert_with(|| {
                self.open += 1;
                false
            });
            if other.has_stop && !std::mem::replace(stopped, true) {
                self.open -= 1;
            }
        }
        others.iter().map(|other| other.bytes).sum()
    }

    /// Whether each that was begun has stopped.
    pub(super) const fn have_stopped(&self) -> bool {
        self.open == 0
    }
}
