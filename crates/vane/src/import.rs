//! What another gateway was told, as Vane is told it.
//!
//! Pure: text in, text and a list out. Invariants: what does not map is listed and never guessed;
//! no secret is ever repeated.

pub mod litellm;
pub(crate) mod table;
pub(crate) mod yaml;
