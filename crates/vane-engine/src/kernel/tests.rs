use super::*;
use crate::weights::format::Format;
use proptest::prelude::*;

/// A row of random blocks whose scales are sane.
fn row(format: Format, columns: usize, bytes: &[u8]) -> Vec<u8> {
    let mut row = bytes[..format.row_bytes(columns).unwrap()].to_vec();
    let halves: &[usize] = match format {
        Format::F32 | Format::F16 | Format::Bf16 => &[],
        Format::Q8_0 | Format::Q4_0 => &[0],
        Format::Q4K | Format::Q5K => &[0, 2],
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

fn dot(instructions: Instructions, format: Format, bytes: &[u8], panel: &Panel) -> Vec<f32> {
    let columns = panel.columns();
    let tensor = Tensor::of_bytes(format, 1, columns, bytes);
    let mut out = vec![0.0; panel.tokens()];
    let mut parts: Vec<&mut [f32]> = out.chunks_mut(1).collect();
    multiply(instructions, &tensor, 0..1, panel, &mut parts);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn all_instructions_multiply_alike(
        format in proptest::sample::select(&Format::ALL),
        blocks in 1_usize..4,
        bytes in proptest::collection::vec(any::<u8>(), 4 * 1024),
        activations in proptest::collection::vec(-4.0_f32..4.0, 3 * 768),
    ) {
        // Odd numbers of blocks of 32 take another way through the widest registers.
        let columns = blocks * format.block().0.max(32);
        let bytes = row(format, columns, &bytes);
        let mut panel = Panel::default();
        panel.reset(3, columns).copy_from_slice(&activations[..3 * columns]);
        panel.quantise();
        let expected = dot(Instructions::Portable, format, &bytes, &panel);
        let mut floats = vec![0.0; columns];
        unpack_floats(format, &bytes, &mut floats);
        for instructions in Instructions::all() {
            let told = dot(instructions, format, &bytes, &panel);
            for (token, (told, expected)) in told.iter().zip(&expected).enumerate() {
                let pairs = floats.iter().zip(panel.floats(token));
                let sizes: f32 = pairs.clone().map(|(left, right)| (left * right).abs()).sum();
                let exact: f64 = pairs.map(|(left, right)| f64::from(*left) * f64::from(*right)).sum();
                prop_assert!((told - expected).abs() <= 1e-4 * sizes + 1e-6, "{format:?} {instructions:?}");
                // And all are near to what plain numbers give: activations keep 127 steps.
                prop_assert!((f64::from(*told) - exact).abs() <= f64::from(0.02 * sizes) + 1e-6);
            }
        }
    }
}

#[test]
fn the_largest_integers_do_not_overflow() {
    for format in [
        Format::Q8_0,
        Format::Q4_0,
        Format::Q4K,
        Format::Q5K,
        Format::Q6K,
    ] {
        for byte in [0x00, 0x7f, 0x80, 0xff] {
            let bytes = row(format, 256, &[byte; 1024]);
            let mut panel = Panel::default();
            for (at, number) in panel.reset(2, 256).iter_mut().enumerate() {
                *number = if at < 256 { 1.0 } else { -1.0 };
            }
            panel.quantise();
            let expected = dot(Instructions::Portable, format, &bytes, &panel);
            let mut floats = vec![0.0; 256];
            unpack_floats(format, &bytes, &mut floats);
            let exact: f32 = floats.iter().sum();
            for instructions in Instructions::all() {
                let told = dot(instructions, format, &bytes, &panel);
                let bound = 1e-4 * floats.iter().map(|float| float.abs()).sum::<f32>();
                assert!(
                    (told[0] - exact).abs() <= bound,
                    "{format:?} {byte:#x} {instructions:?}"
                );
                assert!(
                    (told[1] + exact).abs() <= bound,
                    "{format:?} {byte:#x} {instructions:?}"
                );
                assert!(
                    (told[0] - expected[0]).abs() <= bound,
                    "{format:?} {byte:#x}"
                );
            }
        }
    }
}

#[test]
fn threads_and_batches_change_no_bit() {
    let (rows, columns) = (1024, 512);
    for format in Format::ALL {
        let one: Vec<u8> = (0..=255).cycle().take(columns * 4).collect();
        let mut bytes = Vec::new();
        for number in 0..rows {
            let mut seed = one.clone();
            seed.rotate_left(number % 251);
            bytes.extend(row(format, columns, &seed));
        }
        let tensor = Tensor::of_bytes(format, rows, columns, &bytes);
        let run = |threads, tokens: usize| {
            let mut panel = Panel::default();
            for (at, number) in panel.reset(tokens, columns).iter_mut().enumerate() {
                *number = ((at * 37 % 101) as f32 - 50.0) / 25.0;
            }
            panel.quantise();
            let mut out = vec![0.0; tokens * rows];
            let crew = Crew {
                threads,
                instructions: Instructions::detect(),
            };
            crew.multiply(&tensor, &panel, &mut out);
            out
        };
        let whole = run(1, 5);
        assert_eq!(run(3, 5), whole, "{format:?}");
        assert_eq!(run(1, 1), whole[..rows], "{format:?}");
    }
}
