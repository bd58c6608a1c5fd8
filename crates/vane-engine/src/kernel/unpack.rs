//! Rows of every format made plain: as floats, or as small integers with a scale for each 32 of them, so
//! that the same kernels multiply all quantised formats.
//!
//! A number is `scale * (quant - middle)`, where [`Form`] says what the middle is and what else belongs
//! to it, quants being 0 to 255.

use super::half::{single_of_bfloat, single_of_half};
use super::{BLOCK, CHUNK};
use crate::weights::format::Format;

/// What a number of a quantised format is besides its scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Eight bits, 128 being zero.
    Wide,
    /// Four bits, eight being zero.
    Narrow,
    /// From zero on, with a bias for each block.
    Biased,
    /// Six bits, 32 being zero, and each half of a block has a whole number that it is multiplied by.
    Fine,
}

impl Form {
    /// Of formats that are not quantised it means nothing.
    pub(super) const fn of(format: Format) -> Self {
        match format {
            Format::F32 | Format::F16 | Format::Bf16 | Format::Q8_0 => Form::Wide,
            Format::Q4_0 => Form::Narrow,
            Format::Q4_1 | Format::Q4K | Format::Q5K => Form::Biased,
            Format::Q6K => Form::Fine,
        }
    }

    /// The quant that stands for zero, as a power of two.
    pub(super) const fn middle(self) -> Option<u32> {
        match self {
            Form::Wide => Some(7),
            Form::Narrow => Some(3),
            Form::Biased => None,
            Form::Fine => Some(5),
        }
    }
}

/// One row, unpacked, up to a whole number of chunks, the rest zero. Which part is used depends on its
/// format.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) form: Form,
    pub(super) floats: Vec<f32>,
    pub(super) quants: Vec<u8>,
    /// Of each block, as those that follow.
    pub(super) scales: Vec<f32>,
    pub(super) biases: Vec<f32>,
    /// Of its halves.
    pub(super) firsts: Vec<i32>,
    pub(super) seconds: Vec<i32>,
}

impl Row {
    pub(super) fn new(format: Format, columns: usize) -> Self {
        let form = Form::of(format);
        let (floats, quants) = if format.is_quantised() {
            (0, columns.next_multiple_of(CHUNK))
        } else {
            (columns, 0)
        };
        let blocks = quants / BLOCK;
        let only = |wanted| if form == wanted { blocks } else { 0 };
        Self {
            form,
            floats: vec![0.0; floats],
            quants: vec![0; quants],
            scales: vec![0.0; blocks],
            biases: vec![0.0; only(Form::Biased)],
            firsts: vec![0; only(Form::Fine)],
            seconds: vec![0; only(Form::Fine)],
        }
    }

    /// A number of a quantised row.
    fn number(&self, at: usize) -> f32 {
        let block = at / BLOCK;
        let quant = i32::from(self.quants[at]) - self.form.middle().map_or(0, |middle| 1 << middle);
        let scale = self.scales[block];
        match self.form {
            Form::Wide | Form::Narrow => scale * quant as f32,
            Form::Biased => scale * quant as f32 + self.biases[block],
            Form::Fine if at % BLOCK < BLOCK / 2 => scale * (quant * self.firsts[block]) as f32,
            Form::Fine => scale * (quant * self.seconds[block]) as f32,
        }
    }
}

/// A row as plain numbers.
pub(crate) fn unpack_floats(format: Format, bytes: &[u8], out: &mut [f32]) {
    let mut row = Row::new(format, out.len());
    unpack(format, bytes, &mut row);
    if !format.is_quantised() {
        out.copy_from_slice(&row.floats);
        return;
    }
    for (at, out) in out.iter_mut().enumerate() {
        *out = row.number(at);
    }
}

#[inline(always)]
pub(super) fn unpack(format: Format, bytes: &[u8], row: &mut Row) {
    match format {
        Format::F32 => {
            for (number, out) in bytes.as_chunks().0.iter().zip(&mut row.floats) {
                *out = f32::from_le_bytes(*number);
            }
        }
        Format::F16 => {
            for (number, out) in bytes.as_chunks().0.iter().zip(&mut row.floats) {
                *out = single_of_half(u16::from_le_bytes(*number));
            }
        }
        Format::Bf16 => {
            for (number, out) in bytes.as_chunks().0.iter().zip(&mut row.floats) {
                *out = single_of_bfloat(u16::from_le_bytes(*number));
            }
        }
        Format::Q8_0 => {
            for (number, block) in bytes.as_chunks().0.iter().enumerate() {
                q8_0(block, number, row);
            }
        }
        Format::Q4_0 => {
            for (number, block) in bytes.as_chunks().0.iter().enumerate() {
                q4_0(block, number, row);
            }
        }
        Format::Q4_1 => {
            for (number, block) in bytes.as_chunks().0.iter().enumerate() {
                q4_1(block, number, row);
            }
        }
        Format::Q4K => {
            for (number, block) in bytes.as_chunks().0.iter().enumerate() {
                q4_k(block, number, row);
            }
        }
        Format::Q5K => {
            for (number, block) in bytes.as_chunks().0.iter().enumerate() {
                q5_k(block, number, row);
            }
        }
        Format::Q6K => {
            for (number, block) in bytes.as_chunks().0.iter().enumerate() {
                q6_k(block, number, row);
            }
        }
    }
}

/// Eight bytes at once, as one number.
#[inline(always)]
fn eight(bytes: &[u8], at: usize) -> u64 {
    let (eights, _) = bytes.as_chunks::<8>();
    u64::from_le_bytes(eights[at])
}

#[inline(always)]
fn put_eight(quants: &mut [u8], at: usize, eight: u64) {
    let (eights, _) = quants.as_chunks_mut::<8>();
    eights[at] = eight.to_le_bytes();
}

/// The same byte eight times.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

#[inline(always)]
fn half_at(block: &[u8], at: usize) -> f32 {
    single_of_half(u16::from_le_bytes([block[at], block[at + 1]]))
}

#[inline(always)]
fn q8_0(block: &[u8; 34], number: usize, row: &mut Row) {
    row.scales[number] = half_at(block, 0);
    let quants = &mut row.quants.as_chunks_mut::<32>().0[number];
    for (quant, byte) in quants.iter_mut().zip(&block[2..]) {
        *quant = byte ^ 0x80;
    }
}

#[inline(always)]
fn q4_0(block: &[u8; 18], number: usize, row: &mut Row) {
    row.scales[number] = half_at(block, 0);
    nibbles(&block[2..], number, row);
}

#[inline(always)]
fn q4_1(block: &[u8; 20], number: usize, row: &mut Row) {
    row.scales[number] = half_at(block, 0);
    row.biases[number] = half_at(block, 2);
    nibbles(&block[4..], number, row);
}

/// The first half of a block is in the lower halves of its bytes.
#[inline(always)]
fn nibbles(bytes: &[u8], number: usize, row: &mut Row) {
    let quants = &mut row.quants.as_chunks_mut::<32>().0[number];
    for at in 0..2 {
        let bytes = eight(bytes, at);
        put_eight(quants, at, bytes & each(15));
        put_eight(quants, at + 2, (bytes >> 4) & each(15));
    }
}

/// The eight scales and minima of a K block of groups of 32: six bits each, in twelve bytes.
#[inline(always)]
fn six_bits(packed: &[u8], group: usize) -> (u8, u8) {
    if group < 4 {
        (packed[group] & 63, packed[group + 4] & 63)
    } else {
        let (low, high) = (packed[group + 4], group - 4);
        let scale = (low & 15) | (packed[high] >> 6 << 4);
        (scale, (low >> 4) | (packed[group] >> 6 << 4))
    }
}

#[inline(always)]
fn scales_of_k(block: &[u8], number: usize, row: &mut Row) {
    let (scale, least) = (half_at(block, 0), half_at(block, 2));
    for group in 0..8 {
        let (scales, minima) = six_bits(&block[4..16], group);
        row.scales[8 * number + group] = scale * f32::from(scales);
        row.biases[8 * number + group] = -least * f32::from(minima);
    }
}

#[inline(always)]
fn q4_k(block: &[u8; 144], number: usize, row: &mut Row) {
    scales_of_k(block, number, row);
    let quants = &mut row.quants.as_chunks_mut::<256>().0[number];
    for pair in 0..4 {
        for at in 0..4 {
            let bytes = eight(&block[16..], 4 * pair + at);
            put_eight(quants, 8 * pair + at, bytes & each(15));
            put_eight(quants, 8 * pair + 4 + at, (bytes >> 4) & each(15));
        }
    }
}

#[inline(always)]
fn q5_k(block: &[u8; 176], number: usize, row: &mut Row) {
    scales_of_k(block, number, row);
    let quants = &mut row.quants.as_chunks_mut::<256>().0[number];
    for pair in 0..4 {
        for at in 0..4 {
            let fifths = eight(&block[16..], at) >> (2 * pair);
            let bytes = eight(&block[48..], 4 * pair + at);
            let low = (bytes & each(15)) | ((fifths & each(1)) << 4);
            let high = ((bytes >> 4) & each(15)) | ((fifths & each(2)) << 3);
            put_eight(quants, 8 * pair + at, low);
            put_eight(quants, 8 * pair + 4 + at, high);
        }
    }
}

#[inline(always)]
fn q6_k(block: &[u8; 210], number: usize, row: &mut Row) {
    let scale = half_at(block, 208);
    for pair in 0..8 {
        let at = 8 * number + pair;
        row.scales[at] = scale;
        row.firsts[at] = i32::from(block[192 + 2 * pair] as i8);
        row.seconds[at] = i32::from(block[193 + 2 * pair] as i8);
    }
    for half in 0..2 {
        let low = &block[64 * half..][..64];
        let high = &block[128 + 32 * half..][..32];
        let quants = &mut row.quants.as_chunks_mut::<128>().0[2 * number + half];
        for at in 0..4 {
            let (first, second, high) = (eight(low, at), eight(low, at + 4), eight(high, at));
            let upper = |shift: u32| ((high >> shift) & each(3)) << 4;
            put_eight(quants, at, (first & each(15)) | upper(0));
            put_eight(quants, at + 4, (second & each(15)) | upper(2));
            put_eight(quants, at + 8, ((first >> 4) & each(15)) | upper(4));
            put_eight(quants, at + 12, ((second >> 4) & each(15)) | upper(6));
        }
    }
}
