//! Framing: bytes of a stream -> frames, the same at any split of the bytes.

pub mod sse;
