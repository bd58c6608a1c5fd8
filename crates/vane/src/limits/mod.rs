//! Limits on what one caller may have open at a time.

mod arrivals;
mod concurrency;

pub use arrivals::Arrivals;
pub use concurrency::{Concurrency, Place};
