//! Weights of models on this machine: where they are, and how they come here.
//!
//! A [`Shelf`] is a folder in the layout of the hub's own cache, so that either can be read in place
//! of the other. A [`Name`] says which model, at which revision, and which of its files.
//!
//! Invariant: what a shelf gives out is whole. Files are linked into a snapshot after all of them
//! came and were compared with what they must be.

mod name;
mod shelf;
#[cfg(test)]
mod tests;

pub use name::{Misnamed, Name};
pub use shelf::{Missing, Shelf};
