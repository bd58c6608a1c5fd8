//! The server: worker threads that each run their own connections, from accept to drain.
//!
//! A connection stays on the thread that got it, and so do the upstream connections it uses:
//! no call crosses threads.

mod guard;
mod ids;
mod listen;
mod worker;

pub use ids::Ids;
pub use listen::{Server, serve};
