//! Vane: a gateway to language models.
//!
//! [`relay`] is the walk of a request on one screen; [`router`] has every route on one page;
//! [`gateway`] holds what lives long. Nothing in this crate translates wire formats, prices usage
//! or writes to a database: `vane-dialect`, `vane-catalog` and `vane-ledger` do.

pub mod api;
pub mod chore;
pub mod chronicle;
mod chunked;
pub mod cli;
pub mod config;
mod engine;
mod first_call;
pub mod form;
pub mod gateway;
pub mod import;
pub mod limits;
pub mod local;
pub mod openapi;
mod origin;
pub mod payments;
pub mod people;
pub mod playground;
pub mod reconcile;
pub mod relay;
pub mod removal;
pub mod rescue;
pub mod router;
pub mod seal;
pub mod server;
pub mod site;
mod socket;
pub mod telemetry;
pub mod tokens;
pub mod upstream;
pub mod weights;
