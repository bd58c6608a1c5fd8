use super::kernels::{Cells, Panel, Places, Reach, SPAN};
use super::*;
use crate::kernel::attention::{Scratch, attend};
use crate::kernel::half::{half_of_single, single_of_half};
use crate::kernel::tests::{bits, multiplied, tensor};
use crate::kernel::{Instructions, Reach as Runs};
use crate::weights::format::Format;
use proptest::prelude::*;
use std::sync::OnceLock;

fn gpu() -> &'static Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| open().unwrap())
}

#[cfg(feature = "test-cuda")]
fn open() -> Result<Gpu, Fault> {
    cuda::open()
}

#[cfg(not(feature = "test-cuda"))]
fn open() -> Result<Gpu, Fault> {
    metal::open()
}

/// So many numbers, over and over.
fn cycled(numbers: &[f32], from: usize, len: usize) -> Vec<f32> {
    numbers
        .iter()
        .copied()
        .cycle()
        .skip(from)
        .take(len)
        .collect()
}

fn products(weight: &Matrix, quantised: bool, tokens: &[f32], before: &[f32]) -> Vec<f32> {
    let gpu = gpu();
    let many = tokens.len() / weight.columns;
    let mut panel = Panel::new(gpu, tokens.len()).unwrap();
    gpu.write(tokens, &mut panel.floats).unwrap();
    if quantised {
        gpu.quantise(&mut panel, tokens.len()).unwrap();
    }
    let mut out = gpu.upload(before).unwrap();
    let adds = !before.iter().all(|number| number.is_nan());
    gpu.multiply(weight, &panel, many, &mut out, adds).unwrap();
    gpu.read(&out, before.len()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn products_are_those_of_the_cpu_to_the_last_bit(
        format in proptest::sample::select(&Format::ALL),
        rows in 1_usize..20,
        blocks in 1_usize..40,
        tokens in 1_usize..20,
        bytes in proptest::collection::vec(any::<u8>(), 4 * 1024),
        activations in proptest::collection::vec(-4.0_f32..4.0, 997),
    ) {
        let columns = match format.block().0 {
            1 => 37 * blocks,
            32 => 32 * blocks,
            numbers => numbers * blocks.div_ceil(8),
        };
        let tensor = tensor(format, rows, columns, &bytes);
        let numbers = cycled(&activations, 0, tokens * columns);
        let expected = multiplied(Instructions::Portable, &tensor, &numbers);
        let weight = matrix(gpu(), &tensor).unwrap();
        let told = products(&weight, format.is_quantised(), &numbers, &vec![f32::NAN; tokens * rows]);
        prop_assert!(bits(&told) == bits(&expected), "{format:?}");
        // Neither is a token's product another one when it is alone.
        let last = products(&weight, format.is_quantised(), &numbers[(tokens - 1) * columns..], &vec![f32::NAN; rows]);
        prop_assert!(bits(&last) == bits(&expected[(tokens - 1) * rows..]), "{format:?}");
        let before = cycled(&activations, 5, tokens * rows);
        let added = products(&weight, format.is_quantised(), &numbers, &before);
        let sums: Vec<f32> = before.iter().zip(&expected).map(|(left, right)| left + right).collect();
        prop_assert!(bits(&added) == bits(&sums), "{format:?}");
    }

    #[test]
    fn norms_and_gates_are_those_of_the_cpu(
        columns in 1_usize..700,
        rows in 1_usize..9,
        numbers in proptest::collection::vec(-8.0_f32..8.0, 997),
    ) {
        let gpu = gpu();
        let (state, weight) = (cycled(&numbers, 0, rows * columns), cycled(&numbers, 3, columns));
        let chosen: Vec<u32> = (0..rows).rev().map(number).collect();
        let mut out = gpu.room(rows * columns).unwrap();
        let (input, scaled) = (gpu.upload(&state).unwrap(), gpu.upload(&weight).unwrap());
        let order = gpu.upload(&chosen).unwrap();
        gpu.norm(&input, Some(&order), rows, (&scaled, 1e-5), &mut out).unwrap();
        let told = gpu.read(&out, rows * columns).unwrap();
        for (told, row) in told.chunks_exact(columns).zip(state.chunks_exact(columns).rev()) {
            let squares: f64 = row.iter().map(|number| f64::from(*number).powi(2)).sum();
            let scale = 1.0 / (squares / f64::from(number(columns)) + 1e-5).sqrt();
            for ((told, number), weight) in told.iter().zip(row).zip(&weight) {
                let expected = f64::from(*weight) * f64::from(*number) * scale;
                prop_assert!((f64::from(*told) - expected).abs() <= 1e-5 * expected.abs() + 1e-30);
            }
        }
        let up = cycled(&numbers, 7, rows * columns);
        let more = gpu.upload(&up).unwrap();
        gpu.gate(&input, &more, rows * columns, &mut out).unwrap();
        let told = gpu.read(&out, rows * columns).unwrap();
        for ((told, gate), up) in told.iter().zip(&state).zip(&up) {
            let expected = gate / (1.0 + (-gate).exp()) * up;
            prop_assert!((told - expected).abs() <= 1e-6 * expected.abs() + 1e-30);
        }
    }
}

/// Those too that a device which takes the smallest floats for zero could lose on the way.
#[test]
fn every_half_is_the_float_that_the_cpu_takes_it_for() {
    let finite = (0..=u16::MAX).filter(|half| half & 0x7c00 != 0x7c00);
    let halves: Vec<u8> = finite.flat_map(u16::to_le_bytes).collect();
    let tensor = Tensor::of_bytes(Format::F16, halves.len() / 2, 1, &halves);
    let expected = multiplied(Instructions::Portable, &tensor, &[1.0]);
    let weight = matrix(gpu(), &tensor).unwrap();
    let told = products(&weight, false, &[1.0], &vec![f32::NAN; tensor.rows]);
    assert!(bits(&told) == bits(&expected));
}

/// Sequences whose keys and values are random, on a device and here.
struct World {
    shape: Shape,
    halves: bool,
    /// How large queries are: of large ones, a weight that is not of the largest score overflows.
    heat: f32,
    cells: Cells,
    numbers: Vec<f32>,
    /// The blocks of each sequence.
    tables: Vec<Vec<usize>>,
}

impl World {
    fn new(shape: Shape, halves: bool, heat: f32, lengths: &[usize], numbers: Vec<f32>) -> Self {
        let sequences = lengths.len();
        // Blocks of sequences lie between each other's.
        let table = |sequence, length: usize| {
            let blocks = 0..length.div_ceil(BLOCK);
            blocks
                .map(|block| block * sequences + sequence)
                .rev()
                .collect::<Vec<usize>>()
        };
        let tables: Vec<_> = lengths
            .iter()
            .enumerate()
            .map(|(at, length)| table(at, *length))
            .collect();
        let blocks = tables.iter().flatten().max().map_or(1, |most| most + 1);
        let precision = if halves {
            Precision::Half
        } else {
            Precision::Single
        };
        let bytes = blocks * usize::try_from(Cache::block_bytes(&shape, precision)).unwrap();
        let cells = Cells {
            bytes: gpu().room(bytes).unwrap(),
            blocks,
            halves,
            layers: shape.layers,
            heads: shape.kv_heads,
            head_size: shape.head_size,
            neighbours: shape.pairs == Pairs::Neighbours,
        };
        Self {
            shape,
            halves,
            heat,
            cells,
            numbers,
            tables,
        }
    }

    fn row(&self, sequence: usize, position: usize, part: usize, width: usize) -> Vec<f32> {
        cycled(
            &self.numbers,
            (sequence * 31 + position * 17 + part * 5) % 997,
            width,
        )
    }

    fn query(&self, sequence: usize, position: usize) -> Vec<f32> {
        let numbers = self.row(sequence, position, 0, self.shape.query_width());
        numbers.iter().map(|number| self.heat * number).collect()
    }

    fn stored(&self, number: f32) -> f32 {
        if self.halves {
            single_of_half(half_of_single(number))
        } else {
            number
        }
    }

    /// Puts these tokens of the last layer into the cache. Their places, and their queries, turned.
    fn kept(&self, steps: &[(usize, usize)]) -> (Places, Floats) {
        let (gpu, shape) = (gpu(), &self.shape);
        let (mut positions, mut starts, mut tables, mut angles) = (vec![], vec![], vec![], vec![]);
        let (mut queries, mut keys, mut values) = (vec![], vec![], vec![]);
        for (sequence, position) in steps {
            positions.push(number(*position));
            starts.push(number(tables.len()));
            tables.extend(self.tables[*sequence].iter().map(|block| number(*block)));
            let turn = Turn::new(shape, *position);
            angles.extend(turn.0.iter().flat_map(|(cosine, sine)| [*cosine, *sine]));
            queries.extend(self.query(*sequence, *position));
            keys.extend(self.row(*sequence, *position, 1, shape.key_width()));
            values.extend(self.row(*sequence, *position, 2, shape.key_width()));
        }
        let places = Places {
            positions: gpu.upload(&positions).unwrap(),
            starts: gpu.upload(&starts).unwrap(),
            tables: gpu.upload(&tables).unwrap(),
            angles: gpu.upload(&angles).unwrap(),
        };
        let (keys, values) = (gpu.upload(&keys).unwrap(), gpu.upload(&values).unwrap());
        let mut turned = gpu.upload(&queries).unwrap();
        let reach = self.reach(&places, steps.len());
        gpu.turn(&reach, &mut turned, &keys, &values).unwrap();
        (places, turned)
    }

    fn reach<'a>(&'a self, places: &'a Places, tokens: usize) -> Reach<'a> {
        Reach {
            places,
            cells: &self.cells,
            layer: self.shape.layers - 1,
            heads: self.shape.heads,
            tokens,
        }
    }

    /// What the last layer's attention gives these tokens, which come into the cache with it.
    fn attended(&self, steps: &[(usize, usize)]) -> Vec<f32> {
        let (gpu, shape) = (gpu(), &self.shape);
        let (places, queries) = self.kept(steps);
        let reach = self.reach(&places, steps.len());
        let spans = steps
            .iter()
            .map(|(_, position)| spans_of(position + 1, shape.window))
            .max()
            .unwrap();
        let mut parts = gpu
            .room(steps.len() * shape.heads * spans * (shape.head_size + 2))
            .unwrap();
        let mut out = gpu.room(queries.len()).unwrap();
        gpu.attend(
            &reach,
            (shape.window, spans),
            &queries,
            &mut parts,
            &mut out,
        )
        .unwrap();
        gpu.read(&out, queries.len()).unwrap()
    }

    /// The same by the CPU's plain kernel, of keys and values that lie in one piece.
    fn expected(&self, sequence: usize, position: usize) -> Vec<f32> {
        let shape = &self.shape;
        let start = (position + 1).saturating_sub(shape.window.unwrap_or(position + 1));
        let mut queries = self.query(sequence, position);
        Turn::new(shape, position).apply(shape, &mut queries);
        let group = queries.len() / shape.kv_heads;
        let mut out = vec![0.0; queries.len()];
        for head in 0..shape.kv_heads {
            let (mut keys, mut values) = (Vec::new(), Vec::new());
            for seen in start..=position {
                let mut row = self.row(sequence, seen, 1, shape.key_width());
                Turn::new(shape, seen).apply(shape, &mut row);
                let own = |row: &[f32]| row[head * shape.head_size..][..shape.head_size].to_vec();
                keys.extend(own(&row).into_iter().map(|number| self.stored(number)));
                let row = self.row(sequence, seen, 2, shape.key_width());
                values.extend(own(&row).into_iter().map(|number| self.stored(number)));
            }
            let runs = Runs {
                keys: &[&keys[..]],
                values: &[&values[..]],
            };
            let (queries, out) = (
                &queries[head * group..][..group],
                &mut out[head * group..][..group],
            );
            attend(
                Instructions::Portable,
                shape.head_size,
                queries,
                &runs,
                &mut Scratch::default(),
                out,
            );
        }
        out
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn attention_is_that_of_the_cpu_and_of_each_token_alone(
        (kv_heads, group, half_size) in (1_usize..4, 1_usize..4, 1_usize..41),
        window in proptest::option::of(1_usize..700),
        (halves, neighbours) in (any::<bool>(), any::<bool>()),
        lengths in proptest::collection::vec(1_usize..SPAN * 5 / 2, 1..4),
        last in 1_usize..6,
        heat in proptest::sample::select(&[1.0_f32, 60.0]),
        numbers in proptest::collection::vec(-2.0_f32..2.0, 997),
    ) {
        let shape = Shape {
            layers: 2, hidden: 1, inner: 1, heads: kv_heads * group, kv_heads, head_size: 2 * half_size,
            vocabulary: 1, context: 4096, theta: 1e4, epsilon: 1e-5, window,
            pairs: if neighbours { Pairs::Neighbours } else { Pairs::Halves },
        };
        let width = shape.query_width();
        let world = World::new(shape, halves, heat, &lengths, numbers);
        let ends = |sequence: usize| lengths[sequence].saturating_sub(last)..lengths[sequence];
        let mut steps = Vec::new();
        for sequence in 0..lengths.len() {
            let before: Vec<_> = (0..ends(sequence).start).map(|position| (sequence, position)).collect();
            before.chunks(100).for_each(|steps| drop(world.kept(steps)));
            steps.extend(ends(sequence).map(|position| (sequence, position)));
        }
        let told = world.attended(&steps);
        for ((sequence, position), told) in steps.iter().zip(told.chunks_exact(width)) {
            let expected = world.expected(*sequence, *position);
            for (told, expected) in told.iter().zip(&expected) {
                prop_assert!((told - expected).abs() <= 2e-5, "{told} {expected} at {position}");
            }
            let alone = world.attended(&[(*sequence, *position)]);
            prop_assert!(bits(&alone) == bits(told), "beside others it is given something else");
        }
    }
}

#[test]
#[cfg(feature = "test-cuda")]
fn what_is_missing_is_named() {
    let found =
        |driver, compiler, count: fn() -> Result<i32, String>| cuda::found(driver, compiler, count);
    let rows = [
        (found(false, true, || Ok(1)), "libcuda.so.1"),
        (found(true, false, || Ok(1)), "libnvrtc.so"),
        (found(true, true, || Ok(0)), "no device"),
        (found(true, true, || Err("NO".to_owned())), "answers NO"),
    ];
    for (refused, what) in rows {
        let refused = refused.unwrap_err();
        assert!(refused.contains(what), "{refused}");
    }
    assert_eq!(found(true, true, || Ok(2)), Ok(()));
}

/// What a kernel would read or write beyond its memory is refused before it starts.
#[test]
fn memory_that_is_too_small_is_refused() {
    let gpu = gpu();
    let (small, weight) = (gpu.room(7).unwrap(), gpu.room(8).unwrap());
    let mut out = gpu.room(8).unwrap();
    let refused = gpu.norm(&small, None, 1, (&weight, 1e-5), &mut out);
    assert!(matches!(refused, Err(Fault::Device(_))), "{refused:?}");
}
