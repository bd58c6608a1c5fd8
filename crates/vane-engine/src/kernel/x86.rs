//! The kernels for x86-64, by AVX2 and by AVX-512 with its instruction for small integers.
//!
//! Each entry is unsafe to call only because the processor must have the instructions that its
//! attribute names. Loads are within slices whose lengths are asserted first.

use std::arch::x86_64::*;
use std::ops::Range;

use super::unpack::Row;
use super::{GROUP, Panel, panel, walk};
use crate::weights::Tensor;

#[target_feature(enable = "avx2,fma")]
pub(super) fn multiply_avx2(
    weight: &Tensor,
    rows: Range<usize>,
    panel: &Panel,
    out: &mut [&mut [f32]],
) {
    walk(
        weight,
        rows,
        panel,
        out,
        |left, right| floats_avx2(left, right),
        |row, token| {
            if row.wide {
                dot_avx2_wide(row, token)
            } else {
                dot_avx2(row, token)
            }
        },
    );
}

#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) fn multiply_avx512(
    weight: &Tensor,
    rows: Range<usize>,
    panel: &Panel,
    out: &mut [&mut [f32]],
) {
    walk(
        weight,
        rows,
        panel,
        out,
        |left, right| floats_avx512(left, right),
        |row, token| dot_avx512(row, token),
    );
}

/// Lengths that the loads below rely on.
fn blocks(row: &Row, token: panel::Quants<'_>, block: usize) -> usize {
    let columns = row.quants.len();
    let groups = columns / GROUP;
    assert!(columns.is_multiple_of(block) && token.quants.len() == columns);
    assert!(row.scales.len() == groups && token.scales.len() == groups);
    assert!(row.biases.len() == groups && token.sums.len() == groups);
    columns / block
}

/// The two scales of 32 numbers, each in the four lanes of its group.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn scales_avx2(row: &Row, token: panel::Quants<'_>, block: usize) -> __m256 {
    let spread = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    // SAFETY: groups 2 * block and 2 * block + 1 exist, by `blocks`.
    let (weights, numbers) = unsafe {
        let weights = row.scales.as_ptr().add(2 * block).cast::<f64>();
        let numbers = token.scales.as_ptr().add(2 * block).cast::<f64>();
        (_mm_load_sd(weights), _mm_load_sd(numbers))
    };
    let both = _mm_mul_ps(_mm_castpd_ps(weights), _mm_castpd_ps(numbers));
    _mm256_permutevar8x32_ps(_mm256_castps128_ps256(both), spread)
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load_avx2(row: &Row, token: panel::Quants<'_>, block: usize) -> (__m256i, __m256i) {
    // SAFETY: 32 numbers from 32 * block exist on both sides, by `blocks`.
    unsafe {
        let weights = row.quants.as_ptr().add(32 * block).cast();
        let numbers = token.quants.as_ptr().add(32 * block).cast();
        (_mm256_loadu_si256(weights), _mm256_loadu_si256(numbers))
    }
}

/// Six bits times eight: pairs of products fit into 16 bits.
#[target_feature(enable = "avx2,fma")]
fn dot_avx2(row: &Row, token: panel::Quants<'_>) -> f32 {
    let ones = _mm256_set1_epi16(1);
    let mut sums = _mm256_setzero_ps();
    for block in 0..blocks(row, token, 32) {
        let (weights, numbers) = load_avx2(row, token, block);
        let whole = _mm256_madd_epi16(_mm256_maddubs_epi16(weights, numbers), ones);
        let scales = scales_avx2(row, token, block);
        sums = _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole), scales, sums);
    }
    sum_avx2(sums) + floats_avx2(&row.biases, token.sums)
}

/// Eight bits times eight would overflow pairs, unless the sign is moved to the other side: then
/// it is at most 128 * 127 twice. Weights are signed again, so that their bias is nothing.
#[target_feature(enable = "avx2,fma")]
fn dot_avx2_wide(row: &Row, token: panel::Quants<'_>) -> f32 {
    let ones = _mm256_set1_epi16(1);
    let middle = _mm256_set1_epi8(i8::MIN);
    let mut sums = _mm256_setzero_ps();
    for block in 0..blocks(row, token, 32) {
        let (weights, numbers) = load_avx2(row, token, block);
        let weights = _mm256_xor_si256(weights, middle);
        let signed = _mm256_sign_epi8(numbers, weights);
        let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(weights), signed);
        let whole = _mm256_madd_epi16(pairs, ones);
        let scales = scales_avx2(row, token, block);
        sums = _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole), scales, sums);
    }
    sum_avx2(sums)
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn sum_avx2(sums: __m256) -> f32 {
    let four = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)))
}

/// 64 numbers at a time, and what is left of 32 by the smaller registers.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni")]
fn dot_avx512(row: &Row, token: panel::Quants<'_>) -> f32 {
    let spread = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    let halves = blocks(row, token, 32);
    let mut sums = _mm512_setzero_ps();
    for block in 0..halves / 2 {
        // SAFETY: 64 numbers from 64 * block, and their four groups, exist, by `blocks`.
        let (weights, numbers, scales) = unsafe {
            let weights = row.quants.as_ptr().add(64 * block).cast();
            let numbers = token.quants.as_ptr().add(64 * block).cast();
            let left = _mm_loadu_ps(row.scales.as_ptr().add(4 * block));
            let right = _mm_loadu_ps(token.scales.as_ptr().add(4 * block));
            let scales = _mm_mul_ps(left, right);
            (
                _mm512_loadu_si512(weights),
                _mm512_loadu_si512(numbers),
                scales,
            )
        };
        let whole = _mm512_dpbusd_epi32(_mm512_setzero_si512(), weights, numbers);
        let scales = _mm512_permutexvar_ps(spread, _mm512_castps128_ps512(scales));
        sums = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole), scales, sums);
    }
    let mut total = _mm512_reduce_add_ps(sums);
    if halves % 2 == 1 {
        let (weights, numbers) = load_avx2(row, token, halves - 1);
        let whole = _mm256_dpbusd_epi32(_mm256_setzero_si256(), weights, numbers);
        let scales = scales_avx2(row, token, halves - 1);
        total += sum_avx2(_mm256_mul_ps(_mm256_cvtepi32_ps(whole), scales));
    }
    total + floats_avx512(&row.biases, token.sums)
}

/// Two sums side by side, and one number after the other for what is left.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn floats_avx2(left: &[f32], right: &[f32]) -> f32 {
    let (mut one, mut two) = (_mm256_setzero_ps(), _mm256_setzero_ps());
    let (lefts, left_rest) = left.as_chunks::<16>();
    let (rights, right_rest) = right.as_chunks::<16>();
    for (left, right) in lefts.iter().zip(rights) {
        // SAFETY: both are 16 numbers.
        unsafe {
            let (left, right) = (left.as_ptr(), right.as_ptr());
            one = _mm256_fmadd_ps(_mm256_loadu_ps(left), _mm256_loadu_ps(right), one);
            let (left, right) = (left.add(8), right.add(8));
            two = _mm256_fmadd_ps(_mm256_loadu_ps(left), _mm256_loadu_ps(right), two);
        }
    }
    rest(sum_avx2(_mm256_add_ps(one, two)), left_rest, right_rest)
}

#[inline]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) fn floats_avx512(left: &[f32], right: &[f32]) -> f32 {
    let (mut one, mut two) = (_mm512_setzero_ps(), _mm512_setzero_ps());
    let (lefts, left_rest) = left.as_chunks::<32>();
    let (rights, right_rest) = right.as_chunks::<32>();
    for (left, right) in lefts.iter().zip(rights) {
        // SAFETY: both are 32 numbers.
        unsafe {
            let (left, right) = (left.as_ptr(), right.as_ptr());
            one = _mm512_fmadd_ps(_mm512_loadu_ps(left), _mm512_loadu_ps(right), one);
            let (left, right) = (left.add(16), right.add(16));
            two = _mm512_fmadd_ps(_mm512_loadu_ps(left), _mm512_loadu_ps(right), two);
        }
    }
    rest(
        _mm512_reduce_add_ps(_mm512_add_ps(one, two)),
        left_rest,
        right_rest,
    )
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn rest(sum: f32, left: &[f32], right: &[f32]) -> f32 {
    left.iter()
        .zip(right)
        .fold(sum, |sum, (left, right)| left.mul_add(*right, sum))
}
