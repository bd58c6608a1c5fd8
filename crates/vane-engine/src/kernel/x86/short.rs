//! What registers of 256 bits do alike whatever multiplies integers in them: the operations of `tiles`, and
//! a row with a single token. A module that invokes these has `fours_of` and `fours_wide` of its own.

macro_rules! short_operations {
    ($features:literal) => {
        type Floats = __m256;
        type Ints = __m256i;

        const WIDTH: usize = 8;

        short_operations! { $features:
            fn no_ints() -> Ints { _mm256_setzero_si256() }
            fn no_floats() -> Floats { _mm256_setzero_ps() }
            fn each_int(int: i32) -> Ints { _mm256_set1_epi32(int) }
            fn each_float(float: f32) -> Floats { _mm256_set1_ps(float) }
            fn floats_of(ints: Ints) -> Floats { _mm256_cvtepi32_ps(ints) }
            fn plus(left: Ints, right: Ints) -> Ints { _mm256_add_epi32(left, right) }
            fn minus(left: Ints, right: Ints) -> Ints { _mm256_sub_epi32(left, right) }
            fn times(left: Ints, right: Ints) -> Ints { _mm256_mullo_epi32(left, right) }
            fn add(left: Floats, right: Floats) -> Floats { _mm256_add_ps(left, right) }
            fn product(left: Floats, right: Floats) -> Floats { _mm256_mul_ps(left, right) }
            fn fused(left: Floats, right: Floats, sum: Floats) -> Floats { _mm256_fmadd_ps(left, right, sum) }
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn shifted<const BITS: i32>(ints: Ints) -> Ints {
            _mm256_slli_epi32::<BITS>(ints)
        }

        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn load_ints(from: *const i32) -> Ints {
            // SAFETY: the caller says that 32 bytes can be read there.
            unsafe { _mm256_loadu_si256(from.cast()) }
        }

        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn load_floats(from: *const f32) -> Floats {
            // SAFETY: as above.
            unsafe { _mm256_loadu_ps(from) }
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn array(floats: Floats) -> [f32; WIDTH] {
            let mut array = [0.0; WIDTH];
            // SAFETY: eight floats have room there.
            unsafe { _mm256_storeu_ps(array.as_mut_ptr(), floats) };
            array
        }
    };
    ($features:literal: $(fn $name:ident($($argument:ident: $kind:ty),*) -> $result:ty { $body:expr })*) => {
        $(
            #[inline]
            #[target_feature(enable = $features)]
            fn $name($($argument: $kind),*) -> $result { $body }
        )*
    };
}

macro_rules! short_dots {
    ($features:literal) => {
        /// One token after the other, or all strips.
        #[target_feature(enable = $features)]
        pub(in super::super) fn multiply(
            weight: &Tensor,
            rows: Range<usize>,
            panel: &Panel,
            out: &mut [&mut [f32]],
        ) {
            let format = weight.format;
            if format.is_quantised() && panel.strip_width() == WIDTH {
                let unpack = |bytes: &[u8], row: &mut Row| unpack(format, bytes, row);
                return multiply_strips(weight, rows, panel, out, unpack);
            }
            let mut row = Row::new(format, weight.columns);
            for (at, number) in rows.enumerate() {
                unpack(format, weight.row(number), &mut row);
                for (token, out) in out.iter_mut().enumerate() {
                    out[at] = match Form::of(format) {
                        _ if !format.is_quantised() => floats(&row.floats, panel.floats(token)),
                        Form::Wide => line::<{ tile::WIDE }>(&row, panel.token(token)),
                        Form::Narrow => line::<{ tile::NARROW }>(&row, panel.token(token)),
                        Form::Biased => line::<{ tile::BIASED }>(&row, panel.token(token)),
                        Form::Fine => line::<{ tile::FINE }>(&row, panel.token(token)),
                    };
                }
            }
        }

        /// A row in memory with one token.
        #[target_feature(enable = $features)]
        fn line<const FORM: u8>(row: &Row, token: Quants<'_>) -> f32 {
            let blocks = row.scales.len();
            assert!(blocks.is_multiple_of(LANES) && row.quants.len() == blocks * BLOCK);
            assert!(token.quants.len() == blocks * BLOCK && token.scales.len() == blocks);
            assert!(token.sums.len() == blocks && token.first_sums.len() == blocks);
            assert!(token.weighed.len() == blocks);
            assert!(FORM != tile::BIASED || row.biases.len() == blocks);
            assert!(
                FORM != tile::FINE || row.firsts.len() == blocks && row.seconds.len() == blocks
            );
            let mut halves = [no_floats(); 2];
            for first in (0..blocks).step_by(LANES) {
                for (half, sums) in halves.iter_mut().enumerate() {
                    // SAFETY: the lengths that are asserted above.
                    *sums =
                        unsafe { eight_blocks::<FORM>(row, token, first + half * WIDTH, *sums) };
                }
            }
            fold(add(halves[0], halves[1]))
        }

        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn eight_blocks<const FORM: u8>(
            row: &Row,
            token: Quants<'_>,
            at: usize,
            sums: Floats,
        ) -> Floats {
            let mut products = [no_ints(); WIDTH];
            for (number, product) in products.iter_mut().enumerate() {
                let block = at + number;
                // SAFETY: the caller has asserted that eight blocks from `at` are in all slices.
                unsafe {
                    let weights = load_ints(row.quants.as_ptr().add(block * BLOCK).cast());
                    let numbers = load_ints(token.quants.as_ptr().add(block * BLOCK).cast());
                    *product = if FORM == tile::WIDE {
                        fours_wide(no_ints(), weights, numbers)
                    } else {
                        fours_of(no_ints(), weights, numbers)
                    };
                    if FORM == tile::FINE {
                        let first = _mm_set1_epi32(*row.firsts.get_unchecked(block));
                        let second = _mm_set1_epi32(*row.seconds.get_unchecked(block));
                        *product = times(*product, _mm256_set_m128i(second, first));
                    }
                }
            }
            // SAFETY: as above.
            unsafe {
                let own = load_ints(token.sums.as_ptr().add(at));
                let whole = gathered(products);
                let whole = match FORM {
                    tile::WIDE if WIDE_IS_SIGNED => whole,
                    tile::WIDE => minus(whole, shifted::<7>(own)),
                    tile::NARROW => minus(whole, shifted::<3>(own)),
                    tile::BIASED => whole,
                    _ => {
                        let first = load_ints(token.first_sums.as_ptr().add(at));
                        let left = times(load_ints(row.firsts.as_ptr().add(at)), first);
                        let seconds = load_ints(row.seconds.as_ptr().add(at));
                        let right = times(seconds, minus(own, first));
                        minus(whole, shifted::<5>(plus(left, right)))
                    }
                };
                let weights = load_floats(row.scales.as_ptr().add(at));
                let scales = product(weights, load_floats(token.scales.as_ptr().add(at)));
                let sums = fused(floats_of(whole), scales, sums);
                if FORM != tile::BIASED {
                    return sums;
                }
                let biases = load_floats(row.biases.as_ptr().add(at));
                fused(biases, load_floats(token.weighed.as_ptr().add(at)), sums)
            }
        }

        /// The sum of each of these registers' lanes, in their order.
        #[inline]
        #[target_feature(enable = $features)]
        fn gathered(blocks: [Ints; WIDTH]) -> Ints {
            let pair = |left: Ints, right: Ints| {
                plus(
                    _mm256_unpacklo_epi32(left, right),
                    _mm256_unpackhi_epi32(left, right),
                )
            };
            let four = |left: Ints, right: Ints| {
                plus(
                    _mm256_unpacklo_epi64(left, right),
                    _mm256_unpackhi_epi64(left, right),
                )
            };
            let [a, b, c, d, e, f, g, h] = blocks;
            let (left, right) = (four(pair(a, b), pair(c, d)), four(pair(e, f), pair(g, h)));
            plus(
                _mm256_permute2x128_si256::<0x20>(left, right),
                _mm256_permute2x128_si256::<0x31>(left, right),
            )
        }
    };
}
pub(super) use {short_dots, short_operations};
