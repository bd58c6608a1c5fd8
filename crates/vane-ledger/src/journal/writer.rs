//! The thread that owns the appender: takes what waits, writes it in one go, answers the tickets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::appender::Appender;
use super::queue::{Queue, Taken};

/// Begun this long after the first unsynced write, so that the sync is done within 100 ms.
const SYNC_AFTER: Duration = Duration::from_millis(80);
/// How long after a failure the next segment is tried again.
const MEND_AFTER: Duration = Duration::from_millis(250);

pub(super) struct Writer {
    pub(super) appender: Appender,
    pub(super) queue: Arc<Queue>,
}

impl Writer {
    /// Until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let mut taken = Taken::default();
        // When to sync, or in trouble when to mend.
        let mut due: Option<Instant> = self.deadline(None);
        loop {
            let timeout = due.map(|due| due.saturating_duration_since(Instant::now()));
            self.queue.take(&mut taken, timeout);
            let over = due.is_some_and(|due| due <= Instant::now());
            if (over || taken.closing) && self.appender.trouble.is_some() {
                self.appender.mend();
                due = None;
            }
            if !taken.frames.is_empty() {
                self.commit(&mut taken);
            }
            if (over || taken.closing) && self.appender.trouble.is_none() {
                self.appender.sync();
                due = None;
            }
            self.queue.report(self.appender.trouble.clone());
            due = self.deadline(due);
            if taken.closing && taken.frames.is_empty() {
                return;
            }
        }
    }

    fn deadline(&self, due: Option<Instant>) -> Option<Instant> {
        let wait = match &self.appender.trouble {
            Some(_) => MEND_AFTER,
            None if self.appender.has_unsynced() => SYNC_AFTER,
            None => return None,
        };
        due.or_else(|| Instant::now().checked_add(wait))
    }

    fn commit(&mut self, taken: &mut Taken) {
        let power = taken.frames.any_power();
        let first = self.appender.next;
        let written = self.appender.append(&mut taken.frames);
        let trouble = self.appender.trouble.clone();
        if trouble.is_some() {
            // Nobody may be let in between a failed ticket and the state that explains it.
            self.queue.report(trouble.clone());
        }
        taken.group.written(first, written, trouble);
        if power {
            self.appender.sync();
            let trouble = self.appender.trouble.clone();
            self.queue.report(trouble.clone());
            taken.group.synced(self.appender.synced, trouble);
        }
    }
}
