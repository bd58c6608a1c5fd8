//! OpenAI chat completions: also the union door that takes Mistral's fields, and what most
//! providers speak.
//!
//! `request` reads and writes calls, `reading` turns whole answers and chunks alike into events,
//! `stream` and `response` are their two outer forms, `schema` fits JSON Schemas to those who refuse some.

mod details;
pub mod error;
mod reading;
pub mod request;
pub mod response;
pub(crate) mod schema;
mod signatures;
pub mod stream;
mod think;
pub(crate) mod usage;
mod wire;

#[cfg(test)]
mod tests;
