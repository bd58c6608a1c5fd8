//! Who pays: accounts, their keys, and the books, in a database.
//!
//! [`Store`] is the database. Its calls are short and synchronous; an asynchronous caller makes
//! them off its runtime. The path of a request asks the [`KeyRing`] instead, which answers from
//! memory, and holds money and settles calls through its [`Replica`]. What may happen to money is decided in [`book`], without a database; [`Store::apply`]
//! makes it happen and [`Store::audit`] proves it. Nothing here reads the environment or asks for the time: callers pass both in.
#![warn(
    clippy::arithmetic_side_effects,
    reason = "money and time must not wrap; every operation says what happens at its limit"
)]

mod account;
mod audit;
pub mod book;
mod clock;
mod draft;
mod error;
mod example;
mod id;
pub mod journal;
mod key;
mod member;
mod name;
mod person;
mod provider_key;
mod quick;
pub mod replica;
mod ring;
mod secret;
mod store;
mod trail;

pub use account::{Account, AccountId, AccountKind};
pub use audit::{Audited, Broken};
pub use clock::Clock;
pub use error::LedgerError;
pub use example::{Example, NewExample};
pub use id::new_id;
pub use key::{Key, KeyRecord, Limits, NewKey, Terms};
pub use member::{Author, CONSOLE, Member, Right, Role, Who};
pub use person::{
    Invitation, Password, Person, Seat, SignedUp, SigningUp, Spans, Token, User, Visit,
};
pub use replica::{Figures, Hold, Payer, Replica, Settling, Short};
pub use ring::{Acting, Caller, Denied, KeyRing, Recall, Watch};
pub use secret::{Purpose, Sealer, Secret};
pub use store::{
    BATCH_MAX, By, Claim, Each, Figure, Ingest, Life, NEWEST_MAX, Newest, Of, OfferCount,
    OpenStray, Posted, Postgres, ProviderDay, Removable, Removal, Repeatable, Room, Spread, Sqlite,
    StatementLine, Store, Stray, StrayEntry, UsageRow, Use,
};
pub use trail::Change;
