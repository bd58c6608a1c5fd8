//! Mistral fill-in-the-middle.

pub mod request;
pub mod response;
pub mod stream;
