//! When the keeper looks by itself. Callers never ask for the time: they only see how it rests.

use std::time::{Duration, Instant};

/// Begun this long after a look, so that what was written right after it is synced within 100 ms.
const SYNC_AFTER: Duration = Duration::from_millis(80);
/// How long a record that nobody waits for may wait itself, where many come.
const TICK: Duration = Duration::from_millis(10);
/// From so many records per tick on, ticks cost less than the writes that they spare.
const BUSY: u32 = 16;
/// How long after a failure the next segment is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(250);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Rest {
    #[default]
    Awake,
    /// It looks within a tick.
    Ticking,
    /// It looks soon enough to sync.
    Timed,
    /// It waits to be called.
    Idle,
}

#[derive(Default)]
pub(super) struct Pace {
    pub(super) rest: Rest,
    sync_at: Option<Instant>,
    tick_at: Option<Instant>,
    retry_at: Option<Instant>,
    busy: bool,
    /// When `busy` was found, and the next record then.
    judged: Option<(Instant, u64)>,
}

fn is_over(due: Option<Instant>, now: Instant) -> bool {
    due.is_some_and(|due| due <= now)
}

impl Pace {
    pub(super) fn rests(&self) -> bool {
        self.rest != Rest::Awake
    }

    /// Whether what waits is written soon without a call.
    pub(super) fn is_near(&self) -> bool {
        matches!(self.rest, Rest::Awake | Rest::Ticking)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.rest == Rest::Idle
    }

    pub(super) fn is_time_to_write(&self, now: Instant) -> bool {
        is_over(self.tick_at, now) || is_over(self.sync_at, now)
    }

    pub(super) fn is_time_to_sync(&self, now: Instant) -> bool {
        is_over(self.sync_at, now)
    }

    pub(super) fn may_retry(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|due| due <= now)
    }

    pub(super) fn failed(&mut self, now: Instant) {
        self.retry_at = now.checked_add(RETRY_AFTER);
    }

    /// A sync begins: what is written from now on waits for the next.
    pub(super) fn syncs(&mut self, now: Instant, next: u64) {
        self.sync_at = now.checked_add(SYNC_AFTER);
        let (since, before) = *self.judged.get_or_insert((now, next));
        let passed = now.saturating_duration_since(since);
        if passed >= TICK {
            let records = u32::try_from(next.saturating_sub(before)).unwrap_or(u32::MAX);
            self.busy = TICK.saturating_mul(records) >= passed.saturating_mul(BUSY);
            self.judged = Some((now, next));
        }
    }

    /// How to rest, and until when, with nothing to do yet.
    pub(super) fn rest(&mut self, now: Instant, waits: bool, unsynced: bool) -> Option<Instant> {
        if is_over(self.sync_at, now) {
            // A whole round without a record.
            self.sync_at = None;
            self.busy = false;
        }
        if (waits || unsynced) && self.sync_at.is_none() {
            self.sync_at = now.checked_add(SYNC_AFTER);
        }
        self.tick_at = now.checked_add(TICK).filter(|_| self.busy || waits);
        self.rest = match (self.tick_at, self.sync_at) {
            (Some(_), _) => Rest::Ticking,
            (None, Some(_)) => Rest::Timed,
            (None, None) => Rest::Idle,
        };
        self.tick_at.into_iter().chain(self.sync_at).min()
    }

    /// In trouble: until the next try, or until who still writes has ended and calls.
    pub(super) fn rest_in_trouble(&mut self, settled: bool) -> Option<Instant> {
        self.rest = Rest::Idle;
        self.retry_at.filter(|_| settled)
    }
}
