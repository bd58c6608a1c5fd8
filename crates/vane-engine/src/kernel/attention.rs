//! Attention of one token over what came before it, head by head.
//!
//! Keys and values lie in blocks, each as singles or halves; scores are computed in the order of
//! positions, whatever the blocks are.

use super::Instructions;
use super::half::single_of_half;
use super::portable;
#[cfg(target_arch = "x86_64")]
use super::x86;

/// A number of the cache.
pub(crate) trait Cell: Copy {
    fn single(self) -> f32;
}

impl Cell for f32 {
    #[inline(always)]
    fn single(self) -> f32 {
        self
    }
}

/// Half precision.
impl Cell for u16 {
    #[inline(always)]
    fn single(self) -> f32 {
        single_of_half(self)
    }
}

/// The keys and values that one key head of a token sees: runs of whole tokens, one per block.
pub(crate) struct Reach<'a, C> {
    pub(crate) keys: &'a [&'a [C]],
    pub(crate) values: &'a [&'a [C]],
}

/// What is computed on the way, kept for the next head.
#[derive(Default)]
pub(crate) struct Scratch {
    /// For each query head one after the other, a number for each token that it sees.
    scores: Vec<f32>,
    /// A run of keys or values as singles.
    run: Vec<f32>,
}

/// What the queries of one key head attend to; `queries` and `out` are of the same heads.
pub(crate) fn attend<C: Cell>(
    instructions: Instructions,
    head_size: usize,
    queries: &[f32],
    reach: &Reach<'_, C>,
    scratch: &mut Scratch,
    out: &mut [f32],
) {
    match instructions {
        Instructions::Portable => heads(head_size, queries, reach, scratch, out, portable::dot),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: these are named only where the processor has them.
        #[allow(unsafe_code, reason = "the processor was asked")]
        Instructions::Avx2 | Instructions::AvxVnni => unsafe {
            avx2(head_size, queries, reach, scratch, out)
        },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        #[allow(unsafe_code, reason = "the processor was asked")]
        Instructions::Avx512 => unsafe { avx512(head_size, queries, reach, scratch, out) },
        #[cfg(not(target_arch = "x86_64"))]
        Instructions::Avx2 | Instructions::AvxVnni | Instructions::Avx512 => {
            heads(head_size, queries, reach, scratch, out, portable::dot);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn avx2<C: Cell>(
    head_size: usize,
    queries: &[f32],
    reach: &Reach<'_, C>,
    scratch: &mut Scratch,
    out: &mut [f32],
) {
    let dot = |left: &[f32], right: &[f32]| x86::floats_avx2(left, right);
    heads(head_size, queries, reach, scratch, out, dot);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn avx512<C: Cell>(
    head_size: usize,
    queries: &[f32],
    reach: &Reach<'_, C>,
    scratch: &mut Scratch,
    out: &mut [f32],
) {
    let dot = |left: &[f32], right: &[f32]| x86::floats_avx512(left, right);
    heads(head_size, queries, reach, scratch, out, dot);
}

#[inline(always)]
fn heads<C: Cell>(
    head_size: usize,
    queries: &[f32],
    reach: &Reach<'_, C>,
    scratch: &mut Scratch,
    out: &mut [f32],
    dot: impl Fn(&[f32], &[f32]) -> f32,
) {
    let Scratch { scores, run } = scratch;
    let scale = 1.0 / (head_size as f32).sqrt();
    let seen = reach.keys.iter().map(|run| run.len() / head_size).sum();
    scores.clear();
    scores.resize(queries.len() / head_size * seen, 0.0);
    let mut before = 0;
    for keys in reach.keys {
        singles(keys, run);
        let rows = scores.chunks_exact_mut(seen);
        for (query, scores) in queries.chunks_exact(head_size).zip(rows) {
            for (score, key) in scores[before..].iter_mut().zip(run.chunks_exact(head_size)) {
                *score = scale * dot(query, key);
            }
        }
        before += keys.len() / head_size;
    }
    scores.chunks_exact_mut(seen).for_each(softmax);
    out.fill(0.0);
    before = 0;
    for values in reach.values {
        singles(values, run);
        let rows = scores.chunks_exact(seen);
        for (out, scores) in out.chunks_exact_mut(head_size).zip(rows) {
            for (score, value) in scores[before..].iter().zip(run.chunks_exact(head_size)) {
                for (out, number) in out.iter_mut().zip(value) {
                    *out += score * number;
                }
            }
        }
        before += values.len() / head_size;
    }
}

#[inline(always)]
fn singles<C: Cell>(cells: &[C], run: &mut Vec<f32>) {
    run.clear();
    run.resize(cells.len(), 0.0);
    for (number, cell) in run.iter_mut().zip(cells) {
        *number = cell.single();
    }
}

/// Weights that sum to one.
fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - most).exp();
        sum += *score;
    }
    for score in scores.iter_mut() {
        *score /= sum;
    }
}
