//! Embeddings: no events, the same walk.

use super::dispatch::{Asked, Walk};
use super::whole::{self, WholeAnswer};
use std::sync::Arc;
use vane_dialect::embed::{Embed, Embedding};
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::{Call, Dialect, Fault, Usage, mistral_embeddings, openai_embeddings};

/// The vectors of an answer and how the caller wants them.
pub(super) struct Vectors {
    embedding: Embedding,
    call: Arc<Call>,
    door: Dialect,
    id: String,
}

/// Reads an embeddings answer.
///
/// # Errors
/// If it is none.
pub(super) async fn read(walk: &Walk, asked: Asked) -> Result<WholeAnswer, Fault> {
    let call = walk.call.blocks(walk.seal.as_ref())?;
    let dialect = asked.choice.dialect;
    let body = whole::body(walk, asked.response, &asked.choice).await?;
    let embedding = match dialect {
        Dialect::MistralEmbeddings => mistral_embeddings::response::decode(&body)?,
        _ => openai_embeddings::response::decode(&body)?,
    };
    let vectors = Vectors {
        embedding,
        call,
        door: walk.call.dialect(),
        id: walk.call.request_id.clone(),
    };
    Ok(WholeAnswer::embeddings(
        (asked.choice, asked.notes),
        vectors,
    ))
}

impl Vectors {
    pub(super) const fn usage(&self) -> Option<Usage> {
        self.embedding.usage
    }

    /// The answer in the caller's dialect and encoding.
    ///
    /// # Errors
    /// If the vectors are no numbers.
    pub(super) fn encode(&self, cost: Option<&str>) -> Result<Vec<u8>, Fault> {
        let asked: &Embed = match self.call.as_ref() {
            Call::Embed(embed) => embed,
            Call::Chat(_) | Call::Fill(_) => {
                return Err(Fault::new(
                    Kind::Internal,
                    Blame::Us,
                    "vectors for no embeddings call",
                ));
            }
        };
        match self.door {
            Dialect::MistralEmbeddings => {
                mistral_embeddings::response::encode(&self.embedding, asked, &self.id, cost)
            }
            _ => openai_embeddings::response::encode(&self.embedding, asked, &self.id, cost),
        }
    }
}
