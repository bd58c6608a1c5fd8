//! How often each of many may come in a span of time.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

/// So many that come in one span are told apart. Where there are more, those are forgotten that have
/// not come for longest: to turn everybody away who is new would let a crowd keep all others out.
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
    /// At most half of those that are told apart.
    seen: HashMap<K, u32>,
    /// Who came before these, and not since.
    before: HashMap<K, u32>,
}

impl<K: Eq + Hash> Arrivals<K> {
    #[must_use]
    pub fn new(max: u32, span_seconds: i64) -> Self {
        Self {
            span_seconds,
            max,
            span: Mutex::new(Span {
                began: i64::MIN,
                seen: HashMap::new(),
                before: HashMap::new(),
            }),
        }
    }

    /// Whether one more of these may come now.
    pub fn enter(&self, who: K, now: i64) -> bool {
        self.count(who, now) <= self.max
    }

    /// Counts one more of these; how many there were in this span.
    pub fn count(&self, who: K, now: i64) -> u32 {
        let began = now.saturating_sub(now.rem_euclid(self.span_seconds.max(1)));
        let mut span = self.span.lock().unwrap_or_else(PoisonError::into_inner);
        if span.began != began {
            span.began = began;
            span.seen.clear();
            span.before.clear();
        }
        if span.seen.len() >= KNOWN_MAX / 2 && !span.seen.contains_key(&who) {
            span.before = mem::take(&mut span.seen);
        }
        let before = span.before.remove(&who).unwrap_or_default();
        let seen = span.seen.entry(who).or_insert(before);
        *seen = seen.saturating_add(1);
        *seen
    }
}

/// What one machine has of addresses: of IPv6, whoever has one has 2^64 of them.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    network_of(address, 64)
}

/// The network of so many bits that an address of IPv6 is in. One of IPv4 is its own.
pub(crate) fn network_of(address: IpAddr, bits: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let within = u128::MAX.checked_shr(bits).unwrap_or_default();
            Ipv6Addr::from(u128::from(v6) & !within).into()
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
    fn no_crowd_fills_the_memory_keeps_others_out_or_frees_who_goes_on() {
        let arrivals = Arrivals::new(1, 60);
        let held = -1;
        assert!(arrivals.enter(held, 0));
        for who in 0..200_000 {
            assert!(arrivals.enter(who, 0), "{who}");
            if who % 20_000 == 0 {
                assert!(!arrivals.enter(held, 0), "{who}");
            }
        }
        let span = arrivals.span.lock().unwrap();
        assert!(span.seen.len() + span.before.len() <= KNOWN_MAX);
    }

    #[test]
    fn s16_a_network_is_what_one_machine_home_or_site_has() {
        for (address, bits, of) in [
            ("203.0.113.9", 64, "203.0.113.9"),
            ("::ffff:203.0.113.9", 48, "203.0.113.9"),
            ("2001:db8:1:2345:6:7:8:9", 64, "2001:db8:1:2345::"),
            ("2001:db8:1:2345:6:7:8:9", 56, "2001:db8:1:2300::"),
            ("2001:db8:1:2345:6:7:8:9", 48, "2001:db8:1::"),
        ] {
            let found = network_of(address.parse().unwrap(), bits);
            assert_eq!(found.to_string(), of);
        }
    }
}
