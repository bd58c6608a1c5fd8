//! OpenAI chat completions: also the union door that takes Mistral's fields.

pub mod error;
pub mod request;
pub mod response;
pub mod stream;
