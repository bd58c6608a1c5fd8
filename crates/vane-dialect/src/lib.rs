//! Wire formats to canonical calls and events, and back.
//!
//! Every dialect is a folder of the same files: `wire` (shapes), `request`, `response`, `stream`,
//! `error`. A call is decoded to [`Call`], routed, and encoded in the dialect of the offer that
//! serves it; the answer is decoded to [`Event`]s and encoded in the caller's dialect.
//!
//! This crate is pure: no sockets, no clock, no database, no async. The order of keys is wire
//! bytes, so nothing here is kept in a `HashMap`.

pub mod answer;
pub mod block;
pub mod call;
pub mod cite;
pub mod codec;
pub mod dialect;
pub mod effort;
pub mod embed;
pub mod estimate;
pub mod event;
pub mod exchange;
pub mod fault;
pub mod frame;
pub mod head;
pub mod hosted;
pub mod ids;
pub mod json;
mod names;
pub mod notes;
pub mod quirk;
pub mod seal;
pub mod sequence;
mod too_long;
mod unanswered;
pub mod usage;

pub mod anthropic_messages;
pub mod mistral_chat;
pub mod mistral_embeddings;
pub mod mistral_fim;
pub mod openai_chat;
pub mod openai_completions;
pub mod openai_embeddings;
pub mod openai_responses;

pub use answer::Answer;
pub use block::Block;
pub use call::{Call, Chat, Fill};
pub use dialect::Dialect;
pub use event::{Event, Sink, Stop};
pub use fault::Fault;
pub use notes::Notes;
pub use usage::Usage;
