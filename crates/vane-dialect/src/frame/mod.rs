//! Framing: bytes of a stream -> frames, the same at any split of the bytes.

pub(crate) mod mould;
pub mod sse;
