//! Embeddings answers: both dialects share one superset.

use crate::embed::{Embed, Embedding};
use crate::fault::Fault;
use crate::openai_embeddings::response;

/// # Errors
/// If the body is not an embeddings answer.
pub fn decode(body: &[u8]) -> Result<Embedding, Fault> {
    let answer = response::decode(body)?;
    Ok(Embedding {
        heeds_dtype: true,
        ..answer
    })
}

/// Encodes the answer in the encoding that `asked` wants.
///
/// # Errors
/// If the upstream's vectors are no numbers.
pub fn encode(
    answer: &Embedding,
    asked: &Embed,
    id: &str,
    cost: Option<&str>,
) -> Result<Vec<u8>, Fault> {
    response::encode(answer, asked, id, cost)
}
