//! Embeddings answers: the superset of both dialects' members (Mistral's clients need `id`).

use super::vector;
use crate::embed::{Embed, Embedding, Encoding, Vector};
use crate::fault::Fault;
use crate::json::{self, Str};
use crate::openai_chat::{error, usage};
use crate::usage::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire<'a> {
    #[serde(borrow)]
    id: Option<Str<'a>>,
    #[serde(borrow)]
    model: Option<Str<'a>>,
    #[serde(borrow)]
    data: Option<Vec<Item<'a>>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Item<'a> {
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow)]
    embedding: &'a RawValue,
}

/// # Errors
/// If the body is not an embeddings answer.
pub fn decode(body: &[u8]) -> Result<Embedding, Fault> {
    let wire: Wire<'_> = serde_json::from_slice(body).map_err(|_| error::not_an_answer(body))?;
    let mut data = wire.data.ok_or_else(|| error::not_an_answer(body))?;
    // Clients go by place: the order of indices, not of arrival.
    data.sort_by_key(|item| item.index);
    let vectors = data.iter().map(|item| {
        let raw = item.embedding;
        match raw.get().as_bytes().first() {
            Some(b'[') => Ok(Vector::Numbers(raw.into())),
            Some(b'"') => {
                let text: Result<String, _> = serde_json::from_str(raw.get());
                text.map(Vector::Base64)
                    .map_err(|_| error::not_an_answer(body))
            }
            _ => Err(error::not_an_answer(body)),
        }
    });
    Ok(Embedding {
        id: wire.id.map(|id| id.0.into_owned()),
        model: wire
            .model
            .map(|model| model.0.into_owned())
            .unwrap_or_default(),
        vectors: vectors.collect::<Result<_, _>>()?,
        heeds_dtype: false,
        usage: counted(wire.usage),
    })
}

/// Some providers repeat the input as the total only; embeddings have no output. Who says nothing,
/// or that nothing was read, did not count.
fn counted(raw: Option<&RawValue>) -> Option<Usage> {
    let usage = usage::read(raw?.into())?;
    let usage = match usage.input_total() {
        0 => Usage::from_inclusive(usage.output, 0, 0, 0, 0),
        _ => Usage {
            output: 0,
            reasoning: 0,
            ..usage
        },
    };
    (usage.input_total() > 0).then_some(usage)
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
    let encoding = asked.encoding.unwrap_or(Encoding::Float);
    let packed = answer.heeds_dtype && asked.dtype.is_some();
    let model = if answer.model.is_empty() {
        &asked.model
    } else {
        &answer.model
    };
    let mut out = b"{\"id\":".to_vec();
    json::string(&mut out, answer.id.as_deref().unwrap_or(id));
    out.extend_from_slice(br#","object":"list","model":"#);
    json::string(&mut out, model);
    out.extend_from_slice(br#","data":["#);
    for (index, vector) in (0_u64..).zip(&answer.vectors) {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(br#"{"object":"embedding","index":"#);
        json::number(&mut out, index);
        out.extend_from_slice(br#","embedding":"#);
        // Packed numbers are no floats: as the upstream wrote them or not at all.
        match (packed, vector) {
            (true, Vector::Numbers(raw)) => out.extend_from_slice(raw.get().as_bytes()),
            (true, Vector::Base64(text)) => json::string(&mut out, text),
            (false, vector) => vector::write(&mut out, vector, encoding)?,
        }
        out.push(b'}');
    }
    out.extend_from_slice(br#"],"usage":{"prompt_tokens":"#);
    let input = answer.usage.map_or(0, |usage| usage.input_total());
    json::number(&mut out, input);
    out.extend_from_slice(br#","completion_tokens":0,"total_tokens":"#);
    json::number(&mut out, input);
    if let Some(cost) = cost {
        out.extend_from_slice(br#","cost":"#);
        out.extend_from_slice(cost.as_bytes());
    }
    out.extend_from_slice(b"}}");
    Ok(out)
}
