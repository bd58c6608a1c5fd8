//! What the keys of this process have running and used of late.
//!
//! A key's lane lasts as long as something of it counts: a running call, or use within the last
//! minute. What was counted is told to nobody else: each process has its own traffic.

use super::headers::Standing;
use super::refusal::Refusal;
use super::window::Window;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use vane_ledger::{Caller, Limits};

pub struct Traffic {
    /// Calls of one key at a time, where the key does not say.
    running_max: usize,
    lanes: Mutex<Lanes>,
}

/// By key. Idle ones are swept out when there are twice as many as the last sweep left.
#[derive(Default)]
struct Lanes {
    of: HashMap<String, Arc<Lane>>,
    sweep_at: usize,
}

#[derive(Debug, Default)]
struct Lane {
    running: AtomicUsize,
    /// There once a key with a limit per minute has called.
    recent: Mutex<Option<Box<Recent>>>,
}

#[derive(Debug, Default)]
struct Recent {
    requests: Window,
    tokens: Window,
}

/// A running call's place; leaving it makes room, and gives back what was reserved and never used.
#[derive(Debug)]
pub struct Place {
    lane: Arc<Lane>,
    reserved: Option<Reserved>,
}

/// Tokens that were counted before the call began, and the second they count in.
#[derive(Debug, Clone, Copy)]
struct Reserved {
    tokens: u64,
    second: u64,
}

impl Traffic {
    #[must_use]
    pub fn new(running_max: usize) -> Self {
        Self {
            running_max,
            lanes: Mutex::default(),
        }
    }

    /// A place for one more call that may come to so many tokens, or why there is none; and how the
    /// key stands with its limits then. A refused call counts for nothing.
    pub fn enter(
        &self,
        caller: &Caller,
        tokens: u64,
        now: Duration,
    ) -> (Standing, Result<Place, Refusal>) {
        let limits = &caller.limits;
        let lane = self.lane(&caller.key_id, now);
        let own = limits.concurrency.map(|max| max.get() as usize);
        let max = own.unwrap_or(self.running_max);
        let one_more = |running| (running < max).then_some(running + 1);
        let place = match lane.running.fetch_update(Relaxed, Relaxed, one_more) {
            Ok(_) => Ok(Place {
                lane: lane.clone(),
                reserved: None,
            }),
            Err(_) => Err(Refusal::Running {
                max,
                own: own.is_some(),
            }),
        };
        if limits.requests_per_minute.is_none() && limits.tokens_per_minute.is_none() {
            return (Standing::default(), place);
        }
        let mut locked = lane.recent();
        let recent = locked.get_or_insert_default();
        let counted = match &place {
            Ok(_) => recent.count(limits, tokens, now),
            Err(refusal) => Err(*refusal),
        };
        let standing = recent.standing(limits, now);
        // Before a refused place is dropped, which takes the same lock.
        drop(locked);
        let place = place.and_then(|mut place| {
            place.reserved = counted?;
            Ok(place)
        });
        (standing, place)
    }

    fn lane(&self, key: &str, now: Duration) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.of.get(key) {
            return lane.clone();
        }
        if lanes.of.len() >= lanes.sweep_at {
            lanes.of.retain(|_, lane| !is_idle(lane, now));
            lanes.sweep_at = (lanes.of.len() * 2).max(SWEEP_MIN);
        }
        lanes.of.entry(key.to_owned()).or_default().clone()
    }
}

/// So few lanes are not worth a sweep.
const SWEEP_MIN: usize = 64;

/// Whether nothing would be lost with a lane. Its place in the map is its only one then, and nobody
/// can take another while the map is locked.
fn is_idle(lane: &Arc<Lane>, now: Duration) -> bool {
    let unused =
        |recent: &mut Box<Recent>| recent.requests.is_empty(now) && recent.tokens.is_empty(now);
    Arc::strong_count(lane) == 1 && lane.recent().as_mut().is_none_or(unused)
}

impl Lane {
    fn recent(&self) -> MutexGuard<'_, Option<Box<Recent>>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recent {
    /// Counts one call and its tokens if both fit, else neither.
    fn count(
        &mut self,
        limits: &Limits,
        tokens: u64,
        now: Duration,
    ) -> Result<Option<Reserved>, Refusal> {
        let requests_max = limits.requests_per_minute.map(|limit| limit.get().into());
        let tokens_max = limits.tokens_per_minute.map(|limit| limit.get().into());
        if let Some(limit) = tokens_max.filter(|limit| tokens > *limit) {
            return Err(Refusal::TooLarge { limit, tokens });
        }
        let requests = requests_max.map(|limit| Refusal::Requests {
            limit,
            wait: self.requests.wait(limit, 1, now),
        });
        let used = tokens_max.map(|limit| Refusal::Tokens {
            limit,
            wait: self.tokens.wait(limit, tokens, now),
        });
        // Of two the one that lasts longer: who waits for it meets no other.
        let longest = requests.into_iter().chain(used).max_by_key(Refusal::wait);
        if let Some(refusal) = longest.filter(|refusal| !refusal.wait().is_zero()) {
            return Err(refusal);
        }
        if requests_max.is_some() {
            self.requests.add(1, now);
        }
        Ok(tokens_max.map(|_| Reserved {
            tokens,
            second: self.tokens.add(tokens, now),
        }))
    }

    fn standing(&mut self, limits: &Limits, now: Duration) -> Standing {
        let requests = limits.requests_per_minute;
        let tokens = limits.tokens_per_minute;
        Standing {
            requests: requests.map(|limit| self.requests.quota(limit.get().into(), now)),
            tokens: tokens.map(|limit| self.tokens.quota(limit.get().into(), now)),
        }
    }
}

impl Place {
    /// The call used so many tokens. What was reserved beyond them is free at once; what it used
    /// beyond its reservation counts from now on, so that it holds back the calls after it.
    pub fn used(&mut self, tokens: u64, now: Duration) {
        let Some(reserved) = self.reserved.take() else {
            return;
        };
        let mut recent = self.lane.recent();
        let window = &mut recent.get_or_insert_default().tokens;
        if tokens > reserved.tokens {
            window.add(tokens - reserved.tokens, now);
        } else {
            window.take_back(reserved.tokens - tokens, reserved.second);
        }
    }

    /// Nobody counted what the call used: what was reserved counts as that.
    pub fn used_as_reserved(&mut self) {
        self.reserved = None;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lane.running.fetch_sub(1, Relaxed);
        let Some(reserved) = self.reserved else {
            return;
        };
        if let Some(recent) = &mut *self.lane.recent() {
            recent.tokens.take_back(reserved.tokens, reserved.second);
        }
    }
}

#[cfg(test)]
mod tests;
