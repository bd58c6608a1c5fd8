//! Who pays: accounts and their keys, in a database.
//!
//! [`Store`] is the database. Its calls are short and synchronous; an asynchronous caller makes
//! them off its runtime. The path of a request asks the [`KeyRing`] instead, which answers from
//! memory. Nothing here reads the environment or asks for the time: callers pass both in.
#![warn(
    clippy::arithmetic_side_effects,
    reason = "money and time must not wrap; every operation says what happens at its limit"
)]

mod account;
mod clock;
mod draft;
mod error;
pub mod journal;
mod key;
mod name;
mod ring;
mod secret;
mod store;

pub use account::{Account, AccountId, AccountKind};
pub use clock::Clock;
pub use error::LedgerError;
pub use key::{Key, KeyRecord, NewKey};
pub use ring::{Caller, Denied, KeyRing, Recall, Watch};
pub use secret::{Purpose, Sealer, Secret};
pub use store::{Sqlite, Store};
