//! What waits to be written, and who writes it: whoever submits and finds the pen free. It writes
//! all that waits, in order, in one write, and looks again before it leaves; who finds the pen
//! taken leaves its record to the one who has it. So calls that come one by one cost one write
//! each and no switch of threads, and calls that come together share a write.
//!
//! The one lock is never held across I/O. Bounded; a caller is refused, never made to wait.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use super::appender::{Appender, Stroke, payload_max};
use super::error::{DiskError, Refused};
use super::frame::{Frames, HEAD, Run};
use super::pace::{Pace, Rest};
use super::record::Durability;
use super::shelf::Shelf;
use super::ticket::{Era, Ticket, Woken};

/// How often who writes looks again. What comes later is the keeper's: a caller has work to do.
const STROKES_MAX: usize = 4;

/// Whoever holds it may write. In it is what was taken to be written.
#[derive(Default)]
pub(super) struct Pen {
    frames: Frames,
    done: Run,
}

impl Pen {
    fn is_dry(&self) -> bool {
        self.done.entries.end == self.frames.len()
    }

    fn clear(&mut self) {
        self.frames.clear();
        self.done = Run::default();
    }
}

pub(super) struct State {
    waiting: Frames,
    /// `None` while somebody writes.
    pen: Option<Box<Pen>>,
    pub(super) appender: Appender,
    /// The number of the last record that was taken.
    last: u64,
    /// The last record that somebody wants on the disk now.
    pub(super) wanted: u64,
    /// What waits was left to the keeper.
    pub(super) owed: bool,
    era: Arc<Era>,
    /// Everybody who waited knows of the present trouble.
    pub(super) settled: bool,
    pub(super) closing: bool,
    /// The last try before the end has failed.
    pub(super) given_up: bool,
    pub(super) pace: Pace,
}

pub(super) struct Queue {
    state: Mutex<State>,
    /// For the keeper.
    pub(super) called: Condvar,
    pub(super) shelf: Arc<Shelf>,
    queue_bytes: usize,
    backlog_bytes: u64,
    payload_max: usize,
}

impl Queue {
    pub(super) fn new(appender: Appender, queue_bytes: usize, backlog_bytes: u64) -> Self {
        let last = appender.next.saturating_sub(1);
        Self {
            shelf: Arc::clone(&appender.shelf),
            queue_bytes,
            backlog_bytes,
            payload_max: payload_max(appender.segment_bytes),
            called: Condvar::new(),
            state: Mutex::new(State {
                waiting: Frames::default(),
                pen: Some(Box::default()),
                last,
                wanted: 0,
                owed: false,
                era: Era::new(last, appender.synced),
                settled: appender.trouble.is_some(),
                closing: false,
                given_up: false,
                pace: Pace::default(),
                appender,
            }),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_filling(&self) -> bool {
        self.shelf.bytes() > self.backlog_bytes / 4
    }

    pub(super) fn submit(
        &self,
        kind: u8,
        payload: &[u8],
        durability: Durability,
    ) -> Result<Ticket, Refused> {
        let power = durability == Durability::Power;
        let mut state = self.push(kind, payload, power)?;
        let ticket = Ticket::new(&state.era, state.last, durability);
        if power {
            // The keeper must come anyway, and writes what others submit until then in one go.
            state.wanted = state.last;
            self.leave(state);
        } else {
            self.write(state);
        }
        Ok(ticket)
    }

    /// Takes a record that `write_waiting` is called for, by whoever of those who wait comes first.
    pub(super) fn put(&self, kind: u8, payload: &[u8]) -> Result<Ticket, Refused> {
        let state = self.push(kind, payload, false)?;
        Ok(Ticket::new(&state.era, state.last, Durability::Crash))
    }

    pub(super) fn write_waiting(&self) {
        self.write(self.state());
    }

    pub(super) fn send(&self, kind: u8, payload: &[u8]) -> Result<(), Refused> {
        let state = self.push(kind, payload, false)?;
        if state.pace.is_near() {
            return Ok(());
        }
        self.write(state);
        Ok(())
    }

    pub(super) fn flush(&self) -> Ticket {
        let mut state = self.state();
        if let Some(trouble) = &state.appender.trouble {
            return Ticket::failed(trouble.clone());
        }
        let ticket = Ticket::new(&state.era, state.last, Durability::Power);
        state.wanted = state.last;
        self.leave(state);
        ticket
    }

    fn push(
        &self,
        kind: u8,
        payload: &[u8],
        power: bool,
    ) -> Result<MutexGuard<'_, State>, Refused> {
        if payload.len() > self.payload_max {
            return Err(Refused::TooLarge {
                bytes: payload.len(),
                max: self.payload_max,
            });
        }
        let mut state = self.state();
        self.admits(&state, HEAD.saturating_add(payload.len()))?;
        state.waiting.push(kind, payload, power);
        state.last = state.last.saturating_add(1);
        Ok(state)
    }

    /// Why even an empty record would not be taken, if that is so.
    pub(super) fn refuses(&self) -> Option<Refused> {
        self.admits(&self.state(), HEAD).err()
    }

    pub(super) fn len(&self) -> usize {
        self.state().waiting.len()
    }

    fn admits(&self, state: &State, bytes: usize) -> Result<(), Refused> {
        if state.closing {
            return Err(Refused::Closed);
        }
        if let Some(trouble) = &state.appender.trouble {
            return Err(Refused::Faulted(trouble.clone()));
        }
        let queued = state.waiting.bytes.len().saturating_add(bytes);
        if queued > self.queue_bytes {
            return Err(Refused::QueueFull);
        }
        let queued = u64::try_from(queued).unwrap_or(u64::MAX);
        if self.shelf.bytes().saturating_add(queued) > self.backlog_bytes {
            return Err(Refused::BacklogFull);
        }
        Ok(())
    }

    /// Writes what waits, if nobody else does, until nothing waits or enough is done.
    pub(super) fn write<'a>(&'a self, mut state: MutexGuard<'a, State>) {
        for _ in 0..STROKES_MAX {
            let Some((mut pen, stroke)) = state.stroke() else {
                break;
            };
            drop(state);
            let result = stroke.write(&mut pen.frames);
            state = self.state();
            let woken = state.struck(pen, &stroke, result);
            if !woken.is_empty() {
                drop(state);
                wake(woken);
                state = self.state();
            }
        }
        if state.may_write() && state.waits() {
            state.owed = true;
        }
        self.leave(state);
    }

    /// Calls the keeper where only it can go on.
    fn leave(&self, mut state: MutexGuard<'_, State>) {
        let call = state.pace.rests() && state.needs_keeper();
        if call {
            state.pace.rest = Rest::Awake;
        }
        drop(state);
        if call {
            self.called.notify_one();
        }
    }

    pub(super) fn trouble(&self) -> Option<DiskError> {
        self.state().appender.trouble.clone()
    }

    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closing = true;
        self.leave(state);
    }
}

/// With no lock held: who is woken may run at once.
pub(super) fn wake(woken: Woken) {
    woken.into_iter().for_each(Waker::wake);
}

impl State {
    pub(super) fn waits(&self) -> bool {
        !self.waiting.is_empty() || self.pen.as_ref().is_none_or(|pen| !pen.is_dry())
    }

    /// Whether who wants to write may: nobody else does, and there is a segment with room.
    pub(super) fn may_write(&self) -> bool {
        self.pen.is_some() && self.appender.is_open()
    }

    fn needs_keeper(&self) -> bool {
        let urgent = self.wanted > self.appender.synced || self.owed || self.closing;
        urgent || !self.appender.is_open() || self.pace.is_idle()
    }

    fn stroke(&mut self) -> Option<(Box<Pen>, Stroke)> {
        let mut pen = self.pen.take_if(|_| self.appender.is_open())?;
        if pen.is_dry() {
            pen.clear();
            std::mem::swap(&mut pen.frames, &mut self.waiting);
        }
        if let Some(stroke) = self.appender.stroke(&pen.frames, &pen.done) {
            return Some((pen, stroke));
        }
        self.pen = Some(pen);
        None
    }

    fn struck(&mut self, mut pen: Box<Pen>, stroke: &Stroke, result: std::io::Result<()>) -> Woken {
        self.appender.struck(stroke, &pen.frames, result);
        pen.done = stroke.run.clone();
        self.pen = Some(pen);
        let written = self.appender.next.saturating_sub(1);
        let mut woken = self.era.reached(Durability::Crash, written);
        woken.extend(self.settle());
        woken
    }

    /// After a sync, or a segment that was made, has come to its end.
    pub(super) fn synced(&mut self) -> Woken {
        let mut woken = self.era.reached(Durability::Power, self.appender.synced);
        woken.extend(self.settle());
        woken
    }

    /// In trouble, once nothing is under way: what is not as durable as was asked has failed. What
    /// was promised `Power` is taken back, what was not written gives its number to others.
    fn settle(&mut self) -> Woken {
        let Some(trouble) = &self.appender.trouble else {
            self.settled = false;
            return Vec::new();
        };
        if self.settled || self.appender.is_syncing() {
            return Vec::new();
        }
        let Some(pen) = &mut self.pen else {
            return Vec::new();
        };
        pen.clear();
        self.waiting.clear();
        self.appender.tail.void_power();
        self.last = self.appender.next.saturating_sub(1);
        self.wanted = 0;
        self.owed = false;
        self.settled = true;
        let fresh = Era::new(self.last, self.appender.synced);
        std::mem::replace(&mut self.era, fresh).end(trouble.clone())
    }
}
