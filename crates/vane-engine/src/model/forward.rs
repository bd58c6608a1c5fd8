//! One pass of some tokens of any sequences through the model.
//!
//! Invariant: what comes out for a token depends on its sequence alone. Tokens of one sequence stand
//! in the order of their positions, and none of its earlier positions is missing from the cache.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "positions become angles in single precision, as models are trained"
)]

use super::{Layer, Model};
use crate::cache::{BLOCK, Cache, Precision, Stored};
use crate::kernel::attention::{Scratch, attend};
use crate::kernel::{Crew, Panel, Reach, unpack_floats};
use crate::shape::{Pairs, Shape};
use crate::weights::Tensor;

/// One token at its place in a sequence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step<'a> {
    pub(crate) token: u32,
    pub(crate) position: usize,
    /// The blocks of its sequence.
    pub(crate) table: &'a [usize],
    /// Whether it is asked what comes next.
    pub(crate) asks: bool,
}

/// A pass, with the memory that it keeps for the next one.
#[derive(Debug)]
pub(crate) struct Forward {
    crew: Crew,
    panel: Panel,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    result: Vec<f32>,
}

impl Forward {
    pub(crate) fn new(crew: Crew) -> Self {
        Self {
            crew,
            panel: Panel::default(),
            queries: Vec::new(),
            keys: Vec::new(),
            values: Vec::new(),
            gate: Vec::new(),
            up: Vec::new(),
            result: Vec::new(),
        }
    }

    /// For each step that asks, in their order, a number for each token that may come next.
    pub(crate) fn run(
        &mut self,
        model: &Model,
        cache: &mut Cache,
        steps: &[Step<'_>],
    ) -> Vec<Vec<f32>> {
        let hidden = model.shape.hidden;
        let mut state = vec![0.0; steps.len() * hidden];
        for (step, row) in steps.iter().zip(state.chunks_exact_mut(hidden)) {
            let bytes = model.embedding.row(step.token as usize);
            unpack_floats(model.embedding.format, bytes, row);
        }
        let turns: Vec<Turn> = steps
            .iter()
            .map(|step| Turn::new(&model.shape, step.position))
            .collect();
        for (number, layer) in model.layers.iter().enumerate() {
            self.attention(
                &model.shape,
                layer,
                number,
                cache,
                steps,
                &turns,
                &mut state,
            );
            self.inner(&model.shape, layer, &mut state);
        }
        self.ask(model, steps, &state)
    }

    fn normed(&mut self, state: &[f32], norm: &[f32], epsilon: f32, weights: &[&Tensor]) {
        let columns = norm.len();
        let rows = self
            .panel
            .reset(state.len() / columns, columns)
            .chunks_exact_mut(columns);
        for (row, state) in rows.zip(state.chunks_exact(columns)) {
            let squares: f32 = state.iter().map(|number| number * number).sum();
            let scale = 1.0 / (squares / columns as f32 + epsilon).sqrt();
            for ((out, number), norm) in row.iter_mut().zip(state).zip(norm) {
                *out = norm * (number * scale);
            }
        }
        self.quantise_for(weights);
    }

    fn quantise_for(&mut self, weights: &[&Tensor]) {
        if weights.iter().any(|weight| weight.format.is_quantised()) {
            self.panel.quantise(self.crew.instructions);
        }
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "a layer is given all that it works on"
    )]
    fn attention(
        &mut self,
        shape: &Shape,
        layer: &Layer,
        number: usize,
        cache: &mut Cache,
        steps: &[Step<'_>],
        turns: &[Turn],
        state: &mut [f32],
    ) {
        let parts = [&layer.query, &layer.key, &layer.value];
        self.normed(state, &layer.attention_norm, shape.epsilon, &parts);
        project(self.crew, &layer.query, &self.panel, &mut self.queries);
        project(self.crew, &layer.key, &self.panel, &mut self.keys);
        project(self.crew, &layer.value, &self.panel, &mut self.values);
        let queries = self.queries.chunks_exact_mut(shape.query_width());
        let keys = self.keys.chunks_exact_mut(shape.key_width());
        for ((queries, keys), turn) in queries.zip(keys).zip(turns) {
            turn.apply(shape, queries);
            turn.apply(shape, keys);
        }
        let keys = self.keys.chunks_exact(shape.key_width());
        let pairs = keys.zip(self.values.chunks_exact(shape.key_width()));
        for (step, (keys, values)) in steps.iter().zip(pairs) {
            let (block, slot) = (step.table[step.position / BLOCK], step.position % BLOCK);
            cache.write(block, slot, number, keys, values);
        }
        let out = self.panel.reset(steps.len(), shape.query_width());
        let seen = Seen {
            shape,
            cache,
            layer: number,
            steps,
            queries: &self.queries,
        };
        match cache.precision() {
            Precision::Half => seen.attend::<u16>(self.crew, out),
            Precision::Single => seen.attend::<f32>(self.crew, out),
        }
        self.quantise_for(&[&layer.output]);
        project(self.crew, &layer.output, &self.panel, &mut self.result);
        add(state, &self.result);
    }

    fn inner(&mut self, shape: &Shape, layer: &Layer, state: &mut [f32]) {
        let parts = [&layer.gate, &layer.up];
        self.normed(state, &layer.inner_norm, shape.epsilon, &parts);
        project(self.crew, &layer.gate, &self.panel, &mut self.gate);
        project(self.crew, &layer.up, &self.panel, &mut self.up);
        let out = self.panel.reset(state.len() / shape.hidden, shape.inner);
        for ((out, gate), up) in out.iter_mut().zip(&self.gate).zip(&self.up) {
            *out = gate / (1.0 + (-gate).exp()) * up;
        }
        self.quantise_for(&[&layer.down]);
        project(self.crew, &layer.down, &self.panel, &mut self.result);
        add(state, &self.result);
    }

    fn ask(&mut self, model: &Model, steps: &[Step<'_>], state: &[f32]) -> Vec<Vec<f32>> {
        let rows = steps.iter().zip(state.chunks_exact(model.shape.hidden));
        let asking: Vec<f32> = rows
            .filter(|(step, _)| step.asks)
            .flat_map(|(_, row)| row)
            .copied()
            .collect();
        if asking.is_empty() {
            return Vec::new();
        }
        self.normed(&asking, &model.norm, model.shape.epsilon, &[&model.head]);
        project(self.crew, &model.head, &self.panel, &mut self.result);
        self.result
            .chunks_exact(model.shape.vocabulary)
            .map(<[f32]>::to_vec)
            .collect()
    }
}

fn project(crew: Crew, weight: &Tensor, panel: &Panel, out: &mut Vec<f32>) {
    out.clear();
    out.resize(panel.tokens() * weight.rows, 0.0);
    crew.multiply(weight, panel, out);
}

fn add(state: &mut [f32], more: &[f32]) {
    for (number, more) in state.iter_mut().zip(more) {
        *number += more;
    }
}

/// The angles of one position, as cosine and sine of each pair.
pub(super) struct Turn(pub(super) Vec<(f32, f32)>);

impl Turn {
    pub(super) fn new(shape: &Shape, position: usize) -> Self {
        let size = shape.head_size as f64;
        let pairs = (0..shape.head_size / 2).map(|pair| {
            let speed = shape.theta.powf(-((2 * pair) as f64) / size) as f32;
            let angle = position as f32 * speed;
            (angle.cos(), angle.sin())
        });
        Self(pairs.collect())
    }

    pub(super) fn apply(&self, shape: &Shape, heads: &mut [f32]) {
        let half = shape.head_size / 2;
        for head in heads.chunks_exact_mut(shape.head_size) {
            for (pair, (cosine, sine)) in self.0.iter().enumerate() {
                let (first, second) = match shape.pairs {
                    Pairs::Neighbours => (2 * pair, 2 * pair + 1),
                    Pairs::Halves => (pair, pair + half),
                };
                let (x, y) = (head[first], head[second]);
                head[first] = x * cosine - y * sine;
                head[second] = x * sine + y * cosine;
            }
        }
    }
}

/// What attention of one layer reads.
struct Seen<'a> {
    shape: &'a Shape,
    cache: &'a Cache,
    layer: usize,
    steps: &'a [Step<'a>],
    queries: &'a [f32],
}

impl Seen<'_> {
    /// `out` has for each token the heads side by side; each key head's part is one piece of work.
    fn attend<C: Stored>(&self, crew: Crew, out: &mut [f32]) {
        let width = self.shape.query_width() / self.shape.kv_heads;
        let reach: usize = self.steps.iter().map(|step| step.position + 1).sum();
        let hands = crew.hands(2 * reach * self.shape.query_width());
        let mut pieces: Vec<(usize, &mut [f32])> =
            out.chunks_exact_mut(width).enumerate().collect();
        let share = pieces.len().div_ceil(hands);
        let mut shares = Vec::new();
        while !pieces.is_empty() {
            let rest = pieces.split_off(share.min(pieces.len()));
            shares.push(std::mem::replace(&mut pieces, rest));
        }
        crew.share(shares, |pieces| {
            let mut scratch = Scratch::default();
            for (piece, out) in pieces {
                self.head::<C>(crew, piece, &mut scratch, out);
            }
        });
    }

    fn head<C: Stored>(&self, crew: Crew, piece: usize, scratch: &mut Scratch, out: &mut [f32]) {
        let heads = self.shape.kv_heads;
        let (step, head) = (&self.steps[piece / heads], piece % heads);
        let end = step.position + 1;
        let start = end.saturating_sub(self.shape.window.unwrap_or(end));
        let runs = |values: bool| -> Vec<&[C]> {
            (start / BLOCK..end.div_ceil(BLOCK))
                .map(|number| {
                    let first = number * BLOCK;
                    let tokens = (start.max(first) - first, (end - first).min(BLOCK));
                    self.cache
                        .run(step.table[number], self.layer, values, head, tokens)
                })
                .collect()
        };
        let (keys, values) = (runs(false), runs(true));
        let queries = &self.queries[piece * out.len()..][..out.len()];
        let reach = Reach {
            keys: &keys,
            values: &values,
        };
        attend(
            crew.instructions,
            self.shape.head_size,
            queries,
            &reach,
            scratch,
            out,
        );
    }
}
