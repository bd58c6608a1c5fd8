//! Who waits for a record. One group per commit, shared by all its tickets: waiting costs no
//! allocation per record.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::error::DiskError;
use super::record::{Durability, Position};

#[derive(Default)]
struct Fate {
    first: u64,
    /// How many of the group were written, once it is known.
    written: Option<usize>,
    /// The last record that was synced, once that was tried.
    synced: Option<u64>,
    trouble: Option<DiskError>,
    wakers: Vec<(Durability, Waker)>,
}

#[derive(Default)]
pub(super) struct Group(Mutex<Fate>);

impl Group {
    fn fate(&self) -> MutexGuard<'_, Fate> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn written(&self, first: u64, count: usize, trouble: Option<DiskError>) {
        let mut fate = self.fate();
        fate.first = first;
        fate.written = Some(count);
        fate.trouble = trouble;
        let woken = fate
            .wakers
            .extract_if(.., |(durability, _)| *durability == Durability::Crash);
        let woken: Vec<_> = woken.collect();
        drop(fate);
        woken.into_iter().for_each(|(_, waker)| waker.wake());
    }

    pub(super) fn synced(&self, last: u64, trouble: Option<DiskError>) {
        let mut fate = self.fate();
        fate.synced = Some(last);
        if fate.trouble.is_none() {
            fate.trouble = trouble;
        }
        let woken = std::mem::take(&mut fate.wakers);
        drop(fate);
        woken.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl Fate {
    fn of(&self, index: usize, durability: Durability) -> Option<Result<Position, DiskError>> {
        let written = index < self.written?;
        let number = u64::try_from(index).map_or(u64::MAX, |at| self.first.saturating_add(at));
        let kept = match durability {
            Durability::Crash => written,
            Durability::Power => written && number <= self.synced?,
        };
        match &self.trouble {
            Some(trouble) if !kept => Some(Err(trouble.clone())),
            _ => Some(Ok(Position::new(number))),
        }
    }
}

/// Resolves when the record is as durable as was asked, to the position after it.
///
/// An error promises nothing either way: the record is void if this process goes on, and may be
/// found if it dies before it could say so on the disk.
#[must_use = "the record is not durable before its ticket has resolved"]
pub struct Ticket {
    pub(super) group: Arc<Group>,
    pub(super) index: usize,
    pub(super) durability: Durability,
    /// Where in the group's list this ticket's waker stands.
    pub(super) slot: Option<usize>,
}

impl Future for Ticket {
    type Output = Result<Position, DiskError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ticket = self.get_mut();
        let mut fate = ticket.group.fate();
        if let Some(end) = fate.of(ticket.index, ticket.durability) {
            return Poll::Ready(end);
        }
        let waker = context.waker();
        match ticket.slot.and_then(|slot| fate.wakers.get_mut(slot)) {
            Some((_, held)) if held.will_wake(waker) => {}
            _ => {
                fate.wakers.push((ticket.durability, waker.clone()));
                ticket.slot = fate.wakers.len().checked_sub(1);
            }
        }
        Poll::Pending
    }
}
