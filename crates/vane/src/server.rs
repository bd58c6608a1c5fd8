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
mod often;
mod worker;

pub use body::Body;
pub use ids::Ids;
pub use listen::{Bound, Server, bind, serve, serve_on};

use std::time::Duration;

/// A client that takes nothing for so long is gone.
const STALL: Duration = Duration::from_secs(300);
/// How long a connection may wait for its next call.
const IDLE_MAX: Duration = Duration::from_secs(600);
/// How long a client may take to read what was written and close, when its connection ends.
const CLOSING: Duration = Duration::from_secs(1);
