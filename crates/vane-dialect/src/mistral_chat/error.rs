//! Mistral's errors: five body shapes in, one envelope out.
//!
//! No text of a credential's refusal reaches a caller, and no HTML reaches anybody.

mod decode;
mod encode;

pub(crate) use decode::{declared, decode};
pub(crate) use encode::{encode, in_stream};

#[cfg(test)]
mod tests;
