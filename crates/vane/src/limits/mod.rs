//! Limits on what one key may do: calls at a time, calls and tokens in a minute.
//!
//! [`Traffic`] knows what the keys of this process have running and used of late, and gives a call
//! its [`Place`] or a [`Refusal`]. [`Standing`] is how a key stands with its limits, as headers tell
//! it. [`Shared`] makes them hold over all replicas. Time is what
//! [`Clock::elapsed`](vane_ledger::Clock::elapsed) says, never the time of day. No lock is held while
//! anything waits.

mod arrivals;
mod estimate;
mod headers;
mod lane;
mod refusal;
mod shared;
mod together;
mod traffic;
mod window;

pub use arrivals::Arrivals;
pub(crate) use arrivals::{network, network_of};
pub use estimate::tokens_guessed;
pub use headers::{Quota, Standing};
pub use lane::Place;
pub use refusal::Refusal;
pub use shared::{Shared, SharedFigures, resp};
pub use together::Together;
pub use traffic::Traffic;
