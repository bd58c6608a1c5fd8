//! The numbers of a block, in the precision of its cache.

use super::Precision;
use crate::kernel::attention::Cell;
use crate::kernel::half::half_of_single;

#[derive(Debug)]
pub(crate) enum Cells {
    Half(Box<[u16]>),
    Single(Box<[f32]>),
}

impl Cells {
    /// All zero; the system gives the memory when it is written.
    pub(super) fn new(precision: Precision, len: usize) -> Self {
        match precision {
            Precision::Half => Cells::Half(vec![0; len].into()),
            Precision::Single => Cells::Single(vec![0.0; len].into()),
        }
    }

    pub(super) fn write(&mut self, at: usize, numbers: &[f32]) {
        match self {
            Cells::Single(cells) => cells[at..at + numbers.len()].copy_from_slice(numbers),
            Cells::Half(cells) => {
                for (cell, number) in cells[at..].iter_mut().zip(numbers) {
                    *cell = half_of_single(*number);
                }
            }
        }
    }
}

/// A number as blocks of its precision hold it.
pub(crate) trait Stored: Cell + Sync {
    fn of(cells: &Cells) -> &[Self]
    where
        Self: Sized;
}

impl Stored for u16 {
    fn of(cells: &Cells) -> &[u16] {
        match cells {
            Cells::Half(cells) => cells,
            Cells::Single(_) => &[],
        }
    }
}

impl Stored for f32 {
    fn of(cells: &Cells) -> &[f32] {
        match cells {
            Cells::Single(cells) => cells,
            Cells::Half(_) => &[],
        }
    }
}
