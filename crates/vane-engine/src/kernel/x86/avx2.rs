//! AVX2: products of bytes are added in pairs of 16 bits, then in fours of 32.

use std::arch::x86_64::*;
use std::ops::Range;

use super::super::panel::Quants;
use super::super::unpack::{Form, Row, unpack};
use super::super::{BLOCK, LANES, Panel, portable};
use super::short::{short_dots, short_operations};
use super::tile::{self, tiles};
use crate::weights::Tensor;

const TILE_ROWS: usize = 4;
const TILE_STRIPS: usize = 1;
const WIDE_IS_SIGNED: bool = true;

short_operations!("avx2,fma,f16c");
tiles!("avx2,fma,f16c");
short_dots!("avx2,fma,f16c");

/// Six bits times eight: pairs of products fit into 16 bits.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn fours_of(sum: Ints, weights: Ints, numbers: Ints) -> Ints {
    let pairs = _mm256_maddubs_epi16(weights, numbers);
    plus(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
}

/// Eight bits times eight would overflow pairs, unless the sign is moved to the other side: then it is at
/// most 128 * 127 twice. So weights are signed here, and zero is in their middle already.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn fours_wide(sum: Ints, weights: Ints, numbers: Ints) -> Ints {
    let signed = _mm256_xor_si256(weights, _mm256_set1_epi8(i8::MIN));
    fours_of(
        sum,
        _mm256_abs_epi8(signed),
        _mm256_sign_epi8(numbers, signed),
    )
}

/// All lanes, by halves.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn fold(sums: __m256) -> f32 {
    let four = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(in super::super) fn floats(left: &[f32], right: &[f32]) -> f32 {
    let (mut low, mut high) = (_mm256_setzero_ps(), _mm256_setzero_ps());
    let (lefts, left_rest) = left.as_chunks::<LANES>();
    let (rights, right_rest) = right.as_chunks::<LANES>();
    for (left, right) in lefts.iter().zip(rights) {
        // SAFETY: both are 16 numbers.
        unsafe {
            let (left, right) = (left.as_ptr(), right.as_ptr());
            low = _mm256_fmadd_ps(_mm256_loadu_ps(left), _mm256_loadu_ps(right), low);
            let (left, right) = (left.add(8), right.add(8));
            high = _mm256_fmadd_ps(_mm256_loadu_ps(left), _mm256_loadu_ps(right), high);
        }
    }
    portable::rest(fold(_mm256_add_ps(low, high)), left_rest, right_rest)
}
