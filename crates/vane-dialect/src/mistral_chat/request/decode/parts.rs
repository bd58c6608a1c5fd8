//! Content -> blocks. A part of an unknown type is kept as it stands.

use crate::block::{Audio, Block, Detail, Document, Image, Opaque, Reasoning, Source, State, Text};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json::{self, Object, Path, Raw, Str};
use crate::seal::Seal;
use serde_json::value::RawValue;

/// Reads a string or a list of parts; an empty string is no block.
pub(super) fn read(raw: &RawValue, seal: &dyn Seal, path: &Path<'_>) -> Result<Vec<Block>, Fault> {
    if raw.get().starts_with('[') {
        let parts: Vec<&RawValue> = json::read(raw, path)?;
        let parts = parts.into_iter().enumerate();
        return parts
            .map(|(at, part)| read_part(part, seal, &path.index(at)))
            .collect();
    }
    let text: String = json::read(raw, path)?;
    Ok(match text.is_empty() {
        true => Vec::new(),
        false => vec![Block::Text(Text::plain(text))],
    })
}

fn read_part(raw: &RawValue, seal: &dyn Seal, path: &Path<'_>) -> Result<Block, Fault> {
    let mut part = Object::read(raw, path)?;
    let Str(kind) = part.need("type", path)?;
    Ok(match &*kind {
        "text" => Block::Text(Text::plain(part.need::<String>("text", path)?)),
        "image_url" => image(part.need("image_url", path)?, &path.key("image_url"))?,
        "document_url" => Block::Document(Document {
            source: Source::from_url(&part.need::<Str<'_>>("document_url", path)?.0),
            title: part.get("document_name", path)?,
            context: None,
            citations: false,
            cache: None,
        }),
        "file" => Block::Document(Document {
            source: Source::File {
                dialect: Dialect::MistralChat,
                id: part.need("file_id", path)?,
            },
            title: None,
            context: None,
            citations: false,
            cache: None,
        }),
        "input_audio" => audio(part.need("input_audio", path)?, &path.key("input_audio"))?,
        "thinking" => match thinking(&mut part, seal, path)? {
            Some(reasoning) => Block::Reasoning(reasoning),
            None => opaque("thinking", raw),
        },
        kind => opaque(kind, raw),
    })
}

fn opaque(kind: &str, raw: &RawValue) -> Block {
    Block::Opaque(Opaque {
        dialect: Dialect::MistralChat,
        kind: kind.to_owned(),
        raw: Raw::from(raw),
    })
}

fn image(raw: &RawValue, path: &Path<'_>) -> Result<Block, Fault> {
    let (url, detail) = if raw.get().starts_with('{') {
        let mut image = Object::read(raw, path)?;
        (
            image.need("url", path)?,
            image.get::<Str<'_>>("detail", path)?,
        )
    } else {
        (json::read::<Str<'_>>(raw, path)?, None)
    };
    let detail = detail.and_then(|detail| match &*detail.0 {
        "auto" => Some(Detail::Auto),
        "low" => Some(Detail::Low),
        "high" => Some(Detail::High),
        _ => None,
    });
    Ok(Block::Image(Image {
        source: Source::from_url(&url.0),
        detail,
        cache: None,
    }))
}

/// Mistral's form is the base64 text alone; OpenAI's object is understood too.
fn audio(raw: &RawValue, path: &Path<'_>) -> Result<Block, Fault> {
    if !raw.get().starts_with('{') {
        let data = json::read(raw, path)?;
        return Ok(Block::Audio(Audio { data, format: None }));
    }
    let mut audio = Object::read(raw, path)?;
    Ok(Block::Audio(Audio {
        data: audio.need("data", path)?,
        format: audio.get("format", path)?,
    }))
}

/// Thinking of text, with its state; `None` where there is more than text in it.
fn thinking(
    part: &mut Object<'_>,
    seal: &dyn Seal,
    path: &Path<'_>,
) -> Result<Option<Reasoning>, Fault> {
    let inside = path.key("thinking");
    let mut text = String::new();
    if let Some(raw) = part.take("thinking") {
        for block in read(raw, seal, &inside)? {
            match block {
                Block::Text(more) => text.push_str(&more.text),
                _ => return Ok(None),
            }
        }
    }
    let signature: Option<String> = part.get("signature", path)?;
    let state = match signature.filter(|signature| !signature.is_empty()) {
        None => None,
        Some(signature) => match seal.open(&signature) {
            Some((state, sealed)) => {
                if text.is_empty() {
                    text = sealed;
                }
                Some(state).filter(|state| !state.data.is_empty())
            }
            None => Some(State::unopened(Dialect::MistralChat, signature)),
        },
    };
    Ok(Some(Reasoning { text, state }))
}
