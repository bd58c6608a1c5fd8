//! OpenAI Responses.
//!
//! Vane keeps no state: what a client wants remembered it sends again, and reasoning state
//! travels inside `encrypted_content`. So `store` is accepted and has no effect on the translated
//! path, and a reference to something stored is a 400 that says what to send instead.
//!
//! A streamed answer and its unstreamed twin are read by one `Output` and written from one `Draft`:
//! they cannot differ.

mod draft;
mod echo;
pub mod error;
mod item;
mod output;
pub mod request;
pub mod response;
pub mod stream;
mod wire;

#[cfg(test)]
mod tests;
