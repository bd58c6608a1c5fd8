//! Translation as a whole: golden files, twins, splits and the fidelity matrix.
//!
//! The inputs are recorded-looking bodies written from the providers' contracts; none was made by
//! an encoder of ours. `UPDATE_GOLDEN=1` rewrites the snapshots and `docs/fidelity.md`; their diff
//! is reviewed like code.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are the tests themselves, in functions of their own"
)]

mod broken;
mod carried;
mod cases;
mod cut;
mod fidelity;
mod layout;
mod many;
mod models;
mod offers;
mod requests;
mod streams;
mod told;
mod twins;
