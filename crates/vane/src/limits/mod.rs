//! Limits on what one caller may have open at a time.

mod concurrency;

pub use concurrency::{Concurrency, Place};
