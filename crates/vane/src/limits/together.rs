//! How often each of many may come in a span of time, over all replicas.
//!
//! Everybody is counted here as well as at the server of shared limits. While that is away, and
//! where there is one and it says nothing in time, each replica lets its part of the limit in, at
//! least one; where there is none, this process is all there is. Who comes is told to the server as
//! a digest.

use std::hash::Hash;
use std::sync::Arc;

use super::Arrivals;
use super::lane::part;
use super::shared::{Mode, Shared};

pub struct Together<K> {
    /// What is counted, unlike all else.
    name: &'static str,
    span_seconds: i64,
    here: Arrivals<K>,
    shared: Option<Arc<Shared>>,
}

impl<K: Eq + Hash + ToString> Together<K> {
    #[must_use]
    pub fn new(name: &'static str, span_seconds: i64, shared: Option<Arc<Shared>>) -> Self {
        Self {
            name,
            span_seconds,
            here: Arrivals::new(0, span_seconds),
            shared,
        }
    }

    /// Whether one more of these may come now.
    pub async fn enter(&self, who: K, max: u32, now: i64) -> bool {
        let shared = self.shared.as_ref();
        let asked = shared.map(|shared| (shared, self.key(&who.to_string(), now)));
        let here = self.here.count(who, now);
        let Some((shared, key)) = asked else {
            return here <= max;
        };
        if here > max {
            // Nobody needs to be asked, whatever others have counted.
            return false;
        }
        let counted = shared.count(key, self.span_seconds).await;
        let apart = match (shared.mode(shared.now()), counted) {
            (Mode::Shared, Some(all)) => return all <= u64::from(max),
            (Mode::Shared, None) => shared.unheard(),
            (Mode::Apart(apart), _) => apart,
        };
        u64::from(here) <= part(u64::from(max), apart.replicas)
    }

    fn key(&self, who: &str, now: i64) -> String {
        let began = now.saturating_sub(now.rem_euclid(self.span_seconds.max(1)));
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, who.as_bytes());
        let digits = hash.as_ref().iter().take(16);
        let digits: String = digits.map(|byte| format!("{byte:02x}")).collect();
        format!("vane:limits:{}:{began}:{digits}", self.name)
    }
}
