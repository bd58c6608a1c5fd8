//! The connections of one process to PostgreSQL: made when needed, kept, and never more than a few.
//!
//! A connection goes back only when its transaction has ended. One that broke is thrown away, and
//! with it all that wait: whatever broke it has most likely broken them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::address::Address;
use super::session::Session;
use crate::error::LedgerError;

pub(super) const SESSIONS_MAX: usize = 8;
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Pool {
    address: Address,
    sessions: Mutex<Sessions>,
    freed: Condvar,
}

#[derive(Default)]
struct Sessions {
    idle: Vec<Session>,
    open: usize,
}

/// A connection in use. It is closed when dropped, unless it was given back.
pub(super) struct Lent<'p> {
    pub(super) session: Session,
    place: Place<'p>,
}

/// Room for one connection, until it is dropped.
struct Place<'p>(&'p Pool);

impl Pool {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            sessions: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn take(&self) -> Result<Lent<'_>, LedgerError> {
        let (mut sessions, timed_out) = self
            .freed
            .wait_timeout_while(self.lock(), PATIENCE, |sessions| {
                sessions.idle.is_empty() && sessions.open >= SESSIONS_MAX
            })
            .unwrap_or_else(PoisonError::into_inner);
        if timed_out.timed_out() {
            return Err(LedgerError::NoConnection);
        }
        while let Some(session) = sessions.idle.pop() {
            let place = Place(self);
            if !session.is_closed() {
                return Ok(Lent { session, place });
            }
            drop(sessions);
            drop(place);
            sessions = self.lock();
        }
        sessions.open = sessions.open.saturating_add(1);
        drop(sessions);
        let place = Place(self);
        let session = Session::connect(&self.address)?;
        Ok(Lent { session, place })
    }

    /// Closes what waits.
    pub(super) fn clear(&self) {
        let idle = {
            let mut sessions = self.lock();
            sessions.open = sessions.open.saturating_sub(sessions.idle.len());
            std::mem::take(&mut sessions.idle)
        };
        drop(idle);
        self.freed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lent<'_> {
    /// Its transaction has ended: others may use it.
    pub(super) fn give_back(self) {
        let mut sessions = self.place.0.lock();
        sessions.idle.push(self.session);
        // It keeps its place, which the drop of `place` frees.
        sessions.open = sessions.open.saturating_add(1);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut sessions = self.0.lock();
        sessions.open = sessions.open.saturating_sub(1);
        drop(sessions);
        self.0.freed.notify_one();
    }
}
