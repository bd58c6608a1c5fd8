//! Money that comes in through a provider of payments.
//!
//! A top-up is written down before the provider hears of it, and is credited by what was written
//! down. What the provider says afterwards comes to the webhook and is believed only when it is
//! signed. Nothing here decides about money: events become operations of the books, which take
//! each of them once, in any order.

mod cents;
mod delivery;
mod stripe;
mod webhook;

use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};

pub use cents::{fee, is_whole_cents};
pub use delivery::Deliveries;
pub use stripe::begin;
pub use webhook::{BODY_BYTES_MAX, is_believed, meaning, receive};

/// How the books name the provider.
pub const PROVIDER: &str = "stripe";

/// Why nobody can pay here.
#[must_use]
pub fn off() -> Fault {
    let message = "this server takes no payments: its operator can turn them on with `[payments]`";
    Fault::new(Kind::NotFound, Blame::Caller, message).with_code("payments_off")
}

/// Why an account cannot do this.
#[must_use]
pub fn frozen(account: &str) -> Fault {
    let message = format!(
        "the account {account:?} is frozen: a payment of it was taken back, or its operator froze \
         it; the operator can say why and serve it again"
    );
    Fault::new(Kind::Forbidden, Blame::Caller, message).with_code("account_frozen")
}
