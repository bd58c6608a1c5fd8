//! Multiplication of weights with activations on the CPU: one portable form, which is the reference,
//! and one for each instruction set that is chosen when the program runs.
//!
//! Invariant: every product of one row and one token is computed on its own and always in the same
//! order. So what a sequence gets depends neither on what else is in its batch, nor on how its
//! prompt was cut into chunks, nor on the number of threads: to the last bit, quantised or not.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "quantised arithmetic is casts between small integers and floats"
)]

pub(crate) mod attention;
mod crew;
pub(crate) mod half;
mod panel;
mod portable;
mod unpack;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions that not every processor has")]
mod x86;

#[cfg(test)]
pub(crate) mod tests;

use std::ops::Range;

use crate::weights::Tensor;
pub(crate) use attention::Reach;
pub(crate) use crew::Crew;
pub(crate) use panel::Panel;
pub(crate) use unpack::unpack_floats;

/// Numbers that share a scale: of activations, and of an unpacked row.
const BLOCK: usize = 32;

/// Half a block.
const GROUP: usize = 16;

/// Lanes of a sum of floats: they run side by side, so that additions need not wait for each other.
const LANES: usize = 16;

/// Numbers that are multiplied at once where only one token is: a block for each lane.
const CHUNK: usize = BLOCK * LANES;

/// The instructions that kernels use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instructions {
    /// What the compiler makes of plain Rust for the least processor of its target.
    Portable,
    /// x86-64 with AVX2, FMA and F16C.
    Avx2,
    /// These and AVX-VNNI.
    AvxVnni,
    /// x86-64 with AVX-512 F, BW, VL and VNNI.
    Avx512,
}

impl Instructions {
    /// The best that this processor has.
    pub fn detect() -> Self {
        Self::all().pop().unwrap_or(Instructions::Portable)
    }

    /// All that this processor has, the best last.
    pub fn all() -> Vec<Self> {
        #[cfg_attr(
            not(target_arch = "x86_64"),
            allow(unused_mut, reason = "only one there")
        )]
        let mut found = vec![Instructions::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni");
            if avx2 {
                found.push(Instructions::Avx2);
            }
            if avx2 && is_x86_feature_detected!("avxvnni") {
                found.push(Instructions::AvxVnni);
            }
            if avx2 && avx512 {
                found.push(Instructions::Avx512);
            }
        }
        found
    }
}

/// `out[token][row - rows.start]` = row · token, for all tokens of the panel.
fn multiply(
    instructions: Instructions,
    weight: &Tensor,
    rows: Range<usize>,
    panel: &Panel,
    out: &mut [&mut [f32]],
) {
    match instructions {
        Instructions::Portable => portable::multiply(weight, rows, panel, out),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Avx2` is named only where `all` found it.
        #[allow(unsafe_code, reason = "the processor was asked")]
        Instructions::Avx2 => unsafe { x86::multiply_avx2(weight, rows, panel, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        #[allow(unsafe_code, reason = "the processor was asked")]
        Instructions::AvxVnni => unsafe { x86::multiply_avxvnni(weight, rows, panel, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        #[allow(unsafe_code, reason = "the processor was asked")]
        Instructions::Avx512 => unsafe { x86::multiply_avx512(weight, rows, panel, out) },
        #[cfg(not(target_arch = "x86_64"))]
        Instructions::Avx2 | Instructions::AvxVnni | Instructions::Avx512 => {
            portable::multiply(weight, rows, panel, out)
        }
    }
}
