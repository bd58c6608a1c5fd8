//! Keys: secrets of an account for API calls.
//!
//! [`Key`] is the text, seen once by its owner and at every call. [`KeyRecord`] is what the
//! database remembers: everything but the text, of which it has only a keyed hash. Keys that took
//! each other's place by rotation are a lineage: they share [`Limits`] and budget, which are
//! counted by the id of the first one.

mod budget;
mod change;
mod hash;
mod limits;
mod record;
mod text;

pub(crate) use hash::KeyHasher;
pub(crate) use limits::COLUMNS as LIMIT_COLUMNS;
pub use limits::Limits;
pub use record::{KeyRecord, NewKey, Terms};
pub use text::Key;
