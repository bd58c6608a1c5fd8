//! OpenAI legacy completions, with `suffix`: a fill-in-the-middle door.

pub mod request;
pub mod response;
pub mod stream;
