//! AVX-VNNI: as AVX2, with one instruction for the products of four bytes and their sum.

use std::arch::x86_64::*;
use std::ops::Range;

use super::super::panel::Quants;
use super::super::unpack::{Form, Row, unpack};
use super::super::{BLOCK, LANES, Panel};
use super::avx2::{floats, fold};
use super::short::{short_dots, short_operations};
use super::tile::{self, tiles};
use crate::weights::Tensor;

const TILE_ROWS: usize = 4;
const TILE_STRIPS: usize = 1;
const WIDE_IS_SIGNED: bool = false;

short_operations!("avx2,fma,f16c,avxvnni");
tiles!("avx2,fma,f16c,avxvnni");
short_dots!("avx2,fma,f16c,avxvnni");

#[inline]
#[target_feature(enable = "avx2,fma,f16c,avxvnni")]
fn fours_of(sum: Ints, weights: Ints, numbers: Ints) -> Ints {
    _mm256_dpbusd_avx_epi32(sum, weights, numbers)
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,avxvnni")]
fn fours_wide(sum: Ints, weights: Ints, numbers: Ints) -> Ints {
    fours_of(sum, weights, numbers)
}
