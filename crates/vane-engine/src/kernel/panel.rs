//! The activations of a batch, one row of numbers for each token, and the same as small integers
//! where quantised weights will be multiplied with them.

use super::GROUP;

/// Numbers that share a scale when they are made integers.
const BLOCK: usize = 32;

/// Where whole numbers are all that a single can hold: adding it rounds to the nearest, ties to even,
/// with no function to call.
const MIDDLE: f32 = 12_582_912.0;

/// Activations of some tokens.
#[derive(Debug, Default)]
pub(crate) struct Panel {
    columns: usize,
    floats: Vec<f32>,
    quants: Vec<i8>,
    /// For each group the scale, and the scaled sum of the integers.
    scales: Vec<f32>,
    sums: Vec<f32>,
}

/// A token's activations as integers.
#[derive(Clone, Copy)]
pub(super) struct Quants<'a> {
    pub(super) quants: &'a [i8],
    pub(super) scales: &'a [f32],
    pub(super) sums: &'a [f32],
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

    pub(super) fn quants(&self, token: usize) -> Quants<'_> {
        let groups = self.columns / GROUP;
        Quants {
            quants: &self.quants[token * self.columns..][..self.columns],
            scales: &self.scales[token * groups..][..groups],
            sums: &self.sums[token * groups..][..groups],
        }
    }

    /// Makes integers of the numbers. Formats that are multiplied as integers have rows of whole
    /// blocks, and their activations too.
    pub(crate) fn quantise(&mut self) {
        self.quants.clear();
        self.scales.clear();
        self.sums.clear();
        self.quants.resize(self.floats.len(), 0);
        let groups = self.quants.chunks_exact_mut(BLOCK);
        for (floats, quants) in self.floats.chunks_exact(BLOCK).zip(groups) {
            let largest = floats
                .iter()
                .fold(0.0_f32, |most, float| most.max(float.abs()));
            let scale = largest / 127.0;
            let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
            for (float, quant) in floats.iter().zip(quants.iter_mut()) {
                *quant = ((float * inverse + MIDDLE) - MIDDLE) as i8;
            }
            for group in quants.chunks_exact(GROUP) {
                let sum: i32 = group.iter().map(|quant| i32::from(*quant)).sum();
                self.scales.push(scale);
                self.sums.push(scale * sum as f32);
            }
        }
    }
}
