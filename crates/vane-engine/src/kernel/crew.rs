//! The threads that share one multiplication.
//!
//! Threads live for one piece of work and never spin: on a busy machine a barrier that spins waits
//! for whoever was not scheduled, and one thread would have been faster.

use std::thread;

use super::{Instructions, Panel, multiply};
use crate::weights::Tensor;

/// Below this many multiplications, starting a thread costs more than it saves.
const SHARED_FROM: usize = 1 << 20;

/// Rows of a share are a multiple of this, because kernels take several at once.
const SHARE: usize = 8;

/// How many threads work at once, and with which instructions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crew {
    pub(crate) threads: usize,
    pub(crate) instructions: Instructions,
}

impl Crew {
    /// `out` holds a row of `weight.rows` numbers for each token.
    pub(crate) fn multiply(&self, weight: &Tensor, panel: &Panel, out: &mut [f32]) {
        debug_assert_eq!(panel.columns(), weight.columns);
        let work = weight.rows * weight.columns * panel.tokens();
        let share = weight
            .rows
            .div_ceil(self.hands(work))
            .next_multiple_of(SHARE);
        let mut shares: Vec<(usize, Vec<&mut [f32]>)> = Vec::new();
        for row in out.chunks_mut(weight.rows) {
            for (number, part) in row.chunks_mut(share).enumerate() {
                match shares.get_mut(number) {
                    Some((_, parts)) => parts.push(part),
                    None => shares.push((number * share, vec![part])),
                }
            }
        }
        self.share(shares, |(start, mut out)| {
            let rows = start..start + out.first().map_or(0, |part| part.len());
            multiply(self.instructions, weight, rows, panel, &mut out);
        });
    }

    /// Among how many so much work is shared.
    pub(crate) fn hands(&self, work: usize) -> usize {
        if work < SHARED_FROM {
            1
        } else {
            self.threads.max(1)
        }
    }

    /// Each piece on a thread of its own, the first on this one.
    pub(crate) fn share<T: Send>(&self, pieces: Vec<T>, work: impl Fn(T) + Sync) {
        let mut pieces = pieces.into_iter();
        let first = pieces.next();
        thread::scope(|scope| {
            for piece in pieces {
                scope.spawn(|| work(piece));
            }
            if let Some(first) = first {
                work(first);
            }
        });
    }
}
