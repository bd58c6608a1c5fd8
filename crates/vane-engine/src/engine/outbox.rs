//! Where the pieces of one answer wait for their reader: at most so many, then the sequence waits.

use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::{Piece, Word, lock};
use crate::Fault;

#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    changed: Condvar,
    pieces_max: usize,
}

#[derive(Debug, Default)]
struct State {
    pieces: VecDeque<Piece>,
    /// The reader is gone.
    left: bool,
    /// No piece will follow.
    closed: bool,
    /// Why a device made no more of them.
    failed: Option<String>,
    /// Of a reader that is not a thread of its own.
    waker: Option<Waker>,
}

impl Outbox {
    pub(super) fn new(pieces_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            pieces_max: pieces_max.max(1),
        }
    }

    pub(super) fn push(&self, piece: Piece) {
        let mut state = lock(&self.state);
        state.pieces.push_back(piece);
        self.tell(state);
    }

    /// What made the answer has failed. It is closed next.
    pub(super) fn fail(&self, what: &str) {
        lock(&self.state).failed = Some(what.to_owned());
    }

    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        self.tell(state);
    }

    /// Wakes the reader, outside of the lock that it will want.
    fn tell(&self, mut state: MutexGuard<'_, State>) {
        let waker = state.waker.take();
        drop(state);
        self.changed.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn is_full(&self) -> bool {
        lock(&self.state).pieces.len() >= self.pieces_max
    }

    pub(super) fn is_left(&self) -> bool {
        lock(&self.state).left
    }
}

/// An outbox that is closed however its request ends, so that no reader waits for ever.
#[derive(Debug)]
pub(super) struct Closing(pub(super) Arc<Outbox>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The answer to a request, piece by piece. The last one is [`Piece::End`]; an answer that ends
/// without it ends in a fault. Dropping it cancels what is left.
#[derive(Debug)]
pub struct Pieces {
    outbox: Arc<Outbox>,
    inbox: Sender<Word>,
    over: bool,
}

impl Pieces {
    pub(super) fn new(outbox: Arc<Outbox>, inbox: Sender<Word>) -> Self {
        Self {
            outbox,
            inbox,
            over: false,
        }
    }

    /// The next piece, for a reader that shares its thread with others.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Piece, Fault>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let mut state = lock(&self.outbox.state);
        let Some(piece) = self.found(&mut state) else {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        drop(state);
        self.over = is_last(&piece);
        Poll::Ready(Some(piece))
    }

    /// What is there; nothing while more may come.
    fn found(&self, state: &mut State) -> Option<Result<Piece, Fault>> {
        let was_full = state.pieces.len() >= self.outbox.pieces_max;
        let Some(piece) = state.pieces.pop_front() else {
            let failed = state.failed.clone();
            let fault = || Err(failed.map_or(Fault::Stopped, Fault::Device));
            return state.closed.then(fault);
        };
        if was_full {
            // Fails only if the engine has stopped, which the outbox will tell.
            let _ = self.inbox.send(Word::Wake);
        }
        Some(Ok(piece))
    }
}

fn is_last(piece: &Result<Piece, Fault>) -> bool {
    match piece {
        Ok(Piece::Text { .. } | Piece::Thought(_) | Piece::Call(_)) => false,
        Ok(Piece::End { .. }) | Err(_) => true,
    }
}

impl Iterator for Pieces {
    type Item = Result<Piece, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let mut state = lock(&self.outbox.state);
        let piece = loop {
            if let Some(piece) = self.found(&mut state) {
                break piece;
            }
            state = self
                .outbox
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        };
        drop(state);
        self.over = is_last(&piece);
        Some(piece)
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        lock(&self.outbox.state).left = true;
        let _ = self.inbox.send(Word::Wake);
    }
}
