//! The activations of a batch: one row of numbers for each token, and the same as small integers
//! where quantised weights will be multiplied with them.
//!
//! Integers of one token lie side by side. Of several they are woven into strips too: four numbers of
//! each of eight or sixteen tokens next to each other, as registers want them. Both say the same.

use super::{BLOCK, CHUNK, GROUP, Instructions};

/// Blocks in a chunk.
const BLOCKS: usize = CHUNK / BLOCK;

/// From so many tokens on, strips cost less than one token after the other.
const STRIPS_FROM: usize = 4;

/// Where whole numbers are all that a single can hold: adding it rounds to the nearest, ties to even,
/// with no function to call.
const MIDDLE: f32 = 12_582_912.0;

/// Activations of some tokens.
#[derive(Debug, Default)]
pub(crate) struct Panel {
    columns: usize,
    floats: Vec<f32>,
    /// Each token's numbers, and what belongs to its blocks, up to a whole number of chunks.
    quants: Vec<i8>,
    blocks: Blocks,
    strips: Strips,
}

/// What belongs to blocks: of a token after the other, or in strips.
#[derive(Debug, Default)]
struct Blocks {
    scales: Vec<f32>,
    /// Of the integers, and of those of the first group of the block.
    sums: Vec<i32>,
    first_sums: Vec<i32>,
    /// The scaled sums.
    weighed: Vec<f32>,
}

impl Blocks {
    fn reset(&mut self, len: usize) {
        for floats in [&mut self.scales, &mut self.weighed] {
            floats.clear();
            floats.resize(len, 0.0);
        }
        for sums in [&mut self.sums, &mut self.first_sums] {
            sums.clear();
            sums.resize(len, 0);
        }
    }

    fn quants<'a>(&'a self, quants: &'a [i8], from: usize, blocks: usize) -> Quants<'a> {
        Quants {
            quants,
            scales: &self.scales[from..][..blocks],
            sums: &self.sums[from..][..blocks],
            first_sums: &self.first_sums[from..][..blocks],
            weighed: &self.weighed[from..][..blocks],
        }
    }
}

/// Tokens woven by `width`; `None` of them where the width is zero.
#[derive(Debug, Default)]
struct Strips {
    width: usize,
    quants: Vec<i8>,
    blocks: Blocks,
}

/// Activations as integers: of one token, or of one strip.
#[derive(Clone, Copy)]
pub(super) struct Quants<'a> {
    pub(super) quants: &'a [i8],
    pub(super) scales: &'a [f32],
    pub(super) sums: &'a [i32],
    pub(super) first_sums: &'a [i32],
    pub(super) weighed: &'a [f32],
}

impl Panel {
    /// Room for so many tokens of so many numbers, all zero.
    pub(crate) fn reset(&mut self, tokens: usize, columns: usize) -> &mut [f32] {
        self.columns = columns;
        self.floats.clear();
        self.floats.resize(tokens * columns, 0.0);
        &mut self.floats
    }

    pub(crate) fn tokens(&self) -> usize {
        self.floats.len() / self.columns.max(1)
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn floats(&self, token: usize) -> &[f32] {
        &self.floats[token * self.columns..][..self.columns]
    }

    /// The columns of a whole number of chunks.
    fn padded(&self) -> usize {
        self.columns.next_multiple_of(CHUNK)
    }

    /// One token, up to a whole number of chunks, the rest zero.
    pub(super) fn token(&self, token: usize) -> Quants<'_> {
        let (padded, blocks) = (self.padded(), self.padded() / BLOCK);
        let quants = &self.quants[token * padded..][..padded];
        self.blocks.quants(quants, token * blocks, blocks)
    }

    /// Tokens of a strip; zero if there are none.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn strip_width(&self) -> usize {
        self.strips.width
    }

    /// Tokens `number * width` and on, as many as a strip has; those that are missing are zero.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn strip(&self, number: usize) -> Quants<'_> {
        let len = self.strips.width * self.columns;
        let quants = &self.strips.quants[number * len..][..len];
        let blocks = len / BLOCK;
        self.strips.blocks.quants(quants, number * blocks, blocks)
    }

    /// Makes integers of the numbers. Formats that are multiplied as integers have rows of whole
    /// blocks, and their activations too.
    pub(crate) fn quantise(&mut self, instructions: Instructions) {
        let (tokens, padded) = (self.tokens(), self.padded());
        self.quants.clear();
        self.quants.resize(tokens * padded, 0);
        self.blocks.reset(tokens * padded / BLOCK);
        let rows = self.quants.chunks_exact_mut(padded);
        for (token, (floats, quants)) in
            self.floats.chunks_exact(self.columns).zip(rows).enumerate()
        {
            let pairs = floats
                .as_chunks::<BLOCK>()
                .0
                .iter()
                .zip(quants.as_chunks_mut::<BLOCK>().0);
            for (number, (floats, quants)) in pairs.enumerate() {
                let at = token * (padded / BLOCK) + number;
                let scale = integers(floats, quants);
                let sum = |quants: &[i8]| quants.iter().map(|quant| i32::from(*quant)).sum();
                let (first, both): (i32, i32) = (sum(&quants[..GROUP]), sum(quants));
                self.blocks.scales[at] = scale;
                self.blocks.first_sums[at] = first;
                self.blocks.sums[at] = both;
                self.blocks.weighed[at] = scale * both as f32;
            }
        }
        self.strips.width = match instructions {
            _ if tokens < STRIPS_FROM => 0,
            Instructions::Portable => 0,
            Instructions::Avx512 if tokens > 8 => 16,
            Instructions::Avx2 | Instructions::AvxVnni | Instructions::Avx512 => 8,
        };
        if self.strips.width > 0 {
            self.weave();
        }
    }

    fn weave(&mut self) {
        let (width, columns, padded) = (self.strips.width, self.columns, self.padded());
        let many = self.tokens().div_ceil(width);
        self.strips.quants.clear();
        self.strips.quants.resize(many * width * columns, 0);
        self.strips.blocks.reset(many * width * columns / BLOCK);
        let (to, from) = (&mut self.strips.blocks, &self.blocks);
        for (token, quants) in self.quants.chunks_exact(padded).enumerate() {
            let (strip, lane) = (token / width, token % width);
            let fours = self.strips.quants[strip * width * columns..]
                .as_chunks_mut::<4>()
                .0;
            let fours = fours.iter_mut().skip(lane).step_by(width);
            for (to, four) in fours.zip(quants[..columns].as_chunks::<4>().0) {
                *to = *four;
            }
            for block in 0..columns / BLOCK {
                let at = (strip * (columns / BLOCK) + block) * width + lane;
                let one = token * (padded / BLOCK) + block;
                to.scales[at] = from.scales[one];
                to.sums[at] = from.sums[one];
                to.first_sums[at] = from.first_sums[one];
                to.weighed[at] = from.weighed[one];
            }
        }
    }
}

/// Blocks of a chunk: what lanes of sums stand for.
const _: () = assert!(BLOCKS == super::LANES);

/// Numbers as integers of up to 127, and what one is worth.
#[inline(always)]
fn integers(floats: &[f32; BLOCK], quants: &mut [i8; BLOCK]) -> f32 {
    // Sizes of floats are ordered as their bits are, and those vectorise.
    let largest = floats.iter().map(|float| float.abs().to_bits()).max();
    let scale = f32::from_bits(largest.unwrap_or(0)) / 127.0;
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    for (float, quant) in floats.iter().zip(quants.iter_mut()) {
        *quant = ((float * inverse + MIDDLE) - MIDDLE) as i8;
    }
    scale
}
