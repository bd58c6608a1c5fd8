//! The reference: plain Rust, which the compiler vectorises as far as its target allows (on
//! aarch64 that is NEON).
//!
//! It says in which order numbers are added, and all other kernels keep to it, so that they say the same
//! to the last bit: sums of integers are exact, block number n goes into lane n modulo 16 of a sum of
//! floats by one fused multiplication and addition, and lanes are added by halves.

use std::ops::Range;

use super::unpack::{Form, Row, unpack};
use super::{BLOCK, GROUP, LANES, Panel, panel};
use crate::weights::Tensor;

pub(super) fn multiply(weight: &Tensor, rows: Range<usize>, panel: &Panel, out: &mut [&mut [f32]]) {
    let mut row = Row::new(weight.format, weight.columns);
    for (at, number) in rows.enumerate() {
        unpack(weight.format, weight.row(number), &mut row);
        for (token, out) in out.iter_mut().enumerate() {
            out[at] = if weight.format.is_quantised() {
                dot_quants(&row, panel.token(token), weight.columns / BLOCK)
            } else {
                dot(&row.floats, panel.floats(token))
            };
        }
    }
}

/// Number n goes into lane n modulo 16; what is left of 16 is added last, one after the other.
#[inline(always)]
pub(super) fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (lefts, left_rest) = left.as_chunks::<LANES>();
    let (rights, right_rest) = right.as_chunks::<LANES>();
    for (left, right) in lefts.iter().zip(rights) {
        for lane in 0..LANES {
            sums[lane] = left[lane].mul_add(right[lane], sums[lane]);
        }
    }
    rest(fold(sums), left_rest, right_rest)
}

#[inline(always)]
pub(super) fn rest(sum: f32, left: &[f32], right: &[f32]) -> f32 {
    let pairs = left.iter().zip(right);
    pairs.fold(sum, |sum, (left, right)| left.mul_add(*right, sum))
}

/// The sum of all lanes, by halves.
#[inline(always)]
pub(super) fn fold(mut sums: [f32; LANES]) -> f32 {
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
fn dot_quants(row: &Row, token: panel::Quants<'_>, blocks: usize) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for block in 0..blocks {
        let lane = &mut sums[block % LANES];
        let scale = row.scales[block] * token.scales[block];
        *lane = (whole(row, token, block) as f32).mul_add(scale, *lane);
        if row.form == Form::Biased {
            *lane = row.biases[block].mul_add(token.weighed[block], *lane);
        }
    }
    fold(sums)
}

/// The sum of integers of one block.
#[inline(always)]
fn whole(row: &Row, token: panel::Quants<'_>, block: usize) -> i32 {
    let weights = &row.quants.as_chunks::<BLOCK>().0[block];
    let numbers = &token.quants.as_chunks::<BLOCK>().0[block];
    let mut products = [0_i32; BLOCK];
    for ((product, weight), number) in products.iter_mut().zip(weights).zip(numbers) {
        *product = i32::from(*weight) * i32::from(*number);
    }
    let (first, second) = products.split_at(GROUP);
    let middle = |sum: i32| row.form.middle().map_or(0, |middle| sum << middle);
    let (first_sum, sum) = (token.first_sums[block], token.sums[block]);
    let first = first.iter().sum::<i32>() - middle(first_sum);
    let second = second.iter().sum::<i32>() - middle(sum - first_sum);
    if row.form == Form::Fine {
        row.firsts[block] * first + row.seconds[block] * second
    } else {
        first + second
    }
}
