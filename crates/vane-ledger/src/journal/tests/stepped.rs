//! A journal whose keeper is the test: nothing happens but what is asked for, and time stands still.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::journal::disk::{Disk, model::Model};
use crate::journal::error::{DiskError, JournalError};
use crate::journal::keeper::{Chore, Keeper};
use crate::journal::maker::Maker;
use crate::journal::queue::Queue;
use crate::journal::record::{Durability, Position};
use crate::journal::recover::Opening;
use crate::journal::replay::Replay;
use crate::journal::ticket::Ticket;

pub(super) const SEGMENT_BYTES: u64 = 4096;

pub(super) struct Stepped {
    pub(super) keeper: Keeper,
    pub(super) queue: Arc<Queue>,
    pub(super) now: Instant,
}

pub(super) fn open(
    disk: &Model,
    epoch: u64,
    instance: [u8; 16],
    ingested: Position,
) -> Result<Stepped, JournalError> {
    let maker = Maker {
        disk: Disk::Model(disk.clone()),
        instance,
        epoch,
        segment_bytes: SEGMENT_BYTES,
    };
    let opening = Opening {
        maker: maker.clone(),
        ingested,
    };
    let queue = Arc::new(Queue::new(opening.recover()?, 64 << 10, 1 << 30));
    let keeper = Keeper {
        queue: Arc::clone(&queue),
        maker,
    };
    let now = Instant::now();
    Ok(Stepped { keeper, queue, now })
}

/// `None` where nobody has answered it yet.
pub(super) fn poll(ticket: &mut Ticket) -> Option<Result<Position, DiskError>> {
    match Pin::new(ticket).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(end) => Some(end),
        Poll::Pending => None,
    }
}

impl Stepped {
    /// Does all that is due; says what.
    pub(super) fn idle(&self) -> Vec<Chore> {
        let mut done = Vec::new();
        loop {
            let chore = self.queue.state().chore(self.now);
            let Some(chore) = chore.filter(|chore| *chore != Chore::Leave) else {
                self.queue.state().rest(self.now);
                return done;
            };
            self.keeper.work(chore, self.now);
            done.push(chore);
            assert!(done.len() < 1000, "it never rests: {done:?}");
        }
    }

    pub(super) fn later(&mut self) {
        self.now += Duration::from_millis(300);
        self.idle();
    }

    pub(super) fn put(&self, payload: &[u8], durability: Durability) -> bool {
        let Ok(mut ticket) = self.queue.submit(1, payload, durability) else {
            return false;
        };
        self.idle();
        poll(&mut ticket).expect("nobody answers it").is_ok()
    }

    pub(super) fn trouble(&self) -> Option<DiskError> {
        self.queue.trouble()
    }

    pub(super) fn replay(&self, from: Position) -> Replay {
        Replay::new(
            self.queue.shelf.clone(),
            self.keeper.maker.disk.clone(),
            from,
        )
    }

    pub(super) fn payloads(&self) -> Vec<Vec<u8>> {
        self.replay(Position::START)
            .map(|record| record.unwrap().payload)
            .collect()
    }
}
