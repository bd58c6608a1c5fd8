//! Embeddings requests: the union of OpenAI's and Mistral's fields.

use crate::call::{Call, Extra};
use crate::dialect::Dialect;
use crate::embed::{Embed, EmbedInput, Encoding};
use crate::exchange::{Encoded, Target};
use crate::fault::Fault;
use crate::json::{self, Object, Path, Raw};
use crate::notes::Notes;
use crate::quirk::Quirk;
use serde::Serialize;
use serde_json::value::RawValue;

pub(crate) fn decode(body: &[u8]) -> Result<Call, Fault> {
    decode_as(Dialect::OpenaiEmbeddings, body)
}

/// Reads a request whose leftover fields are those of `dialect`.
pub(crate) fn decode_as(dialect: Dialect, body: &[u8]) -> Result<Call, Fault> {
    let path = Path::Root;
    let mut body = Object::read_body(body)?;
    let dimensions = body.get("dimensions", &path)?;
    let output_dimension = body.get("output_dimension", &path)?;
    let dtype: Option<String> = body.get("output_dtype", &path)?;
    let embed = Embed {
        model: body.need("model", &path)?,
        input: input(body.need("input", &path)?)?,
        dimensions: dimensions.or(output_dimension),
        encoding: encoding(&mut body)?,
        dtype: dtype.filter(|name| name != "float"),
        extras: crate::openai_chat::request::extras(body, dialect),
    };
    Ok(Call::Embed(Box::new(embed)))
}

fn input(raw: &RawValue) -> Result<EmbedInput, Fault> {
    let path = Path::Root.key("input");
    if raw.get().starts_with('"') {
        return Ok(EmbedInput::One(json::read(raw, &path)?));
    }
    let list: Vec<&RawValue> = json::read(raw, &path)?;
    match list.first() {
        None => Err(Fault::invalid("input", "there must be an input")),
        Some(first) if first.get().starts_with('"') => {
            Ok(EmbedInput::Many(json::read(raw, &path)?))
        }
        Some(first) if first.get().starts_with('[') => {
            let _: Vec<Vec<u64>> = json::read(raw, &path)?;
            Ok(EmbedInput::Tokens(raw.into()))
        }
        Some(_) => {
            let _: Vec<u64> = json::read(raw, &path)?;
            Ok(EmbedInput::Tokens(raw.into()))
        }
    }
}

fn encoding(body: &mut Object<'_>) -> Result<Option<Encoding>, Fault> {
    let name: Option<String> = body.get("encoding_format", &Path::Root)?;
    match name.as_deref() {
        None => Ok(None),
        Some("float") => Ok(Some(Encoding::Float)),
        Some("base64") => Ok(Some(Encoding::Base64)),
        Some(_) => Err(Fault::invalid(
            "encoding_format",
            "expected float or base64",
        )),
    }
}

pub(crate) fn encode(
    embed: &Embed,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Result<Encoded, Fault> {
    let mut body = begin(embed, target);
    if let Some(dimensions) = embed.dimensions {
        field(&mut body, "dimensions", &dimensions);
    }
    if embed.dtype.is_some() {
        notes.drop("output_dtype");
    }
    // Not every provider knows base64; we turn floats into it ourselves.
    let knows_base64 = target.quirks.has(Quirk::OpenaiOwn) && !target.quirks.has(Quirk::NoBase64);
    if embed.encoding == Some(Encoding::Base64) && knows_base64 {
        field(&mut body, "encoding_format", &"base64");
    }
    let closed = target.quirks.has(Quirk::ClosedBody) || target.quirks.has(Quirk::OpenaiOwn);
    extras(&mut body, &embed.extras, notes, |extra| {
        extra.dialect == Dialect::OpenaiEmbeddings && (!closed || extra.name == "user")
    });
    body.push(b'}');
    Ok(Encoded {
        body,
        ..Encoded::default()
    })
}

/// The members that all dialects share.
pub(crate) fn begin(embed: &Embed, target: &Target<'_>) -> Vec<u8> {
    let mut body = b"{\"model\":".to_vec();
    json::string(&mut body, target.model);
    match &embed.input {
        EmbedInput::One(text) => field(&mut body, "input", text),
        EmbedInput::Many(texts) => field(&mut body, "input", texts),
        EmbedInput::Tokens(raw) => field(&mut body, "input", raw),
    }
    body
}

pub(crate) fn field(body: &mut Vec<u8>, name: &str, value: &impl Serialize) {
    body.push(b',');
    json::string(body, name);
    body.push(b':');
    json::value(body, value);
}

/// Writes the extras that are taken and notes the others.
pub(crate) fn extras(
    body: &mut Vec<u8>,
    extras: &[Extra],
    notes: &mut Notes,
    taken: impl Fn(&Extra) -> bool,
) {
    for Extra { name, value, .. } in extras.iter().filter(|extra| {
        let taken = taken(extra);
        if !taken {
            notes.drop(&extra.name);
        }
        taken
    }) {
        let value: &Raw = value;
        field(body, name, value);
    }
}
