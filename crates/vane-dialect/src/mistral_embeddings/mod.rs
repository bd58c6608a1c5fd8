//! Mistral embeddings.

pub mod request;
pub mod response;
