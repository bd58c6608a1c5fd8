//! OpenAI embeddings: also the union door that takes Mistral's fields.
//!
//! Vectors travel as the upstream wrote them; `vector` turns one encoding into the other only
//! where the client asked for the other.

pub mod request;
pub mod response;
mod vector;

#[cfg(test)]
mod tests;
