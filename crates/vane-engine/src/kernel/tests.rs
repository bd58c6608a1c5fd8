use super::*;
use crate::weights::format::Format;
use proptest::prelude::*;

/// A row of random blocks whose scales are sane.
fn row(format: Format, columns: usize, bytes: &[u8]) -> Vec<u8> {
    let mut row = bytes[..format.row_bytes(columns).unwrap()].to_vec();
    let halves: &[usize] = match format {
        Format::F32 | Format::F16 | Format::Bf16 => &[],
        Format::Q8_0 | Format::Q4_0 => &[0],
        Format::Q4_1 | Format::Q4K | Format::Q5K => &[0, 2],
        Format::Q6K => &[208],
    };
    for block in row.chunks_exact_mut(format.block().1) {
        for at in halves {
            block[at + 1] = 0x14 | (block[at + 1] & 0x83);
        }
        match format {
            // Exponents of about one.
            Format::F32 => block[3] = 0x3e | (block[3] & 0x80),
            Format::F16 => block[1] = 0x38 | (block[1] & 0x83),
            Format::Bf16 => block[1] = 0x3e | (block[1] & 0x80),
            _ => {}
        }
    }
    row
}

/// What all rows times all tokens are, row by row.
pub(crate) fn multiplied(instructions: Instructions, tensor: &Tensor, tokens: &[f32]) -> Vec<f32> {
    let mut panel = Panel::default();
    let many = tokens.len() / tensor.columns;
    panel.reset(many, tensor.columns).copy_from_slice(tokens);
    if tensor.format.is_quantised() {
        panel.quantise(instructions);
    }
    let mut out = vec![0.0; many * tensor.rows];
    let crew = Crew {
        threads: 1,
        instructions,
    };
    crew.multiply(tensor, &panel, &mut out);
    out
}

pub(crate) fn bits(floats: &[f32]) -> Vec<u32> {
    floats.iter().map(|float| float.to_bits()).collect()
}

/// Rows that are alike but for where they begin.
pub(crate) fn tensor(format: Format, rows: usize, columns: usize, bytes: &[u8]) -> Tensor {
    let mut seed: Vec<u8> = bytes.iter().copied().cycle().take(columns * 4).collect();
    let mut all = Vec::new();
    for _ in 0..rows {
        let by = 251 % seed.len();
        seed.rotate_left(by);
        all.extend(row(format, columns, &seed));
    }
    Tensor::of_bytes(format, rows, columns, &all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn all_instructions_multiply_alike_to_the_last_bit(
        format in proptest::sample::select(&Format::ALL),
        rows in 1_usize..20,
        blocks in 1_usize..40,
        tokens in 1_usize..50,
        bytes in proptest::collection::vec(any::<u8>(), 4 * 1024),
        activations in proptest::collection::vec(-4.0_f32..4.0, 997),
    ) {
        // Wide blocks are many numbers, and floats need not be whole blocks.
        let columns = match format.block().0 {
            1 => 37 * blocks,
            32 => 32 * blocks,
            numbers => numbers * blocks.div_ceil(8),
        };
        let tensor = tensor(format, rows, columns, &bytes);
        let numbers: Vec<f32> = activations.into_iter().cycle().take(tokens * columns).collect();
        let expected = multiplied(Instructions::Portable, &tensor, &numbers);
        for instructions in Instructions::all() {
            let told = multiplied(instructions, &tensor, &numbers);
            prop_assert!(bits(&told) == bits(&expected), "{format:?} {instructions:?}");
            // Neither is a token's product another one when it is alone.
            let last = multiplied(instructions, &tensor, &numbers[(tokens - 1) * columns..]);
            prop_assert!(bits(&last) == bits(&expected[(tokens - 1) * rows..]), "{format:?} {instructions:?}");
        }
    }

    #[test]
    fn products_are_near_to_those_of_plain_numbers(
        format in proptest::sample::select(&Format::ALL),
        blocks in 1_usize..4,
        bytes in proptest::collection::vec(any::<u8>(), 4 * 1024),
        activations in proptest::collection::vec(-4.0_f32..4.0, 768),
    ) {
        let columns = blocks * format.block().0.max(32);
        let tensor = tensor(format, 1, columns, &bytes);
        let mut floats = vec![0.0; columns];
        unpack_floats(format, tensor.row(0), &mut floats);
        let told = multiplied(Instructions::Portable, &tensor, &activations[..columns]);
        let pairs = floats.iter().zip(&activations);
        let sizes: f32 = pairs.clone().map(|(left, right)| (left * right).abs()).sum();
        let exact: f64 = pairs.map(|(left, right)| f64::from(*left) * f64::from(*right)).sum();
        // Activations keep 127 steps.
        prop_assert!((f64::from(told[0]) - exact).abs() <= f64::from(0.02 * sizes) + 1e-6);
    }
}

/// llama.cpp writes some layers of a Q4_0 so where it was told what matters.
#[test]
fn a_block_of_q4_1_is_a_scale_a_least_number_and_four_bits_each() {
    let mut block = vec![0x00, 0x38, 0x00, 0xc0];
    block.extend((0..16_u8).map(|low| low | (15 - low) << 4));
    let mut floats = [0.0; 64];
    unpack_floats(Format::Q4_1, &[block.clone(), block].concat(), &mut floats);
    for half in floats.chunks_exact(32) {
        for (at, number) in half.iter().enumerate() {
            let quant = if at < 16 { at } else { 31 - at };
            assert_eq!(*number, 0.5 * quant as f32 - 2.0, "{at}");
        }
    }
    assert_eq!(Format::of_ggml(3), Some(Format::Q4_1));
}

#[test]
fn the_largest_integers_do_not_overflow() {
    for format in [
        Format::Q8_0,
        Format::Q4_0,
        Format::Q4_1,
        Format::Q4K,
        Format::Q5K,
        Format::Q6K,
    ] {
        for byte in [0x00, 0x7f, 0x80, 0xff] {
            let tensor = Tensor::of_bytes(format, 1, 512, &row(format, 512, &[byte; 2048]));
            let mut floats = vec![0.0; 512];
            unpack_floats(format, tensor.row(0), &mut floats);
            let exact: f32 = floats.iter().sum();
            let bound = 1e-4 * floats.iter().map(|float| float.abs()).sum::<f32>();
            for instructions in Instructions::all() {
                for tokens in [2, 5, 18] {
                    let numbers = [vec![1.0; 512], vec![-1.0; (tokens - 1) * 512]].concat();
                    let told = multiplied(instructions, &tensor, &numbers);
                    assert!((told[0] - exact).abs() <= bound, "{format:?} {byte:#x}");
                    for told in &told[1..] {
                        assert!((told + exact).abs() <= bound, "{format:?} {byte:#x}");
                    }
                }
            }
        }
    }
}

#[test]
fn threads_and_batches_change_no_bit() {
    let (rows, columns) = (1024, 512);
    for format in Format::ALL {
        let tensor = tensor(format, rows, columns, &(0..=255).collect::<Vec<u8>>());
        let run = |threads, tokens: usize| {
            let mut panel = Panel::default();
            for (at, number) in panel.reset(tokens, columns).iter_mut().enumerate() {
                *number = ((at * 37 % 101) as f32 - 50.0) / 25.0;
            }
            let instructions = Instructions::detect();
            panel.quantise(instructions);
            let mut out = vec![0.0; tokens * rows];
            let crew = Crew {
                threads,
                instructions,
            };
            crew.multiply(&tensor, &panel, &mut out);
            out
        };
        let whole = run(1, 35);
        for (threads, tokens) in [(3, 35), (1, 1), (2, 5), (1, 20)] {
            assert_eq!(run(threads, tokens), whole[..rows * tokens], "{format:?}");
        }
    }
}
