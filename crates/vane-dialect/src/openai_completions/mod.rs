//! OpenAI legacy completions, with `suffix`: a fill-in-the-middle door.
//!
//! Answers are read by the chat reader, which takes both shapes (`text`, `message.content`):
//! providers' completion routes differ in which they use.

pub mod request;
pub mod response;
pub mod stream;

#[cfg(test)]
mod tests;
