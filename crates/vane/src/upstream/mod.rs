//! Providers as this process reaches them: addresses, credentials, connections, health.

mod body;
mod breaker;
mod connect;
mod h1;
mod h2;
mod mask;
mod measured;
mod names;
mod offer;
mod parts;
mod pool;
mod provider;
mod seen;
mod spread;
mod tls;

pub use body::Body;
pub use breaker::{Breaker, Standing};
pub use connect::Via;
pub use mask::Mask;
pub use measured::Measured;
pub use offer::{Offer, Offers, Tally, Trials};
pub use parts::Parts;
pub use pool::{Pool, Unsent};
pub use provider::{HOP, Provider};
pub use seen::{Seen, Sums};
pub use spread::Spread;
pub(crate) use tls::without_alpn as tls_without_alpn;
