//! The server: worker threads that each run their own connections, from accept to drain.
//!
//! A connection stays on the thread that got it, and so do the upstream connections it uses:
//! no call crosses threads.

mod body;
pub(crate) mod certificate;
mod h1;
mod h2;
mod ids;
mod listen;
mod worker;

pub use body::Body;
pub use ids::Ids;
pub use listen::{Bound, Server, bind, serve, serve_on};

/// A client that takes nothing for so long is gone.
const STALL: std::time::Duration = std::time::Duration::from_secs(300);
