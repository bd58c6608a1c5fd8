//! Who waits for a record. A record's number says all: it is written, or synced, when the mark of
//! its era has come so far. A ticket costs no allocation, and most are resolved when they are given.
//!
//! An era lasts from one failure of the disk to the next. What it leaves behind its marks has
//! failed; the numbers are given anew in the next era.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::error::DiskError;
use super::record::{Durability, Position};

struct Waiter {
    number: u64,
    durability: Durability,
    waker: Waker,
}

#[derive(Default)]
struct Fate {
    ended: Option<DiskError>,
    waiters: Vec<Waiter>,
}

#[derive(Default)]
pub(super) struct Era {
    written: AtomicU64,
    synced: AtomicU64,
    fate: Mutex<Fate>,
}

/// To be woken when no lock is held.
pub(super) type Woken = Vec<Waker>;

impl Era {
    pub(super) fn new(written: u64, synced: u64) -> Arc<Self> {
        Arc::new(Self {
            written: AtomicU64::new(written),
            synced: AtomicU64::new(synced),
            fate: Mutex::default(),
        })
    }

    fn fate(&self) -> MutexGuard<'_, Fate> {
        self.fate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(&self, durability: Durability) -> &AtomicU64 {
        match durability {
            Durability::Crash => &self.written,
            Durability::Power => &self.synced,
        }
    }

    /// Every record up to `last` is this durable.
    pub(super) fn reached(&self, durability: Durability, last: u64) -> Woken {
        self.mark(durability).store(last, Ordering::Release);
        let mut fate = self.fate();
        if fate.waiters.is_empty() {
            return Vec::new();
        }
        fate.waiters
            .extract_if(.., |waiter| {
                waiter.durability == durability && waiter.number <= last
            })
            .map(|waiter| waiter.waker)
            .collect()
    }

    /// Nothing more of this era will be written or synced.
    pub(super) fn end(&self, trouble: DiskError) -> Woken {
        let mut fate = self.fate();
        fate.ended = Some(trouble);
        let waiters = std::mem::take(&mut fate.waiters);
        waiters.into_iter().map(|waiter| waiter.waker).collect()
    }
}

/// Resolves when the record is as durable as was asked, to the position after it.
///
/// An error promises nothing either way: the record is void if this process goes on, and may be
/// found if it dies before it could say so on the disk.
#[must_use = "the record is not durable before its ticket has resolved"]
pub struct Ticket {
    era: Arc<Era>,
    number: u64,
    durability: Durability,
    waits: bool,
}

impl Ticket {
    pub(super) fn new(era: &Arc<Era>, number: u64, durability: Durability) -> Self {
        Self {
            era: Arc::clone(era),
            number,
            durability,
            waits: false,
        }
    }

    /// Of something that nobody will do before the trouble is over.
    pub(super) fn failed(trouble: DiskError) -> Self {
        let era = Era::new(0, 0);
        let _none = era.end(trouble);
        Self::new(&era, u64::MAX, Durability::Power)
    }

    pub(crate) fn is_reached(&self) -> bool {
        self.era.mark(self.durability).load(Ordering::Acquire) >= self.number
    }
}

impl Future for Ticket {
    type Output = Result<Position, DiskError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ticket = self.get_mut();
        let position = Poll::Ready(Ok(Position::new(ticket.number)));
        if ticket.is_reached() {
            return position;
        }
        let mut fate = ticket.era.fate();
        // Who moves a mark looks for waiters afterwards, under this lock.
        if ticket.is_reached() {
            return position;
        }
        if let Some(trouble) = &fate.ended {
            return Poll::Ready(Err(trouble.clone()));
        }
        let waker = context.waker();
        let is_mine = |waiter: &Waiter| {
            (waiter.number, waiter.durability) == (ticket.number, ticket.durability)
                && waiter.waker.will_wake(waker)
        };
        if !ticket.waits || !fate.waiters.iter().any(is_mine) {
            fate.waiters.push(Waiter {
                number: ticket.number,
                durability: ticket.durability,
                waker: waker.clone(),
            });
            ticket.waits = true;
        }
        Poll::Pending
    }
}
