//! Ways to cut a byte sequence in two or many, for tests that any split gives the same events.

use std::iter;

/// Every way to cut `bytes` in two, the empty cuts at both ends included.
pub fn every(bytes: &[u8]) -> impl Iterator<Item = [&[u8]; 2]> {
    (0..=bytes.len()).map(|at| {
        let (head, tail) = bytes.split_at(at);
        [head, tail]
    })
}

/// `bytes` one at a time.
pub fn singles(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(1)
}

/// `bytes` in pieces of 1 to 16 bytes whose sizes follow from `seed`.
pub fn random(bytes: &[u8], seed: u64) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    let mut seed = seed;
    iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let size = usize::try_from(draw(&mut seed) % 16 + 1)
            .unwrap_or(1)
            .min(rest.len());
        let (head, tail) = rest.split_at(size);
        rest = tail;
        Some(head)
    })
}

/// The next number of a small generator (splitmix64): the same for the same seed, everywhere.
pub fn draw(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_split_joins_to_the_whole() {
        let bytes = "data: \u{e9}\n\n".as_bytes();
        assert_eq!(every(bytes).count(), bytes.len() + 1);
        assert!(every(bytes).all(|parts| parts.concat() == bytes));
        assert_eq!(singles(bytes).collect::<Vec<_>>().concat(), bytes);
        assert_eq!(random(bytes, 7).collect::<Vec<_>>().concat(), bytes);
    }

    #[test]
    fn the_same_seed_splits_alike_and_another_does_not() {
        let bytes = [7_u8; 500];
        let sizes = |seed| random(&bytes, seed).map(<[u8]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(1), sizes(1));
        assert_ne!(sizes(1), sizes(2));
    }
}
