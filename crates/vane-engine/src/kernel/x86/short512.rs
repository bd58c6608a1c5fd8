//! Strips of eight tokens where AVX-512 is: half its registers, for batches that would fill no more.

use std::arch::x86_64::*;
use std::ops::Range;

use super::super::panel::Quants;
use super::super::unpack::{Form, Row};
use super::super::{BLOCK, LANES, Panel};
use super::short::short_operations;
use super::tile::{self, tiles};
use crate::weights::Tensor;

const TILE_ROWS: usize = 8;
const TILE_STRIPS: usize = 1;
const WIDE_IS_SIGNED: bool = false;

short_operations!("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni");
tiles!("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni");

#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn fours_of(sum: Ints, weights: Ints, numbers: Ints) -> Ints {
    _mm256_dpbusd_epi32(sum, weights, numbers)
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn fours_wide(sum: Ints, weights: Ints, numbers: Ints) -> Ints {
    fours_of(sum, weights, numbers)
}
