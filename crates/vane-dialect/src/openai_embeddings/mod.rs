//! OpenAI embeddings: also the union door that takes Mistral's fields.

pub mod request;
pub mod response;
