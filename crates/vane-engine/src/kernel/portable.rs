//! The reference: plain Rust, which the compiler vectorises as far as its target allows (on
//! aarch64 that is NEON).

use std::ops::Range;

use super::unpack::Row;
use super::{GROUP, Panel, panel, walk};
use crate::weights::Tensor;

/// Sums that run side by side, so that additions need not wait for each other.
const LANES: usize = 16;

pub(super) fn multiply(weight: &Tensor, rows: Range<usize>, panel: &Panel, out: &mut [&mut [f32]]) {
    walk(weight, rows, panel, out, dot, |row, token| {
        dot_quants(row, token)
    });
}

#[inline(always)]
pub(super) fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (lefts, left_rest) = left.as_chunks::<LANES>();
    let (rights, right_rest) = right.as_chunks::<LANES>();
    for (left, right) in lefts.iter().zip(rights) {
        for lane in 0..LANES {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest: f32 = left_rest
        .iter()
        .zip(right_rest)
        .map(|(left, right)| left * right)
        .sum();
    fold(sums) + rest
}

/// The sum of all lanes, by halves.
#[inline(always)]
fn fold(mut sums: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}

#[inline(always)]
fn dot_quants(row: &Row, token: panel::Quants<'_>) -> f32 {
    let mut sum = 0.0;
    let pairs = row
        .quants
        .as_chunks::<GROUP>()
        .0
        .iter()
        .zip(token.quants.as_chunks::<GROUP>().0);
    for (group, (weights, numbers)) in pairs.enumerate() {
        let mut whole = 0_i32;
        for (weight, number) in weights.iter().zip(numbers) {
            whole += i32::from(*weight) * i32::from(*number);
        }
        let scale = row.scales[group] * token.scales[group];
        sum += scale * whole as f32 + row.biases[group] * token.sums[group];
    }
    sum
}
