//! Stripe, as its documentation describes it: Checkout Sessions, signed webhooks, events.

mod event;
mod session;
mod signature;

pub(super) use event::{Event, Said, Unread};
pub use session::begin;
pub(super) use signature::verify;

/// The version of Stripe's API whose fields these are.
const VERSION: &str = "2024-10-28.acacia";

/// The field of a payment's metadata that names our top-up, for people who look there.
const TOP_UP: &str = "vane_top_up";

/// Whether a key moves real money.
fn is_live(secret_key: &str) -> bool {
    secret_key.starts_with("sk_live_") || secret_key.starts_with("rk_live_")
}
