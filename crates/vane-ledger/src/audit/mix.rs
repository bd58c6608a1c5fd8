//! Sums by name, in the memory of one number.
//!
//! Two lists of names and amounts that agree name by name have the same mix; two that do not have
//! another one, but for a chance of 2^-64 that nobody can steer: names are weighed with a key that
//! each audit draws. So a table of sums is held against millions of rows without keeping them.

use std::hash::{BuildHasher, Hash, RandomState};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mix<const N: usize>([i128; N]);

impl<const N: usize> Default for Mix<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Mix<N> {
    pub(super) fn add(&mut self, keys: &RandomState, name: impl Hash, amounts: [i64; N]) {
        // Odd, so that no amount is weighed away.
        let weight = i128::from(keys.hash_one(name) | 1);
        for (sum, amount) in self.0.iter_mut().zip(amounts) {
            *sum = sum.wrapping_add(weight.wrapping_mul(i128::from(amount)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_mix_alike_only_where_they_agree_name_by_name() {
        let keys = RandomState::new();
        let mix = |list: &[(&str, i64)]| {
            let mut mix = Mix::default();
            for (name, amount) in list {
                mix.add(&keys, name, [*amount]);
            }
            mix
        };
        let sums = mix(&[("a", 5), ("b", -3)]);
        assert_eq!(mix(&[("b", -3), ("a", 2), ("a", 3)]), sums);
        for other in [
            [("a", 5), ("b", -2)],
            [("a", -3), ("b", 5)],
            [("a", 4), ("b", -2)],
            [("a", 5), ("c", -3)],
        ] {
            assert_ne!(mix(&other), sums, "{other:?}");
        }
    }
}
