//! What the keys of this process have running and used of late.
//!
//! A key's lane lasts as long as something of it counts: a running call, or use within the last
//! minute. What was counted is told to other replicas only where limits are shared.

use super::headers::Standing;
use super::lane::{Lane, Place, Wish};
use super::refusal::Refusal;
use super::shared::{ALONE, Shared, SharedFigures};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use vane_ledger::{Caller, Limits};

pub struct Traffic {
    /// Calls of one key at a time, where the key does not say.
    running_max: usize,
    shared: Option<Arc<Shared>>,
    lanes: Mutex<Lanes>,
}

/// By key. Idle ones are swept out when there are twice as many as the last sweep left.
#[derive(Default)]
struct Lanes {
    of: HashMap<String, Arc<Lane>>,
    sweep_at: usize,
}

impl Traffic {
    #[must_use]
    pub fn new(running_max: usize, shared: Option<Arc<Shared>>) -> Self {
        Self {
            running_max,
            shared,
            lanes: Mutex::default(),
        }
    }

    /// A place for one more call that may come to so many tokens, or why there is none; and how the
    /// key stands with its limits then. A refused call counts for nothing. Only shared limits are
    /// ever waited for.
    pub async fn enter(
        &self,
        caller: &Caller,
        tokens: u64,
        now: Duration,
    ) -> (Standing, Result<Place, Refusal>) {
        let limits = &caller.limits;
        let lane = self.lane(&caller.key_id, now);
        let wish = Wish {
            limits,
            running_max: self.running_max,
            tokens,
            now,
        };
        match &self.shared {
            Some(shared) if has_own(limits) => lane.together(wish, shared).await,
            _ => lane.alone(&wish, ALONE),
        }
    }

    /// How shared limits stand, where they are shared.
    #[must_use]
    pub fn shared(&self) -> Option<SharedFigures> {
        self.shared.as_ref().map(|shared| shared.figures())
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
        let lane = || Arc::new(Lane::new(key, self.shared.clone()));
        lanes.of.entry(key.to_owned()).or_insert_with(lane).clone()
    }
}

/// So few lanes are not worth a sweep.
const SWEEP_MIN: usize = 64;

/// Whether nothing would be lost with a lane. Its place in the map is its only one then, and nobody
/// can take another while the map is locked.
fn is_idle(lane: &Arc<Lane>, now: Duration) -> bool {
    Arc::strong_count(lane) == 1 && lane.is_unused(now)
}

/// Whether a key has limits of its own, which hold over all replicas.
const fn has_own(limits: &Limits) -> bool {
    limits.requests_per_minute.is_some()
        || limits.tokens_per_minute.is_some()
        || limits.concurrency.is_some()
}

#[cfg(test)]
mod tests;
