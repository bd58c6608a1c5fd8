//! How often each of many may come in a span of time.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// So many that come in one span are told apart; more are turned away until it ends.
const KNOWN_MAX: usize = 1 << 16;

#[derive(Debug)]
pub struct Arrivals<K> {
    span_seconds: i64,
    max: u32,
    span: Mutex<Span<K>>,
}

#[derive(Debug)]
struct Span<K> {
    began: i64,
    seen: HashMap<K, u32>,
}

impl<K: Eq + Hash> Arrivals<K> {
    #[must_use]
    pub fn new(max: u32, span_seconds: i64) -> Self {
        let (began, seen) = (i64::MIN, HashMap::new());
        Self {
            span_seconds,
            max,
            span: Mutex::new(Span { began, seen }),
        }
    }

    /// Whether one more of these may come now.
    pub fn enter(&self, who: K, now: i64) -> bool {
        self.count(who, now).is_some_and(|seen| seen <= self.max)
    }

    /// Counts one more of these; how many there were in this span, unless too many are told apart.
    pub fn count(&self, who: K, now: i64) -> Option<u32> {
        let began = now.saturating_sub(now.rem_euclid(self.span_seconds.max(1)));
        let mut span = self.span.lock().unwrap_or_else(PoisonError::into_inner);
        if span.began != began {
            span.began = began;
            span.seen.clear();
        }
        if span.seen.len() >= KNOWN_MAX && !span.seen.contains_key(&who) {
            return None;
        }
        let seen = span.seen.entry(who).or_default();
        *seen = seen.saturating_add(1);
        Some(*seen)
    }
}

/// What one person has of addresses: of IPv6, whoever has one has 2^64 of them.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_share_of_a_span() {
        let arrivals = Arrivals::new(3, 60);
        let entered = |who, now| (0..10).filter(|_| arrivals.enter(who, now)).count();
        assert_eq!(entered("one", 60), 3);
        assert_eq!(entered("two", 119), 3);
        assert_eq!(entered("one", 119), 0);
        assert_eq!(entered("one", 120), 3);
    }

    #[test]
    fn no_crowd_fills_the_memory() {
        let arrivals = Arrivals::new(1, 60);
        let entered = (0..100_000).filter(|who| arrivals.enter(*who, 0)).count();
        assert_eq!(entered, KNOWN_MAX);
    }

    #[test]
    fn s16_a_network_is_what_one_person_has() {
        for (address, of) in [
            ("203.0.113.9", "203.0.113.9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ] {
            let found = network(address.parse().unwrap());
            assert_eq!(found.to_string(), of);
        }
    }
}
