//! Requests: a client's body -> [`Call`](crate::Call) and back to a provider's body.
//!
//! Members of items and tools that the canonical call has no word for cannot go back where they
//! stood: they are kept as extras, `input.NAME` and `tools.NAME`, only so that an encoder notes them.

mod decode;
mod encode;
mod items;
pub(super) mod parts;
mod tools;
mod write_items;
mod write_parts;
pub(super) mod write_settings;
pub(super) mod write_tools;

pub(crate) use decode::decode;
pub(crate) use encode::encode;

/// Extras of members of input items begin with this.
const OF_ITEM: &str = "input.";
/// Extras of members of tools begin with this.
const OF_TOOL: &str = "tools.";
