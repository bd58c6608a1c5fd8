//! Embeddings requests. Mistral's bodies are closed: what it does not name is not sent.

use crate::call::Call;
use crate::dialect::Dialect;
use crate::embed::{Embed, EmbedInput, Encoding};
use crate::exchange::{Encoded, Target};
use crate::fault::Fault;
use crate::notes::Notes;
use crate::openai_embeddings::request::{begin, decode_as, extras, field};

pub(crate) fn decode(body: &[u8]) -> Result<Call, Fault> {
    decode_as(Dialect::MistralEmbeddings, body)
}

pub(crate) fn encode(
    embed: &Embed,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Result<Encoded, Fault> {
    if let EmbedInput::Tokens(_) = embed.input {
        return Err(Fault::unsupported(
            "input",
            "token ids go only to the model they were made for: send text",
        ));
    }
    let mut body = begin(embed, target);
    if let Some(dimensions) = embed.dimensions {
        field(&mut body, "output_dimension", &dimensions);
    }
    if let Some(dtype) = &embed.dtype {
        field(&mut body, "output_dtype", dtype);
    }
    if embed.encoding == Some(Encoding::Base64) {
        field(&mut body, "encoding_format", &"base64");
    }
    extras(&mut body, &embed.extras, notes, |extra| {
        extra.name == "metadata"
    });
    body.push(b'}');
    Ok(Encoded {
        body,
        ..Encoded::default()
    })
}
