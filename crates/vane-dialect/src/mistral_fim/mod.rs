//! Mistral fill-in-the-middle: a prompt and a suffix in, an answer in the shape of chat out.

pub mod request;
pub mod response;
pub mod stream;

#[cfg(test)]
mod tests;
