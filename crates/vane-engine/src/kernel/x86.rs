//! The kernels for x86-64: registers of 256 bits by AVX2 or AVX-VNNI, of 512 bits by AVX-512 VNNI.
//!
//! Each entry is unsafe to call only because the processor must have the instructions that its
//! attribute names. Loads are within slices whose lengths are asserted first. All add in the order
//! that `portable` says.

mod avx2;
mod avx512;
mod avxvnni;
mod short;
mod short512;
mod tile;

pub(super) use avx2::{floats as floats_avx2, multiply as multiply_avx2};
pub(super) use avx512::{floats as floats_avx512, multiply as multiply_avx512};
pub(super) use avxvnni::multiply as multiply_avxvnni;
