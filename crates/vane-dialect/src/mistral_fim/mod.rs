//! Mistral fill-in-the-middle: a prompt and a suffix in, an answer in the shape of chat out.

mod gap;
pub mod request;
pub mod response;
pub mod stream;

pub use gap::Gap;

#[cfg(test)]
mod tests;
