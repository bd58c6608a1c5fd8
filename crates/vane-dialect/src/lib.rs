//! Wire formats to canonical calls and events, and back.
//!
//! This crate is pure: no sockets, no clock, no database, no async.

mod dialect;
pub mod usage;

pub use dialect::Dialect;
