//! Weights of models on this machine: where they are, and how they come here.
//!
//! A [`Shelf`] is a folder in the layout of the hub's own cache, so that either can be read in place
//! of the other. A [`Name`] says which model, at which revision, and which of its files.
//!
//! Invariant: what a shelf gives out is whole. Files are linked into a snapshot after all of them
//! came and were compared with what they must be.

mod digest;
mod fetch;
mod hub;
mod inventory;
mod name;
mod pick;
mod pull;
mod room;
mod shelf;
mod size;
#[cfg(test)]
mod tests;
mod trouble;

pub use fetch::{Step, Wanted};
pub use hub::{Hub, Patience};
pub use inventory::{Checked, Shelved, Verdict};
pub use name::{Misnamed, Name};
pub use pick::Choice;
pub use pull::{Pulled, Put, Source, Survey, pull, survey};
pub use shelf::{Missing, Shelf};
pub use size::size;
pub use trouble::Trouble;
