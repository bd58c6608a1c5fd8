//! Embeddings: the call and the answer, in canonical form.
//!
//! Vectors stay as the upstream wrote them until a client asks for the other encoding.

use crate::call::Extra;
use crate::json::Raw;
use crate::usage::Usage;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Embed {
    pub model: String,
    pub input: EmbedInput,
    pub dimensions: Option<u64>,
    /// `None`: the client did not say, so floats.
    pub encoding: Option<Encoding>,
    /// Mistral's `output_dtype` other than float, by name.
    pub dtype: Option<String>,
    pub extras: Vec<Extra>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum EmbedInput {
    One(String),
    Many(Vec<String>),
    /// Token ids (`[1, 2]` or `[[1], [2]]`), raw: only their own model can read them.
    Tokens(Raw),
}

impl Default for EmbedInput {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Float,
    /// Little-endian 32-bit floats in base64.
    Base64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    pub id: Option<String>,
    pub model: String,
    pub vectors: Vec<Vector>,
    /// Whether numbers come packed where `dtype` asks so. Who was not told of it sent floats.
    pub heeds_dtype: bool,
    /// None where the provider did not count.
    pub usage: Option<Usage>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Vector {
    /// A JSON array of numbers.
    Numbers(Raw),
    Base64(String),
}
