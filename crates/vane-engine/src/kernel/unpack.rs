//! Rows of every format made plain: as floats, or as groups of 16 small integers with a scale and
//! a bias each, so that one kernel multiplies all quantised formats.
//!
//! A number is `scale * quant + bias`, quants being 0 to 255.

use super::GROUP;
use super::half::{single_of_bfloat, single_of_half};
use crate::weights::format::Format;

/// One row, unpacked. Which part is used depends on its format.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) floats: Vec<f32>,
    pub(super) quants: Vec<u8>,
    pub(super) scales: Vec<f32>,
    pub(super) biases: Vec<f32>,
    /// Quants use all eight bits, and every bias is -128 scales.
    pub(super) wide: bool,
}

impl Row {
    pub(super) fn new(format: Format, columns: usize) -> Self {
        let (floats, quants) = if format.is_quantised() {
            (0, columns)
        } else {
            (columns, 0)
        };
        Self {
            floats: vec![0.0; floats],
            quants: vec![0; quants],
            scales: vec![0.0; quants / GROUP],
            biases: vec![0.0; quants / GROUP],
            wide: format == Format::Q8_0,
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
    let groups = out
        .chunks_exact_mut(GROUP)
        .zip(row.quants.chunks_exact(GROUP));
    for ((out, quants), (scale, bias)) in groups.zip(row.scales.iter().zip(&row.biases)) {
        for (out, quant) in out.iter_mut().zip(quants) {
            *out = scale * f32::from(*quant) + bias;
        }
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
            for (block, out) in blocks(bytes, row) {
                q8_0(block, out);
            }
        }
        Format::Q4_0 => {
            for (block, out) in blocks(bytes, row) {
                q4_0(block, out);
            }
        }
        Format::Q4K => {
            for (block, out) in blocks(bytes, row) {
                q4_k(block, out);
            }
        }
        Format::Q5K => {
            for (block, out) in blocks(bytes, row) {
                q5_k(block, out);
            }
        }
        Format::Q6K => {
            for (block, out) in blocks(bytes, row) {
                q6_k(block, out);
            }
        }
    }
}

/// Where one block is unpacked to.
struct Out<'a, const NUMBERS: usize> {
    quants: &'a mut [u8; NUMBERS],
    scales: &'a mut [f32],
    biases: &'a mut [f32],
}

impl<const NUMBERS: usize> Out<'_, NUMBERS> {
    #[inline(always)]
    fn group(&mut self, group: usize, scale: f32, bias: f32) {
        self.scales[group] = scale;
        self.biases[group] = bias;
    }
}

/// The blocks of a row, each with its place. What is done with them stands in a loop, because what
/// is passed on as a function would not be compiled for the caller's instructions.
#[inline(always)]
fn blocks<'a, const BYTES: usize, const NUMBERS: usize>(
    bytes: &'a [u8],
    row: &'a mut Row,
) -> impl Iterator<Item = (&'a [u8; BYTES], Out<'a, NUMBERS>)> {
    let groups = NUMBERS / GROUP;
    let quants = row.quants.as_chunks_mut().0.iter_mut();
    let scales = row.scales.chunks_exact_mut(groups);
    let biases = row.biases.chunks_exact_mut(groups);
    let outs = quants.zip(scales.zip(biases));
    let blocks = bytes.as_chunks().0.iter().zip(outs);
    blocks.map(|(block, (quants, (scales, biases)))| {
        (
            block,
            Out {
                quants,
                scales,
                biases,
            },
        )
    })
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
fn q8_0(block: &[u8; 34], mut out: Out<'_, 32>) {
    let scale = half_at(block, 0);
    for (quant, byte) in out.quants.iter_mut().zip(&block[2..]) {
        *quant = byte ^ 0x80;
    }
    out.group(0, scale, -128.0 * scale);
    out.group(1, scale, -128.0 * scale);
}

#[inline(always)]
fn q4_0(block: &[u8; 18], mut out: Out<'_, 32>) {
    let scale = half_at(block, 0);
    for at in 0..2 {
        let bytes = eight(&block[2..], at);
        put_eight(out.quants, at, bytes & each(15));
        put_eight(out.quants, at + 2, (bytes >> 4) & each(15));
    }
    out.group(0, scale, -8.0 * scale);
    out.group(1, scale, -8.0 * scale);
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
fn groups_of_k(block: &[u8], out: &mut Out<'_, 256>) {
    let (scale, least) = (half_at(block, 0), half_at(block, 2));
    for group in 0..8 {
        let (scales, minima) = six_bits(&block[4..16], group);
        let (scale, bias) = (scale * f32::from(scales), -least * f32::from(minima));
        out.group(2 * group, scale, bias);
        out.group(2 * group + 1, scale, bias);
    }
}

#[inline(always)]
fn q4_k(block: &[u8; 144], mut out: Out<'_, 256>) {
    groups_of_k(block, &mut out);
    for pair in 0..4 {
        for at in 0..4 {
            let bytes = eight(&block[16..], 4 * pair + at);
            put_eight(out.quants, 8 * pair + at, bytes & each(15));
            put_eight(out.quants, 8 * pair + 4 + at, (bytes >> 4) & each(15));
        }
    }
}

#[inline(always)]
fn q5_k(block: &[u8; 176], mut out: Out<'_, 256>) {
    groups_of_k(block, &mut out);
    for pair in 0..4 {
        for at in 0..4 {
            let fifths = eight(&block[16..], at) >> (2 * pair);
            let bytes = eight(&block[48..], 4 * pair + at);
            let low = (bytes & each(15)) | ((fifths & each(1)) << 4);
            let high = ((bytes >> 4) & each(15)) | ((fifths & each(2)) << 3);
            put_eight(out.quants, 8 * pair + at, low);
            put_eight(out.quants, 8 * pair + 4 + at, high);
        }
    }
}

#[inline(always)]
fn q6_k(block: &[u8; 210], mut out: Out<'_, 256>) {
    let scale = half_at(block, 208);
    for group in 0..16 {
        let scale = scale * f32::from(block[192 + group] as i8);
        out.group(group, scale, -32.0 * scale);
    }
    for half in 0..2 {
        let low = &block[64 * half..][..64];
        let high = &block[128 + 32 * half..][..32];
        let quants = &mut out.quants[128 * half..][..128];
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
