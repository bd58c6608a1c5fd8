use crate::embed::{Embed, Embedding};
use crate::fault::Fault;

/// # Errors
/// If the body is not an embeddings answer.
pub fn decode(_body: &[u8]) -> Result<Embedding, Fault> {
    Err(Fault::unsupported("", "not yet"))
}

/// Encodes the answer in the encoding that `asked` wants.
///
/// # Errors
/// If the upstream's vectors are no numbers.
pub fn encode(
    _: &Embedding,
    _asked: &Embed,
    _id: &str,
    _cost: Option<&str>,
) -> Result<Vec<u8>, Fault> {
    Err(Fault::unsupported("", "not yet"))
}
