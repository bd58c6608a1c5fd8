//! A hasher for maps whose keys are ids of our own making.
//!
//! Every call is looked up by its id, account and lease several times, and a hash that withstands
//! chosen keys costs more than the rest of a look-up. Nobody outside chooses these keys: what comes
//! from a request never stands in such a map, and no decision rests on a hash alone.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

pub(crate) type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<Quick>>;
pub(crate) type QuickSet<K> = HashSet<K, BuildHasherDefault<Quick>>;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quick(u64);

/// Odd, with its bits spread evenly: 2^64 over the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let last = rest.iter().rev();
        let last = last.fold(0_u64, |last, byte| (last << 8) | u64::from(*byte));
        // Its length too, so that zeros at the end count.
        self.write_u64(last ^ (rest.len() as u64) << 56);
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(SPREAD);
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number.cast_unsigned());
    }

    /// A product is best in its upper bits, and a table asks for the lower ones too.
    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{BuildHasher, Hash};

    fn spread<T: Hash>(keys: impl Iterator<Item = T>) -> (usize, usize) {
        let build = BuildHasherDefault::<Quick>::default();
        let (mut all, mut low) = (HashSet::new(), HashSet::new());
        for key in keys {
            let hash = build.hash_one(key);
            all.insert(hash);
            low.insert(hash & 0xfff);
        }
        (all.len(), low.len())
    }

    #[test]
    fn ids_that_follow_one_another_are_spread_over_a_table() {
        let calls = spread((0..4_096).map(|n| format!("req_01kb2q7{n:019}")));
        let books = spread((0..4_096_i64).map(|n| n * 8));
        for (all, low) in [calls, books] {
            assert_eq!(all, 4_096);
            // A perfect hash fills 1 - 1/e of as many places.
            assert!(low > 2_300, "{low}");
        }
    }

    #[test]
    fn what_is_longer_by_zeros_is_another_key() {
        let hash = |bytes: &[u8]| {
            let mut hasher = Quick::default();
            hasher.write(bytes);
            hasher.finish()
        };
        assert_ne!(hash(b"a"), hash(b"a\0"));
        assert_ne!(hash(b""), hash(b"\0"));
    }
}
