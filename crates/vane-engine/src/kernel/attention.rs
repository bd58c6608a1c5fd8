//! Attention of one token over what came before it, head by head.
//!
//! Keys and values lie in blocks, each as singles or halves; scores are computed in the order of
//! positions, whatever the blocks are.

use super::Instructions;
use super::half::single_of_half;
use super::portable::{LANES, add_product};

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

/// What the queries of one key head attend to; `queries` and `out` are of the same heads.
pub(crate) fn attend<C: Cell>(
    instructions: Instructions,
    head_size: usize,
    queries: &[f32],
    reach: &Reach<'_, C>,
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    match instructions {
        Instructions::Portable => heads::<false, C>(head_size, queries, reach, scores, out),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: these are named only where the processor has them.
        #[allow(unsafe_code, reason = "the processor was asked")]
        Instructions::Avx2 => unsafe { avx2(head_size, queries, reach, scores, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        #[allow(unsafe_code, reason = "the processor was asked")]
        Instructions::Avx512 => unsafe { avx512(head_size, queries, reach, scores, out) },
        #[cfg(not(target_arch = "x86_64"))]
        Instructions::Avx2 | Instructions::Avx512 => {
            heads::<false, C>(head_size, queries, reach, scores, out);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<C: Cell>(
    head_size: usize,
    queries: &[f32],
    reach: &Reach<'_, C>,
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    heads::<true, C>(head_size, queries, reach, scores, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl")]
fn avx512<C: Cell>(
    head_size: usize,
    queries: &[f32],
    reach: &Reach<'_, C>,
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    heads::<true, C>(head_size, queries, reach, scores, out);
}

#[inline(always)]
fn heads<const FUSED: bool, C: Cell>(
    head_size: usize,
    queries: &[f32],
    reach: &Reach<'_, C>,
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let scale = 1.0 / (head_size as f32).sqrt();
    let heads = queries
        .chunks_exact(head_size)
        .zip(out.chunks_exact_mut(head_size));
    for (query, out) in heads {
        scores.clear();
        for key in reach
            .keys
            .iter()
            .flat_map(|run| run.chunks_exact(head_size))
        {
            scores.push(scale * dot_cells::<FUSED, C>(query, key));
        }
        softmax(scores);
        out.fill(0.0);
        let values = reach
            .values
            .iter()
            .flat_map(|run| run.chunks_exact(head_size));
        for (score, value) in scores.iter().zip(values) {
            for (out, cell) in out.iter_mut().zip(value) {
                *out = add_product::<FUSED>(*out, *score, cell.single());
            }
        }
    }
}

#[inline(always)]
fn dot_cells<const FUSED: bool, C: Cell>(query: &[f32], key: &[C]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (queries, query_rest) = query.as_chunks::<LANES>();
    let (keys, key_rest) = key.as_chunks::<LANES>();
    for (query, key) in queries.iter().zip(keys) {
        for lane in 0..LANES {
            sums[lane] = add_product::<FUSED>(sums[lane], query[lane], key[lane].single());
        }
    }
    let mut sum: f32 = sums.iter().sum();
    for (query, key) in query_rest.iter().zip(key_rest) {
        sum = add_product::<FUSED>(sum, *query, key.single());
    }
    sum
}

/// Weights that sum to one.
pub(crate) fn softmax(scores: &mut [f32]) {
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
