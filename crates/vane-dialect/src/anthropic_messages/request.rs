//! Requests: `POST /v1/messages` and `/v1/messages/count_tokens`.
//!
//! What the canonical call has no word for becomes an extra of this dialect, and goes back to
//! where it stood: top-level fields by their name, members of `thinking` and `output_config` as
//! `thinking.NAME` and `output_config.NAME`. Members of blocks cannot go back: they are kept as
//! `content.NAME` only so that an encoder notes them.

mod decode;
mod encode;

pub(crate) use decode::{block, decode, tool};
pub(crate) use encode::encode;
pub use encode::is_legal as is_legal_id;

/// Extras of members of content blocks begin with this.
const OF_CONTENT: &str = "content.";
/// Extras of members of `thinking` begin with this.
const OF_THINKING: &str = "thinking.";
/// Extras of members of `output_config` begin with this.
const OF_OUTPUT: &str = "output_config.";
