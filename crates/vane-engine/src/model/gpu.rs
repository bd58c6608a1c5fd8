//! A pass on a device, as `forward.rs` makes one on the CPU: weights as they lie in their files, keys
//! and values in the device's memory, in the blocks that the cache gives out.
//!
//! Invariant: as there, what comes out for a token depends on its sequence alone, to the last bit: no kernel
//! looks at how many tokens a pass has. No device has run this yet: docs/engine.md says how it was tested.
#![cfg_attr(
    not(any(feature = "cuda", target_os = "macos")),
    allow(
        dead_code,
        reason = "Metal is compiled where there is none, and never opened"
    )
)]

#[cfg(feature = "cuda")]
pub(crate) mod cuda;
mod device;
mod kernels;
#[cfg(feature = "metal")]
pub(crate) mod metal;
#[cfg(test)]
#[cfg(any(
    feature = "test-cuda",
    all(feature = "test-metal", target_os = "macos")
))]
mod tests;

use super::forward::Turn;
use super::{Layer, Model, Step};
use crate::Fault;
use crate::cache::{BLOCK, Cache, Precision};
use crate::kernel::unpack_floats;
use crate::shape::{Pairs, Shape};
use crate::weights::Tensor;
pub(crate) use device::Gpu;
use device::Memory;
use kernels::{Cells, Floats, Matrix, Panel, Places, Reach, SPAN};

/// The most that a pass may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) steps: usize,
    pub(crate) sequences: usize,
    /// Tokens of a sequence.
    pub(crate) context: usize,
}

/// A pass, with all of a model that it needs and the memory that it keeps for the next one.
pub(crate) struct Forward {
    gpu: Gpu,
    bounds: Bounds,
    layers: Vec<Weights>,
    norm: Floats,
    head: Matrix,
    cells: Cells,
    room: Room,
}

/// A layer on the device.
struct Weights {
    attention_norm: Floats,
    query: Matrix,
    key: Matrix,
    value: Matrix,
    output: Matrix,
    inner_norm: Floats,
    gate: Matrix,
    up: Matrix,
    down: Matrix,
}

/// What a pass computes on the way.
struct Room {
    places: Places,
    /// Rows that are asked what comes next.
    asking: Memory<u32>,
    state: Floats,
    panel: Panel,
    queries: Floats,
    keys: Floats,
    values: Floats,
    gate: Floats,
    up: Floats,
    parts: Floats,
    logits: Floats,
}

/// How many numbers each of them has at most.
struct Sizes {
    steps: usize,
    tables: usize,
    angles: usize,
    asking: usize,
    state: usize,
    panel: usize,
    queries: usize,
    keys: usize,
    inner: usize,
    parts: usize,
    logits: usize,
}

impl Sizes {
    fn new(shape: &Shape, bounds: Bounds) -> Self {
        let steps = bounds.steps;
        let asking = bounds.sequences.min(steps);
        let widest = shape.hidden.max(shape.inner).max(shape.query_width());
        let spans = spans_of(bounds.context, shape.window);
        Self {
            steps,
            tables: bounds.sequences * bounds.context.div_ceil(BLOCK),
            angles: steps * shape.head_size,
            asking,
            state: steps * shape.hidden,
            panel: steps * widest,
            queries: steps * shape.query_width(),
            keys: steps * shape.key_width(),
            inner: steps * shape.inner,
            parts: steps * shape.heads * spans * (shape.head_size + 2),
            logits: asking * shape.vocabulary,
        }
    }

    fn bytes(&self) -> u64 {
        let places = 2 * self.steps + self.tables + self.angles + self.asking;
        let numbers = self.state + self.queries + 2 * self.keys + 2 * self.inner;
        // Integers of a panel have a byte, and two numbers for each block.
        let panel = 6 * self.panel;
        let bytes = 4 * (places + numbers + self.parts + self.logits) + panel;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

/// Spans that the last of so many positions may look at.
fn spans_of(end: usize, window: Option<usize>) -> usize {
    let all = end.div_ceil(SPAN);
    window.map_or(all, |window| all.min(window.div_ceil(SPAN) + 1))
}

/// What a pass needs beside weights, keys and values.
pub(crate) fn room_bytes(shape: &Shape, bounds: Bounds) -> u64 {
    Sizes::new(shape, bounds).bytes()
}

impl Room {
    fn new(gpu: &Gpu, sizes: &Sizes) -> Result<Self, Fault> {
        Ok(Self {
            places: Places {
                positions: gpu.room(sizes.steps)?,
                starts: gpu.room(sizes.steps)?,
                tables: gpu.room(sizes.tables)?,
                angles: gpu.room(sizes.angles)?,
            },
            asking: gpu.room(sizes.asking)?,
            state: gpu.room(sizes.state)?,
            panel: Panel::new(gpu, sizes.panel)?,
            queries: gpu.room(sizes.queries)?,
            keys: gpu.room(sizes.keys)?,
            values: gpu.room(sizes.keys)?,
            gate: gpu.room(sizes.inner)?,
            up: gpu.room(sizes.inner)?,
            parts: gpu.room(sizes.parts)?,
            logits: gpu.room(sizes.logits)?,
        })
    }
}

impl Forward {
    /// Brings a model to a device, and makes room there for the blocks of a cache.
    pub(crate) fn new(
        model: &Model,
        cache: &Cache,
        gpu: Gpu,
        bounds: Bounds,
    ) -> Result<Self, Fault> {
        let shape = &model.shape;
        let layers = model.layers.iter().map(|layer| Weights::new(&gpu, layer));
        let block = Cache::block_bytes(shape, cache.precision());
        let block = usize::try_from(block).unwrap_or(usize::MAX);
        let cells = Cells {
            bytes: gpu.room(cache.blocks_max().saturating_mul(block))?,
            blocks: cache.blocks_max(),
            halves: cache.precision() == Precision::Half,
            layers: shape.layers,
            heads: shape.kv_heads,
            head_size: shape.head_size,
            neighbours: shape.pairs == Pairs::Neighbours,
        };
        Ok(Self {
            layers: layers.collect::<Result<_, _>>()?,
            norm: gpu.upload(&model.norm)?,
            head: matrix(&gpu, &model.head)?,
            cells,
            room: Room::new(&gpu, &Sizes::new(shape, bounds))?,
            gpu,
            bounds,
        })
    }

    /// For each step that asks, in their order, a number for each token that may come next.
    pub(crate) fn run(
        &mut self,
        model: &Model,
        steps: &[Step<'_>],
    ) -> Result<Vec<Vec<f32>>, Fault> {
        self.place(model, steps)?;
        let ends = steps.iter().map(|step| step.position + 1);
        let spans = ends.map(|end| spans_of(end, model.shape.window)).max();
        for number in 0..self.layers.len() {
            self.attention(&model.shape, number, steps.len(), spans.unwrap_or(1))?;
            self.inner(&model.shape, number, steps.len())?;
        }
        self.ask(model, steps)
    }

    /// Says where tokens stand, and what they are before the first layer: rows of the embedding, which
    /// stays in its file.
    fn place(&mut self, model: &Model, steps: &[Step<'_>]) -> Result<(), Fault> {
        let (mut positions, mut starts) = (Vec::new(), Vec::new());
        let (mut tables, mut angles) = (Vec::<u32>::new(), Vec::new());
        let mut state = vec![0.0; steps.len() * model.shape.hidden];
        let mut last: &[usize] = &[];
        let mut start = 0;
        for step in steps {
            // Tokens of one sequence have one table.
            if !std::ptr::eq(last, step.table) {
                start = tables.len();
                last = step.table;
                tables.extend(last.iter().map(|block| number(*block)));
            }
            self.check(step)?;
            positions.push(number(step.position));
            starts.push(number(start));
            let turn = Turn::new(&model.shape, step.position);
            angles.extend(turn.0.iter().flat_map(|(cosine, sine)| [*cosine, *sine]));
        }
        for (step, row) in steps.iter().zip(state.chunks_exact_mut(model.shape.hidden)) {
            let bytes = model.embedding.row(step.token as usize);
            unpack_floats(model.embedding.format, bytes, row);
        }
        let (gpu, places) = (&self.gpu, &mut self.room.places);
        gpu.write(&positions, &mut places.positions)?;
        gpu.write(&starts, &mut places.starts)?;
        gpu.write(&tables, &mut places.tables)?;
        gpu.write(&angles, &mut places.angles)?;
        // Now, while nothing runs: later, a device whose memory is the CPU's would be waited for.
        gpu.write(&asking(steps), &mut self.room.asking)?;
        gpu.write(&state, &mut self.room.state)
    }

    /// Kernels trust what they are told of places.
    fn check(&self, step: &Step<'_>) -> Result<(), Fault> {
        let known = step.table.iter().all(|block| *block < self.cells.blocks);
        if known && step.position / BLOCK < step.table.len() && step.position < self.bounds.context
        {
            return Ok(());
        }
        let what = format!("a token at {} has no place there", step.position);
        Err(Fault::Device(what))
    }

    fn attention(
        &mut self,
        shape: &Shape,
        number: usize,
        tokens: usize,
        spans: usize,
    ) -> Result<(), Fault> {
        let (gpu, room, layer) = (&self.gpu, &mut self.room, &self.layers[number]);
        let norm = (&layer.attention_norm, shape.epsilon);
        gpu.norm(&room.state, None, tokens, norm, &mut room.panel.floats)?;
        let parts = [&layer.query, &layer.key, &layer.value];
        quantise(gpu, &mut room.panel, tokens, &parts)?;
        gpu.multiply(&layer.query, &room.panel, tokens, &mut room.queries, false)?;
        gpu.multiply(&layer.key, &room.panel, tokens, &mut room.keys, false)?;
        gpu.multiply(&layer.value, &room.panel, tokens, &mut room.values, false)?;
        let reach = Reach {
            places: &room.places,
            cells: &self.cells,
            layer: number,
            heads: shape.heads,
            tokens,
        };
        gpu.turn(&reach, &mut room.queries, &room.keys, &room.values)?;
        gpu.attend(
            &reach,
            (shape.window, spans),
            &room.queries,
            &mut room.parts,
            &mut room.panel.floats,
        )?;
        quantise(gpu, &mut room.panel, tokens, &[&layer.output])?;
        gpu.multiply(&layer.output, &room.panel, tokens, &mut room.state, true)
    }

    fn inner(&mut self, shape: &Shape, number: usize, tokens: usize) -> Result<(), Fault> {
        let (gpu, room, layer) = (&self.gpu, &mut self.room, &self.layers[number]);
        let norm = (&layer.inner_norm, shape.epsilon);
        gpu.norm(&room.state, None, tokens, norm, &mut room.panel.floats)?;
        quantise(gpu, &mut room.panel, tokens, &[&layer.gate, &layer.up])?;
        gpu.multiply(&layer.gate, &room.panel, tokens, &mut room.gate, false)?;
        gpu.multiply(&layer.up, &room.panel, tokens, &mut room.up, false)?;
        let numbers = tokens * shape.inner;
        gpu.gate(&room.gate, &room.up, numbers, &mut room.panel.floats)?;
        quantise(gpu, &mut room.panel, tokens, &[&layer.down])?;
        gpu.multiply(&layer.down, &room.panel, tokens, &mut room.state, true)
    }

    fn ask(&mut self, model: &Model, steps: &[Step<'_>]) -> Result<Vec<Vec<f32>>, Fault> {
        let (gpu, room, shape) = (&self.gpu, &mut self.room, &model.shape);
        let many = asking(steps).len();
        if many == 0 {
            return Ok(Vec::new());
        }
        let (chosen, norm) = (Some(&room.asking), (&self.norm, shape.epsilon));
        gpu.norm(&room.state, chosen, many, norm, &mut room.panel.floats)?;
        quantise(gpu, &mut room.panel, many, &[&self.head])?;
        gpu.multiply(&self.head, &room.panel, many, &mut room.logits, false)?;
        let logits = gpu.read(&room.logits, many * shape.vocabulary)?;
        let rows = logits.chunks_exact(shape.vocabulary);
        Ok(rows.map(<[f32]>::to_vec).collect())
    }
}

impl Weights {
    fn new(gpu: &Gpu, layer: &Layer) -> Result<Self, Fault> {
        Ok(Self {
            attention_norm: gpu.upload(&layer.attention_norm)?,
            query: matrix(gpu, &layer.query)?,
            key: matrix(gpu, &layer.key)?,
            value: matrix(gpu, &layer.value)?,
            output: matrix(gpu, &layer.output)?,
            inner_norm: gpu.upload(&layer.inner_norm)?,
            gate: matrix(gpu, &layer.gate)?,
            up: matrix(gpu, &layer.up)?,
            down: matrix(gpu, &layer.down)?,
        })
    }
}

fn matrix(gpu: &Gpu, tensor: &Tensor) -> Result<Matrix, Fault> {
    Ok(Matrix {
        format: tensor.format,
        rows: tensor.rows,
        columns: tensor.columns,
        bytes: gpu.weights(tensor)?,
    })
}

/// The rows of steps that ask.
fn asking(steps: &[Step<'_>]) -> Vec<u32> {
    let asking = steps.iter().enumerate().filter(|(_, step)| step.asks);
    asking.map(|(row, _)| number(row)).collect()
}

/// Makes integers of a panel, where they will be multiplied.
fn quantise(gpu: &Gpu, panel: &mut Panel, tokens: usize, weights: &[&Matrix]) -> Result<(), Fault> {
    let quantised = weights.iter().find(|weight| weight.format.is_quantised());
    quantised.map_or(Ok(()), |weight| {
        gpu.quantise(panel, tokens * weight.columns)
    })
}

/// Of blocks and positions, which are checked, and of steps.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
