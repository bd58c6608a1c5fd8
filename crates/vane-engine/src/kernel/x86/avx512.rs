//! AVX-512 with VNNI. Several tokens are multiplied in strips of sixteen; a single one with each row as it
//! lies in the file, half a thousand numbers at a time, of which each format has its own way to become
//! bytes in registers.

use std::arch::x86_64::*;
use std::ops::Range;

use super::super::panel::Quants;
use super::super::unpack::{Form, Row};
use super::super::{BLOCK, CHUNK, LANES, Panel, portable};
use super::short512;
use super::tile::{self, tiles};
use crate::weights::Tensor;
use crate::weights::format::Format;

type Floats = __m512;
type Ints = __m512i;

const WIDTH: usize = 16;
const TILE_ROWS: usize = 4;
const TILE_STRIPS: usize = 2;
const WIDE_IS_SIGNED: bool = false;

macro_rules! operations {
    ($(fn $name:ident($($argument:ident: $kind:ty),*) -> $result:ty { $body:expr })*) => {
        $(
            #[inline]
            #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
            fn $name($($argument: $kind),*) -> $result { $body }
        )*
    };
}

operations! {
    fn no_ints() -> Ints { _mm512_setzero_si512() }
    fn no_floats() -> Floats { _mm512_setzero_ps() }
    fn each_int(int: i32) -> Ints { _mm512_set1_epi32(int) }
    fn each_float(float: f32) -> Floats { _mm512_set1_ps(float) }
    fn floats_of(ints: Ints) -> Floats { _mm512_cvtepi32_ps(ints) }
    fn plus(left: Ints, right: Ints) -> Ints { _mm512_add_epi32(left, right) }
    fn minus(left: Ints, right: Ints) -> Ints { _mm512_sub_epi32(left, right) }
    fn times(left: Ints, right: Ints) -> Ints { _mm512_mullo_epi32(left, right) }
    fn add(left: Floats, right: Floats) -> Floats { _mm512_add_ps(left, right) }
    fn product(left: Floats, right: Floats) -> Floats { _mm512_mul_ps(left, right) }
    fn fused(left: Floats, right: Floats, sum: Floats) -> Floats { _mm512_fmadd_ps(left, right, sum) }
    fn fours_of(sum: Ints, weights: Ints, numbers: Ints) -> Ints { _mm512_dpbusd_epi32(sum, weights, numbers) }
    fn fours_wide(sum: Ints, weights: Ints, numbers: Ints) -> Ints { _mm512_dpbusd_epi32(sum, weights, numbers) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn shifted<const BITS: u32>(ints: Ints) -> Ints {
    _mm512_slli_epi32::<BITS>(ints)
}

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load_ints(from: *const i32) -> Ints {
    // SAFETY: the caller says that 64 bytes can be read there.
    unsafe { _mm512_loadu_si512(from.cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load_floats(from: *const f32) -> Floats {
    // SAFETY: as above.
    unsafe { _mm512_loadu_ps(from) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn array(floats: Floats) -> [f32; WIDTH] {
    let mut array = [0.0; WIDTH];
    // SAFETY: sixteen floats have room there.
    unsafe { _mm512_storeu_ps(array.as_mut_ptr(), floats) };
    array
}

tiles!("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni");

/// Sixteen blocks as bytes, two in each register, and what belongs to each.
#[derive(Clone, Copy)]
struct Chunk {
    quants: [__m512i; 8],
    scales: __m512,
    biases: __m512,
}

#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
pub(in super::super) fn multiply(
    weight: &Tensor,
    rows: Range<usize>,
    panel: &Panel,
    out: &mut [&mut [f32]],
) {
    let unpack = |bytes: &[u8], row: &mut Row| unpack(weight.format, bytes, row);
    match panel.strip_width() {
        _ if !weight.format.is_quantised() => dots(weight, rows, panel, out),
        0 => dots(weight, rows, panel, out),
        WIDTH => multiply_strips(weight, rows, panel, out, unpack),
        _ => short512::multiply_strips(weight, rows, panel, out, unpack),
    }
}

/// A row into memory, by chunks where the format has a way of its own.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn unpack(format: Format, bytes: &[u8], row: &mut Row) {
    match format {
        Format::Q8_0 => store(bytes, row, |bytes| q8_0(bytes)),
        Format::Q4_0 => store(bytes, row, |bytes| q4_0(bytes)),
        Format::Q4K => store(bytes, row, |bytes| q4_k(bytes)),
        _ => super::super::unpack::unpack(format, bytes, row),
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn store<const BYTES: usize>(bytes: &[u8], row: &mut Row, chunk: impl Fn(&[u8; BYTES]) -> Chunk) {
    let (chunks, rest) = bytes.as_chunks::<BYTES>();
    let mut last = [0; BYTES];
    last[..rest.len()].copy_from_slice(rest);
    let last = if rest.is_empty() {
        &[][..]
    } else {
        std::slice::from_ref(&last)
    };
    let quants = row.quants.as_chunks_mut::<CHUNK>().0.iter_mut();
    let scales = row.scales.as_chunks_mut::<LANES>().0.iter_mut();
    let mut biases = row.biases.as_chunks_mut::<LANES>().0.iter_mut();
    for ((bytes, quants), scales) in chunks.iter().chain(last).zip(quants).zip(scales) {
        let chunk = chunk(bytes);
        for (quants, two) in quants.as_chunks_mut::<64>().0.iter_mut().zip(chunk.quants) {
            // SAFETY: 64 bytes have room in 64 bytes.
            unsafe { _mm512_storeu_si512(quants.as_mut_ptr().cast(), two) };
        }
        *scales = array(chunk.scales);
        if let Some(biases) = biases.next() {
            *biases = array(chunk.biases);
        }
    }
}

/// One token after the other, each with a row in registers.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn dots(weight: &Tensor, rows: Range<usize>, panel: &Panel, out: &mut [&mut [f32]]) {
    let mut row = Row::new(weight.format, weight.columns);
    for (at, number) in rows.enumerate() {
        let bytes = weight.row(number);
        if !matches!(weight.format, Format::Q8_0 | Format::Q4_0 | Format::Q4K) {
            unpack(weight.format, bytes, &mut row);
        }
        for (token, out) in out.iter_mut().enumerate() {
            out[at] = match weight.format {
                Format::Q8_0 => line::<7, _>(bytes, panel.token(token), |bytes| q8_0(bytes)),
                Format::Q4_0 => line::<3, _>(bytes, panel.token(token), |bytes| q4_0(bytes)),
                Format::Q4K => line::<0, _>(bytes, panel.token(token), |bytes| q4_k(bytes)),
                Format::Q4_1 | Format::Q5K | Format::Q6K => unpacked(&row, panel.token(token)),
                Format::F32 | Format::F16 | Format::Bf16 => {
                    floats(&row.floats, panel.floats(token))
                }
            };
        }
    }
}

/// A row of which a chunk is `BYTES` long, with a token.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn line<const MIDDLE: u32, const BYTES: usize>(
    bytes: &[u8],
    token: Quants<'_>,
    chunk: impl Fn(&[u8; BYTES]) -> Chunk,
) -> f32 {
    /// How far ahead of what is multiplied memory is asked for.
    const AHEAD: usize = 4096;
    let (chunks, rest) = bytes.as_chunks::<BYTES>();
    assert!(token.scales.len() >= (chunks.len() + usize::from(!rest.is_empty())) * LANES);
    let mut sums = _mm512_setzero_ps();
    for (number, bytes) in chunks.iter().enumerate() {
        for from in (0..BYTES).step_by(64) {
            let from = bytes.as_ptr().wrapping_add(AHEAD + from);
            _mm_prefetch::<_MM_HINT_T0>(from.cast());
        }
        sums = add_chunk::<MIDDLE>(sums, chunk(bytes), token, number);
    }
    if !rest.is_empty() {
        let mut last = [0; BYTES];
        last[..rest.len()].copy_from_slice(rest);
        sums = add_chunk::<MIDDLE>(sums, chunk(&last), token, chunks.len());
    }
    fold(sums)
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn add_chunk<const MIDDLE: u32>(
    sums: __m512,
    chunk: Chunk,
    token: Quants<'_>,
    number: usize,
) -> __m512 {
    let numbers = token.quants[number * CHUNK..][..CHUNK].as_ptr();
    let mut products = [_mm512_setzero_si512(); 8];
    for (two, product) in products.iter_mut().enumerate() {
        // SAFETY: eight times 64 bytes are a chunk.
        let numbers = unsafe { _mm512_loadu_si512(numbers.add(64 * two).cast()) };
        *product = _mm512_dpbusd_epi32(*product, chunk.quants[two], numbers);
    }
    // SAFETY: sixteen numbers each.
    let (own, scales, weighed) = unsafe {
        (
            _mm512_loadu_si512(token.sums[number * LANES..][..LANES].as_ptr().cast()),
            _mm512_loadu_ps(token.scales[number * LANES..][..LANES].as_ptr()),
            _mm512_loadu_ps(token.weighed[number * LANES..][..LANES].as_ptr()),
        )
    };
    let mut whole = gathered(products);
    if MIDDLE > 0 {
        whole = _mm512_sub_epi32(whole, _mm512_slli_epi32::<MIDDLE>(own));
    }
    let scales = _mm512_mul_ps(chunk.scales, scales);
    let sums = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole), scales, sums);
    if MIDDLE > 0 {
        return sums;
    }
    _mm512_fmadd_ps(chunk.biases, weighed, sums)
}

/// A row in memory with a token: of formats that have no way of their own into registers.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn unpacked(row: &Row, token: Quants<'_>) -> f32 {
    let mut sums = _mm512_setzero_ps();
    for number in 0..row.quants.len() / CHUNK {
        sums = if row.form == Form::Fine {
            add_fine(sums, row, token, number)
        } else {
            let biases = row.biases[number * LANES..][..LANES].as_ptr();
            // SAFETY: sixteen numbers.
            let biases = unsafe { _mm512_loadu_ps(biases) };
            let chunk = Chunk {
                biases,
                ..of_row(row, number)
            };
            add_chunk::<0>(sums, chunk, token, number)
        };
    }
    fold(sums)
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn of_row(row: &Row, number: usize) -> Chunk {
    let bytes = row.quants[number * CHUNK..][..CHUNK].as_ptr();
    let scales = row.scales[number * LANES..][..LANES].as_ptr();
    let mut quants = [_mm512_setzero_si512(); 8];
    for (two, quants) in quants.iter_mut().enumerate() {
        // SAFETY: eight times 64 bytes are a chunk.
        *quants = unsafe { _mm512_loadu_si512(bytes.add(64 * two).cast()) };
    }
    Chunk {
        quants,
        // SAFETY: sixteen numbers.
        scales: unsafe { _mm512_loadu_ps(scales) },
        biases: _mm512_setzero_ps(),
    }
}

/// Halves of blocks are weighed by whole numbers before they are added.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn add_fine(sums: __m512, row: &Row, token: Quants<'_>, number: usize) -> __m512 {
    let at = number * LANES;
    let chunk = of_row(row, number);
    let numbers = token.quants[number * CHUNK..][..CHUNK].as_ptr();
    let mut products = [_mm512_setzero_si512(); 8];
    for (two, product) in products.iter_mut().enumerate() {
        // SAFETY: eight times 64 bytes are a chunk.
        let numbers = unsafe { _mm512_loadu_si512(numbers.add(64 * two).cast()) };
        let one = _mm512_dpbusd_epi32(*product, chunk.quants[two], numbers);
        let (left, right) = (at + 2 * two, at + 2 * two + 1);
        let left = fine_pair(row.firsts[left], row.seconds[left]);
        let right = fine_pair(row.firsts[right], row.seconds[right]);
        let fine = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(left), right);
        *product = _mm512_mullo_epi32(one, fine);
    }
    // SAFETY: sixteen numbers each.
    let (own, own_first, firsts, seconds, scales) = unsafe {
        (
            _mm512_loadu_si512(token.sums[at..][..LANES].as_ptr().cast()),
            _mm512_loadu_si512(token.first_sums[at..][..LANES].as_ptr().cast()),
            _mm512_loadu_si512(row.firsts[at..][..LANES].as_ptr().cast()),
            _mm512_loadu_si512(row.seconds[at..][..LANES].as_ptr().cast()),
            _mm512_loadu_ps(token.scales[at..][..LANES].as_ptr()),
        )
    };
    let middle = _mm512_add_epi32(
        _mm512_mullo_epi32(firsts, own_first),
        _mm512_mullo_epi32(seconds, _mm512_sub_epi32(own, own_first)),
    );
    let whole = _mm512_sub_epi32(gathered(products), _mm512_slli_epi32::<5>(middle));
    let scales = _mm512_mul_ps(chunk.scales, scales);
    _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole), scales, sums)
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn fine_pair(first: i32, second: i32) -> __m256i {
    _mm256_setr_epi32(first, first, first, first, second, second, second, second)
}

/// The sum of each block: of the eight lanes of each half of these registers, in their order.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn gathered(two: [__m512i; 8]) -> __m512i {
    let pair = |left: __m512i, right: __m512i| {
        let (low, high) = (
            _mm512_unpacklo_epi32(left, right),
            _mm512_unpackhi_epi32(left, right),
        );
        _mm512_add_epi32(low, high)
    };
    let four = |left: __m512i, right: __m512i| {
        let (low, high) = (
            _mm512_unpacklo_epi64(left, right),
            _mm512_unpackhi_epi64(left, right),
        );
        _mm512_add_epi32(low, high)
    };
    let left = four(pair(two[0], two[1]), pair(two[2], two[3]));
    let right = four(pair(two[4], two[5]), pair(two[6], two[7]));
    let (even, odd) = (
        _mm512_shuffle_i64x2::<0b10_00_10_00>(left, right),
        _mm512_shuffle_i64x2::<0b11_01_11_01>(left, right),
    );
    // Now even blocks of the first half, odd ones of it, and the same of the second.
    let order = _mm512_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
    _mm512_permutexvar_epi32(order, _mm512_add_epi32(even, odd))
}

/// All lanes, by halves.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn fold(sums: __m512) -> f32 {
    let high = _mm512_castpd_ps(_mm512_shuffle_f64x2::<0b11_10_11_10>(
        _mm512_castps_pd(sums),
        _mm512_castps_pd(sums),
    ));
    let eight = _mm256_add_ps(_mm512_castps512_ps256(sums), _mm512_castps512_ps256(high));
    super::avx2::fold(eight)
}

/// Sixteen halves, each at the beginning of a block of so many bytes.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn halves<const STEP: i32, const BYTES: usize>(bytes: &[u8; BYTES]) -> __m512 {
    const { assert!(BYTES == 16 * STEP as usize && STEP >= 4) };
    let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let from = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(STEP));
    // SAFETY: four bytes at the beginning of each of sixteen blocks.
    let both = unsafe { _mm512_i32gather_epi32::<1>(from, bytes.as_ptr().cast()) };
    _mm512_cvtph_ps(_mm512_cvtepi32_epi16(both))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn q8_0(bytes: &[u8; 544]) -> Chunk {
    let middle = _mm512_set1_epi8(i8::MIN);
    let mut quants = [_mm512_setzero_si512(); 8];
    for (two, quants) in quants.iter_mut().enumerate() {
        // SAFETY: 32 bytes two bytes after the beginnings of blocks 2 * two and 2 * two + 1.
        let (left, right) = unsafe {
            let block = bytes.as_ptr().add(68 * two);
            (
                _mm256_loadu_si256(block.add(2).cast()),
                _mm256_loadu_si256(block.add(36).cast()),
            )
        };
        let both = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(left), right);
        *quants = _mm512_xor_si512(both, middle);
    }
    Chunk {
        quants,
        scales: halves::<34, 544>(bytes),
        biases: _mm512_setzero_ps(),
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn q4_0(bytes: &[u8; 288]) -> Chunk {
    let shifts = _mm512_setr_epi64(0, 0, 4, 4, 0, 0, 4, 4);
    let low = _mm512_set1_epi8(15);
    let mut quants = [_mm512_setzero_si512(); 8];
    for (two, quants) in quants.iter_mut().enumerate() {
        // SAFETY: 16 bytes two bytes after the beginnings of blocks 2 * two and 2 * two + 1.
        let (left, right) = unsafe {
            let block = bytes.as_ptr().add(36 * two);
            (
                _mm_loadu_si128(block.add(2).cast()),
                _mm_loadu_si128(block.add(20).cast()),
            )
        };
        let left = _mm512_broadcast_i32x4(left);
        let both = _mm512_mask_broadcast_i32x4(left, 0xff00, right);
        *quants = _mm512_and_si512(_mm512_srlv_epi64(both, shifts), low);
    }
    Chunk {
        quants,
        scales: halves::<18, 288>(bytes),
        biases: _mm512_setzero_ps(),
    }
}

/// Two blocks of 256 numbers.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
fn q4_k(bytes: &[u8; 288]) -> Chunk {
    let shifts = _mm512_setr_epi64(0, 0, 0, 0, 4, 4, 4, 4);
    let low = _mm512_set1_epi8(15);
    let mut quants = [_mm512_setzero_si512(); 8];
    for (two, quants) in quants.iter_mut().enumerate() {
        // SAFETY: 32 bytes within the 128 that end each block of 144.
        let both = unsafe {
            let from = bytes.as_ptr().add(144 * (two / 4) + 16 + 32 * (two % 4));
            _mm512_broadcast_i64x4(_mm256_loadu_si256(from.cast()))
        };
        *quants = _mm512_and_si512(_mm512_srlv_epi64(both, shifts), low);
    }
    let (left, right) = (six_bits(&bytes[4..16]), six_bits(&bytes[148..160]));
    let number = |at: usize| i32::from(i16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let halves = _mm_setr_epi16(
        number(0) as i16,
        number(144) as i16,
        number(2) as i16,
        number(146) as i16,
        0,
        0,
        0,
        0,
    );
    let four = _mm512_castps128_ps512(_mm_cvtph_ps(halves));
    let half = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    let scale = _mm512_permutexvar_ps(half, four);
    let least = _mm512_permutexvar_ps(_mm512_add_epi32(half, _mm512_set1_epi32(2)), four);
    let floats = |left: u64, right: u64| {
        let bytes = _mm_set_epi64x(right as i64, left as i64);
        _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))
    };
    let minima = _mm512_mul_ps(least, floats(left.1, right.1));
    Chunk {
        quants,
        scales: _mm512_mul_ps(scale, floats(left.0, right.0)),
        biases: _mm512_sub_ps(_mm512_setzero_ps(), minima),
    }
}

/// The eight scales and minima of a K block, six bits each, as bytes.
#[inline]
fn six_bits(packed: &[u8]) -> (u64, u64) {
    let word = |at: usize| {
        let (words, _) = packed.as_chunks::<4>();
        u32::from_le_bytes(words[at])
    };
    let (scales, minima, rest) = (word(0), word(1), word(2));
    let top = |word: u32| ((word >> 6) & 0x0303_0303) << 4;
    let eight = |low: u32, high: u32| u64::from(low & 0x3f3f_3f3f) | u64::from(high) << 32;
    (
        eight(scales, (rest & 0x0f0f_0f0f) | top(scales)),
        eight(minima, ((rest >> 4) & 0x0f0f_0f0f) | top(minima)),
    )
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
pub(in super::super) fn floats(left: &[f32], right: &[f32]) -> f32 {
    let mut sums = _mm512_setzero_ps();
    let (lefts, left_rest) = left.as_chunks::<LANES>();
    let (rights, right_rest) = right.as_chunks::<LANES>();
    for (left, right) in lefts.iter().zip(rights) {
        // SAFETY: both are 16 numbers.
        unsafe {
            let (left, right) = (
                _mm512_loadu_ps(left.as_ptr()),
                _mm512_loadu_ps(right.as_ptr()),
            );
            sums = _mm512_fmadd_ps(left, right, sums);
        }
    }
    portable::rest(fold(sums), left_rest, right_rest)
}
