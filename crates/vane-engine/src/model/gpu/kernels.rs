//! The kernels with what each is given: the other half of the structures in `kernels.c`.
//!
//! Whatever a kernel reads or writes is checked to be there before it is started.
#![allow(
    unsafe_code,
    reason = "kernels are given addresses, of memory whose length was checked"
)]

use super::device::{Gpu, Memory, THREADS, fits};
use crate::Fault;
use crate::cache::BLOCK;
use crate::weights::format::Format;

/// Rows and tokens that a group multiplies.
const ROWS: usize = 8;
const TILE: usize = 8;
/// Numbers that share a scale.
const SCALED: usize = 32;
/// Positions whose keys and values one group looks at.
pub(super) const SPAN: usize = 512;

pub(super) type Floats = Memory<f32>;

/// Which kernels there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    Norm,
    Quantise,
    Multiply(Format),
    Gate,
    Turn,
    Attend,
    Merge,
}

impl Kernel {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        use Kernel::{Attend, Gate, Merge, Norm, Quantise, Turn};
        let multiply = Format::ALL.into_iter().map(Kernel::Multiply);
        [Norm, Quantise, Gate, Turn, Attend, Merge]
            .into_iter()
            .chain(multiply)
    }

    /// As `kernels.c` calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Kernel::Norm => "vane_norm",
            Kernel::Quantise => "vane_quantise",
            Kernel::Multiply(Format::F32) => "vane_multiply_f32",
            Kernel::Multiply(Format::F16) => "vane_multiply_f16",
            Kernel::Multiply(Format::Bf16) => "vane_multiply_bf16",
            Kernel::Multiply(Format::Q8_0) => "vane_multiply_q8_0",
            Kernel::Multiply(Format::Q4_0) => "vane_multiply_q4_0",
            Kernel::Multiply(Format::Q4_1) => "vane_multiply_q4_1",
            Kernel::Multiply(Format::Q4K) => "vane_multiply_q4_k",
            Kernel::Multiply(Format::Q5K) => "vane_multiply_q5_k",
            Kernel::Multiply(Format::Q6K) => "vane_multiply_q6_k",
            Kernel::Gate => "vane_gate",
            Kernel::Turn => "vane_turn",
            Kernel::Attend => "vane_attend",
            Kernel::Merge => "vane_merge",
        }
    }
}

/// A matrix as it lies in its file.
pub(super) struct Matrix {
    pub(super) format: Format,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) bytes: Memory<u8>,
}

/// The numbers of each token that are multiplied, and the same as small integers.
pub(super) struct Panel {
    pub(super) floats: Floats,
    pub(super) quants: Memory<i8>,
    pub(super) scales: Floats,
    pub(super) weighed: Floats,
}

impl Panel {
    pub(super) fn new(gpu: &Gpu, numbers: usize) -> Result<Self, Fault> {
        Ok(Self {
            floats: gpu.room(numbers)?,
            quants: gpu.room(numbers)?,
            scales: gpu.room(numbers / SCALED)?,
            weighed: gpu.room(numbers / SCALED)?,
        })
    }
}

/// Where the tokens of a pass stand.
pub(super) struct Places {
    pub(super) positions: Memory<u32>,
    /// Where the blocks of each token's sequence begin in `tables`.
    pub(super) starts: Memory<u32>,
    pub(super) tables: Memory<u32>,
    /// Cosine and sine, by token, by pair.
    pub(super) angles: Floats,
}

/// Keys and values of all sequences, as `cache.rs` numbers their blocks.
pub(super) struct Cells {
    pub(super) bytes: Memory<u8>,
    pub(super) blocks: usize,
    pub(super) halves: bool,
    pub(super) layers: usize,
    pub(super) heads: usize,
    pub(super) head_size: usize,
    pub(super) neighbours: bool,
}

/// A layer's attention of some tokens.
pub(super) struct Reach<'a> {
    pub(super) places: &'a Places,
    pub(super) cells: &'a Cells,
    pub(super) layer: usize,
    /// Of queries.
    pub(super) heads: usize,
    pub(super) tokens: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct NormArguments {
    input: u64,
    weight: u64,
    out: u64,
    chosen: u64,
    columns: u32,
    epsilon: f32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct QuantiseArguments {
    input: u64,
    quants: u64,
    scales: u64,
    weighed: u64,
    blocks: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct MultiplyArguments {
    weight: u64,
    floats: u64,
    quants: u64,
    scales: u64,
    weighed: u64,
    out: u64,
    row_bytes: u64,
    rows: u32,
    columns: u32,
    tokens: u32,
    adds: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct GateArguments {
    gate: u64,
    up: u64,
    out: u64,
    numbers: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct ReachArguments {
    positions: u64,
    starts: u64,
    tables: u64,
    angles: u64,
    cells: u64,
    halves: u32,
    layer: u32,
    layers: u32,
    heads: u32,
    head_size: u32,
    neighbours: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct TurnArguments {
    reach: ReachArguments,
    queries: u64,
    keys: u64,
    values: u64,
    heads: u32,
    tokens: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct AttendArguments {
    reach: ReachArguments,
    queries: u64,
    parts: u64,
    out: u64,
    heads: u32,
    window: u32,
    spans: u32,
}

impl Gpu {
    /// Rows of `input`, each scaled to a square of one and by `weight`: the first so many, or those chosen.
    pub(super) fn norm(
        &self,
        input: &Floats,
        chosen: Option<&Memory<u32>>,
        rows: usize,
        (weight, epsilon): (&Floats, f32),
        out: &mut Floats,
    ) -> Result<(), Fault> {
        let columns = weight.len();
        fits(input, rows * columns)?;
        fits(out, rows * columns)?;
        if let Some(chosen) = chosen {
            fits(chosen, rows)?;
        }
        let arguments = NormArguments {
            input: input.address(),
            weight: weight.address(),
            out: out.address(),
            chosen: chosen.map_or(0, |chosen| chosen.address()),
            columns: number(columns),
            epsilon,
        };
        // SAFETY: a group for each row; those that are chosen are rows of `input`, which has a row for each
        // step of a pass.
        unsafe { self.launch(Kernel::Norm, (number(rows), 1, 1), arguments) }
    }

    /// Makes integers of the first so many numbers of a panel.
    pub(super) fn quantise(&self, panel: &mut Panel, numbers: usize) -> Result<(), Fault> {
        let blocks = numbers / SCALED;
        fits(&panel.floats, numbers)?;
        fits(&panel.quants, numbers)?;
        fits(&panel.scales, blocks)?;
        fits(&panel.weighed, blocks)?;
        let arguments = QuantiseArguments {
            input: panel.floats.address(),
            quants: panel.quants.address(),
            scales: panel.scales.address(),
            weighed: panel.weighed.address(),
            blocks: number(blocks),
        };
        // SAFETY: a thread for each block; threads beyond them do nothing.
        unsafe { self.launch(Kernel::Quantise, each(blocks), arguments) }
    }

    /// `out` has a row of `weight.rows` numbers for each token; products take their place, or are added.
    pub(super) fn multiply(
        &self,
        weight: &Matrix,
        panel: &Panel,
        tokens: usize,
        out: &mut Floats,
        adds: bool,
    ) -> Result<(), Fault> {
        let row_bytes = weight.bytes.len() / weight.rows;
        fits(&panel.floats, tokens * weight.columns)?;
        fits(out, tokens * weight.rows)?;
        let arguments = MultiplyArguments {
            weight: weight.bytes.address(),
            floats: panel.floats.address(),
            quants: panel.quants.address(),
            scales: panel.scales.address(),
            weighed: panel.weighed.address(),
            out: out.address(),
            row_bytes: u64::try_from(row_bytes).unwrap_or(u64::MAX),
            rows: number(weight.rows),
            columns: number(weight.columns),
            tokens: number(tokens),
            adds: u32::from(adds),
        };
        let groups = (
            number(weight.rows.div_ceil(ROWS)),
            number(tokens.div_ceil(TILE)),
            1,
        );
        // SAFETY: groups for all rows and tokens; rows are whole blocks of their format, as the file was
        // found to have them, and integers are as many as the numbers of the panel.
        unsafe { self.launch(Kernel::Multiply(weight.format), groups, arguments) }
    }

    /// What the gate lets through.
    pub(super) fn gate(
        &self,
        gate: &Floats,
        up: &Floats,
        numbers: usize,
        out: &mut Floats,
    ) -> Result<(), Fault> {
        for memory in [gate, up, out] {
            fits(memory, numbers)?;
        }
        let arguments = GateArguments {
            gate: gate.address(),
            up: up.address(),
            out: out.address(),
            numbers: number(numbers),
        };
        // SAFETY: a thread for each number; threads beyond them do nothing.
        unsafe { self.launch(Kernel::Gate, each(numbers), arguments) }
    }

    /// Turns queries in place, and puts turned keys and values into the cache.
    pub(super) fn turn(
        &self,
        reach: &Reach<'_>,
        queries: &mut Floats,
        keys: &Floats,
        values: &Floats,
    ) -> Result<(), Fault> {
        let (tokens, cells) = (reach.tokens, reach.cells);
        fits(queries, tokens * reach.heads * cells.head_size)?;
        fits(keys, tokens * cells.heads * cells.head_size)?;
        fits(values, tokens * cells.heads * cells.head_size)?;
        let arguments = TurnArguments {
            reach: self.reach(reach)?,
            queries: queries.address(),
            keys: keys.address(),
            values: values.address(),
            heads: number(reach.heads),
            tokens: number(tokens),
        };
        let pairs = tokens * (reach.heads + cells.heads) * (cells.head_size / 2);
        // SAFETY: a thread for each pair, which nobody else touches; threads beyond them do nothing.
        // Places name blocks that there are (`Forward::place`).
        unsafe { self.launch(Kernel::Turn, each(pairs), arguments) }
    }

    /// What each token sees up to its position, within the window; `spans` is the most that one of them has.
    pub(super) fn attend(
        &self,
        reach: &Reach<'_>,
        (window, spans): (Option<usize>, usize),
        queries: &Floats,
        parts: &mut Floats,
        out: &mut Floats,
    ) -> Result<(), Fault> {
        let (tokens, cells) = (reach.tokens, reach.cells);
        fits(queries, tokens * reach.heads * cells.head_size)?;
        fits(out, tokens * reach.heads * cells.head_size)?;
        fits(parts, tokens * reach.heads * spans * (cells.head_size + 2))?;
        let arguments = AttendArguments {
            reach: self.reach(reach)?,
            queries: queries.address(),
            parts: parts.address(),
            out: out.address(),
            heads: number(reach.heads),
            window: number(window.unwrap_or(0)),
            spans: number(spans),
        };
        let (heads, tokens) = (number(reach.heads), number(tokens));
        let launch = |kernel, spans| {
            // SAFETY: a group for each head, token and span of its positions, of which none reaches beyond
            // them; places name blocks that there are (`Forward::place`).
            unsafe { self.launch(kernel, (heads, tokens, spans), arguments) }
        };
        launch(Kernel::Attend, number(spans))?;
        launch(Kernel::Merge, 1)
    }

    fn reach(&self, reach: &Reach<'_>) -> Result<ReachArguments, Fault> {
        let (places, cells) = (reach.places, reach.cells);
        fits(&places.positions, reach.tokens)?;
        fits(&places.starts, reach.tokens)?;
        fits(&places.angles, reach.tokens * cells.head_size)?;
        fits(&cells.bytes, cells.blocks * cells.block_bytes())?;
        Ok(ReachArguments {
            positions: places.positions.address(),
            starts: places.starts.address(),
            tables: places.tables.address(),
            angles: places.angles.address(),
            cells: cells.bytes.address(),
            halves: u32::from(cells.halves),
            layer: number(reach.layer),
            layers: number(cells.layers),
            heads: number(cells.heads),
            head_size: number(cells.head_size),
            neighbours: u32::from(cells.neighbours),
        })
    }
}

impl Cells {
    fn block_bytes(&self) -> usize {
        let numbers = self.layers * 2 * self.heads * BLOCK * self.head_size;
        numbers * if self.halves { 2 } else { 4 }
    }
}

/// Groups with a thread for each.
fn each(many: usize) -> (u32, u32, u32) {
    (number(many.div_ceil(THREADS as usize)), 1, 1)
}

/// Counts of a pass, which a `Shape` keeps far below. One that is not is refused before the kernel starts.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
