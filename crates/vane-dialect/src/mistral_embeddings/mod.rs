//! Mistral embeddings: OpenAI's with other names for the same wishes.

pub mod request;
pub mod response;

#[cfg(test)]
mod tests;
