//! Keys: secrets of an account for API calls.
//!
//! [`Key`] is the text, seen once by its owner and at every call. [`KeyRecord`] is what the
//! database remembers: everything but the text, of which it has only a keyed hash.

mod hash;
mod record;
mod text;

pub(crate) use hash::KeyHasher;
pub(crate) use record::models_of;
pub use record::{KeyRecord, NewKey};
pub use text::Key;
