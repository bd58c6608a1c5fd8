//! Some rows times some strips of tokens, with all sums in registers. Written once, for registers of
//! any width: what a module that invokes `tiles` has under these names is what it is made of.
//!
//! Each lane of a register is a token; weights are the same for all of them. So no sum ever crosses
//! lanes.

/// The forms of rows, as numbers that generics can have.
pub(super) const WIDE: u8 = 0;
pub(super) const NARROW: u8 = 1;
pub(super) const BIASED: u8 = 2;
pub(super) const FINE: u8 = 3;

macro_rules! tiles {
    ($features:literal) => {
        /// All rows with all strips of the panel.
        #[target_feature(enable = $features)]
        pub(super) fn multiply_strips(
            weight: &Tensor,
            rows: Range<usize>,
            panel: &Panel,
            out: &mut [&mut [f32]],
            unpack: impl Fn(&[u8], &mut Row),
        ) {
            let mut unpacked = vec![Row::new(weight.format, weight.columns); TILE_ROWS];
            let start = rows.start;
            for first in rows.clone().step_by(TILE_ROWS) {
                let many = TILE_ROWS.min(rows.end - first);
                for (number, row) in unpacked[..many].iter_mut().enumerate() {
                    unpack(weight.row(first + number), row);
                }
                let unpacked = &unpacked[..many];
                match Form::of(weight.format) {
                    Form::Wide => {
                        rows_with_strips::<{ tile::WIDE }>(unpacked, first - start, panel, out)
                    }
                    Form::Narrow => {
                        rows_with_strips::<{ tile::NARROW }>(unpacked, first - start, panel, out)
                    }
                    Form::Biased => {
                        rows_with_strips::<{ tile::BIASED }>(unpacked, first - start, panel, out)
                    }
                    Form::Fine => {
                        rows_with_strips::<{ tile::FINE }>(unpacked, first - start, panel, out)
                    }
                }
            }
        }

        #[target_feature(enable = $features)]
        fn rows_with_strips<const FORM: u8>(
            rows: &[Row],
            at: usize,
            panel: &Panel,
            out: &mut [&mut [f32]],
        ) {
            let strips = out.len().div_ceil(WIDTH);
            let (whole, rest) = rows.as_chunks::<TILE_ROWS>();
            for first in (0..strips).step_by(TILE_STRIPS) {
                let out = &mut out[first * WIDTH..];
                if strips - first >= TILE_STRIPS {
                    for rows in whole {
                        let strips = std::array::from_fn(|number| panel.strip(first + number));
                        tile::<TILE_ROWS, TILE_STRIPS, FORM>(rows, &strips, at, out);
                    }
                    for (number, row) in rest.iter().enumerate() {
                        let strips = std::array::from_fn(|number| panel.strip(first + number));
                        tile::<1, TILE_STRIPS, FORM>(
                            std::array::from_ref(row),
                            &strips,
                            at + number,
                            out,
                        );
                    }
                    continue;
                }
                let out_all = out;
                for number in 0..strips - first {
                    let strip = [panel.strip(first + number)];
                    let out = &mut out_all[number * WIDTH..];
                    for rows in whole {
                        tile::<TILE_ROWS, 1, FORM>(rows, &strip, at, out);
                    }
                    for (number, row) in rest.iter().enumerate() {
                        tile::<1, 1, FORM>(std::array::from_ref(row), &strip, at + number, out);
                    }
                }
            }
        }

        /// `out` begins with the first token of the first strip.
        #[target_feature(enable = $features)]
        fn tile<const ROWS: usize, const STRIPS: usize, const FORM: u8>(
            rows: &[Row; ROWS],
            strips: &[Quants<'_>; STRIPS],
            at: usize,
            out: &mut [&mut [f32]],
        ) {
            let blocks = strips[0].scales.len() / WIDTH;
            for row in rows {
                assert!(row.quants.len() >= blocks * BLOCK && row.scales.len() >= blocks);
                assert!(FORM != tile::BIASED || row.biases.len() >= blocks);
                assert!(FORM != tile::FINE || row.firsts.len().min(row.seconds.len()) >= blocks);
            }
            for strip in strips {
                let (quants, sums) = (strip.quants.len(), strip.sums.len());
                assert!(quants == blocks * BLOCK * WIDTH && sums == blocks * WIDTH);
                assert!(strip.scales.len() == sums && strip.weighed.len() == sums);
                assert!(strip.first_sums.len() == sums);
            }
            let mut lanes = [[[no_floats(); STRIPS]; ROWS]; LANES];
            for (lane, sums) in lanes.iter_mut().enumerate() {
                let mut own = *sums;
                for block in (lane..blocks).step_by(LANES) {
                    // SAFETY: the lengths that are asserted above.
                    unsafe { add_block::<ROWS, STRIPS, FORM>(rows, strips, block, &mut own) };
                }
                *sums = own;
            }
            let mut half = LANES / 2;
            while half > 0 {
                for lane in 0..half {
                    for row in 0..ROWS {
                        for strip in 0..STRIPS {
                            let more = lanes[lane + half][row][strip];
                            lanes[lane][row][strip] = add(lanes[lane][row][strip], more);
                        }
                    }
                }
                half /= 2;
            }
            for (row, sums) in lanes[0].iter().enumerate() {
                for (strip, sums) in sums.iter().enumerate() {
                    let tokens = out[strip * WIDTH..].iter_mut();
                    for (token, sum) in tokens.zip(array(*sums)) {
                        token[at + row] = sum;
                    }
                }
            }
        }

        /// Adds the products of one block to the sums of its lane.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn add_block<const ROWS: usize, const STRIPS: usize, const FORM: u8>(
            rows: &[Row; ROWS],
            strips: &[Quants<'_>; STRIPS],
            block: usize,
            sums: &mut [[Floats; STRIPS]; ROWS],
        ) {
            let at = block * WIDTH;
            // SAFETY: the caller has asserted that this block is in all slices.
            let wholes = unsafe {
                let mut wholes = whole_sums::<ROWS, STRIPS, FORM>(rows, strips, block, 0);
                if FORM == tile::FINE {
                    let seconds = whole_sums::<ROWS, STRIPS, FORM>(rows, strips, block, 1);
                    for row in 0..ROWS {
                        let first = each_int(*rows[row].firsts.get_unchecked(block));
                        let second = each_int(*rows[row].seconds.get_unchecked(block));
                        for strip in 0..STRIPS {
                            let left = times(wholes[row][strip], first);
                            let right = times(seconds[row][strip], second);
                            wholes[row][strip] = plus(left, right);
                        }
                    }
                }
                wholes
            };
            for strip in 0..STRIPS {
                // SAFETY: as above.
                unsafe {
                    let scales = load_floats(strips[strip].scales.as_ptr().add(at));
                    for row in 0..ROWS {
                        let weight = each_float(*rows[row].scales.get_unchecked(block));
                        let whole = floats_of(wholes[row][strip]);
                        let sum = sums[row][strip];
                        sums[row][strip] = fused(whole, product(weight, scales), sum);
                    }
                    if FORM == tile::BIASED {
                        let weighed = load_floats(strips[strip].weighed.as_ptr().add(at));
                        for row in 0..ROWS {
                            let bias = each_float(*rows[row].biases.get_unchecked(block));
                            sums[row][strip] = fused(bias, weighed, sums[row][strip]);
                        }
                    }
                }
            }
        }

        /// The whole sums of a block, or of one half of it where the form is fine.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn whole_sums<const ROWS: usize, const STRIPS: usize, const FORM: u8>(
            rows: &[Row; ROWS],
            strips: &[Quants<'_>; STRIPS],
            block: usize,
            half: usize,
        ) -> [[Ints; STRIPS]; ROWS] {
            let mut wholes = [[no_ints(); STRIPS]; ROWS];
            let at = block * WIDTH;
            for strip in 0..STRIPS {
                // SAFETY: the caller has asserted that this block is in all slices.
                let zero = unsafe {
                    let sums = load_ints(strips[strip].sums.as_ptr().add(at).cast());
                    let firsts = strips[strip].first_sums.as_ptr().add(at).cast();
                    match FORM {
                        tile::WIDE if WIDE_IS_SIGNED => no_ints(),
                        tile::WIDE => minus(no_ints(), shifted::<7>(sums)),
                        tile::NARROW => minus(no_ints(), shifted::<3>(sums)),
                        tile::BIASED => no_ints(),
                        _ if half == 0 => minus(no_ints(), shifted::<5>(load_ints(firsts))),
                        _ => shifted::<5>(minus(load_ints(firsts), sums)),
                    }
                };
                for row in 0..ROWS {
                    wholes[row][strip] = zero;
                }
            }
            let fours = if FORM == tile::FINE {
                BLOCK / 8
            } else {
                BLOCK / 4
            };
            let first = block * (BLOCK / 4) + half * fours;
            for four in first..first + fours {
                // SAFETY: as above.
                unsafe {
                    let mut numbers = [no_ints(); STRIPS];
                    for strip in 0..STRIPS {
                        let from = strips[strip].quants.as_ptr().add(four * 4 * WIDTH);
                        numbers[strip] = load_ints(from.cast());
                    }
                    for row in 0..ROWS {
                        let from = rows[row].quants.as_ptr().add(4 * four);
                        let weights = each_int(from.cast::<i32>().read_unaligned());
                        for strip in 0..STRIPS {
                            let sum = wholes[row][strip];
                            wholes[row][strip] = if FORM == tile::WIDE {
                                fours_wide(sum, weights, numbers[strip])
                            } else {
                                fours_of(sum, weights, numbers[strip])
                            };
                        }
                    }
                }
            }
            wholes
        }
    };
}
pub(super) use tiles;
