//! What waits for the writer. Bounded; a caller is refused, never made to wait.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::{DiskError, Refused};
use super::frame::{Frames, HEAD};
use super::record::Durability;
use super::shelf::Shelf;
use super::ticket::{Group, Ticket};

#[derive(Default)]
struct Waiting {
    frames: Frames,
    group: Arc<Group>,
    trouble: Option<DiskError>,
    closing: bool,
}

pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    woken: Condvar,
    pub(super) shelf: Arc<Shelf>,
    pub(super) queue_bytes: usize,
    pub(super) backlog_bytes: u64,
    pub(super) payload_max: usize,
}

/// What the writer took.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) frames: Frames,
    pub(super) group: Arc<Group>,
    pub(super) closing: bool,
}

impl Queue {
    pub(super) fn new(
        shelf: Arc<Shelf>,
        queue_bytes: usize,
        backlog_bytes: u64,
        payload_max: usize,
    ) -> Self {
        Self {
            waiting: Mutex::default(),
            woken: Condvar::new(),
            shelf,
            queue_bytes,
            backlog_bytes,
            payload_max,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(
        &self,
        kind: u8,
        payload: &[u8],
        durability: Durability,
        promised: bool,
    ) -> Result<Ticket, Refused> {
        if payload.len() > self.payload_max {
            return Err(Refused::TooLarge {
                bytes: payload.len(),
                max: self.payload_max,
            });
        }
        let mut waiting = self.waiting();
        self.admits(&waiting, HEAD.saturating_add(payload.len()))?;
        let index = waiting.frames.len();
        let power = promised && durability == Durability::Power;
        waiting.frames.push(kind, payload, power);
        let group = Arc::clone(&waiting.group);
        drop(waiting);
        if index == 0 {
            self.woken.notify_one();
        }
        Ok(Ticket {
            group,
            index,
            durability,
            slot: None,
        })
    }

    /// Why even an empty record would not be taken, if that is so.
    pub(super) fn refuses(&self) -> Option<Refused> {
        self.admits(&self.waiting(), HEAD).err()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting().frames.len()
    }

    fn admits(&self, waiting: &Waiting, bytes: usize) -> Result<(), Refused> {
        if waiting.closing {
            return Err(Refused::Closed);
        }
        if let Some(trouble) = &waiting.trouble {
            return Err(Refused::Faulted(trouble.clone()));
        }
        let queued = waiting.frames.bytes.len().saturating_add(bytes);
        if queued > self.queue_bytes {
            return Err(Refused::QueueFull);
        }
        let queued = u64::try_from(queued).unwrap_or(u64::MAX);
        if self.shelf.bytes().saturating_add(queued) > self.backlog_bytes {
            return Err(Refused::BacklogFull);
        }
        Ok(())
    }

    /// Takes all that waits, once something does or `timeout` is over.
    pub(super) fn take(&self, taken: &mut Taken, timeout: Option<Duration>) {
        taken.frames.clear();
        let idle = |waiting: &mut Waiting| waiting.frames.is_empty() && !waiting.closing;
        let waiting = self.waiting();
        let mut waiting = match timeout {
            None => self
                .woken
                .wait_while(waiting, idle)
                .unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                let waited = self.woken.wait_timeout_while(waiting, timeout, idle);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        taken.closing = waiting.closing;
        if !waiting.frames.is_empty() {
            std::mem::swap(&mut taken.frames, &mut waiting.frames);
            taken.group = std::mem::take(&mut waiting.group);
        }
    }

    pub(super) fn report(&self, trouble: Option<DiskError>) {
        self.waiting().trouble = trouble;
    }

    pub(super) fn trouble(&self) -> Option<DiskError> {
        self.waiting().trouble.clone()
    }

    pub(super) fn close(&self) {
        self.waiting().closing = true;
        self.woken.notify_one();
    }
}
