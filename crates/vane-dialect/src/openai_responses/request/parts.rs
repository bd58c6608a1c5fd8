//! Content parts of messages and of tool outputs.

use crate::block::{Audio, Block, Detail, Document, Image, Opaque, Source, Text};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json::{self, Object, Path, Raw, Str};
use serde_json::value::RawValue;

/// Reads content: a string or a list of parts.
pub(super) fn read(raw: &RawValue, path: &Path<'_>) -> Result<Vec<Block>, Fault> {
    if raw.get().starts_with('"') {
        let Str(text) = json::read(raw, path)?;
        return Ok(match &*text {
            "" => Vec::new(),
            _ => vec![Block::Text(Text::plain(text))],
        });
    }
    let parts: Vec<&RawValue> = json::read(raw, path)?;
    let parts = parts.into_iter().enumerate();
    parts.map(|(at, raw)| part(raw, &path.index(at))).collect()
}

fn part(raw: &RawValue, path: &Path<'_>) -> Result<Block, Fault> {
    let mut part = Object::read(raw, path)?;
    let kind: Str<'_> = part.need("type", path)?;
    Ok(match &*kind.0 {
        "input_text" | "output_text" | "text" => {
            let Str(text) = part.need("text", path)?;
            Block::Text(Text::plain(text))
        }
        "refusal" => Block::Refusal(part.need("refusal", path)?),
        "input_image" => Block::Image(image(&mut part, path)?),
        "input_file" => Block::Document(document(&mut part, path)?),
        "input_audio" => {
            let raw = part.need("input_audio", path)?;
            let path = path.key("input_audio");
            let mut audio = Object::read(raw, &path)?;
            Block::Audio(Audio {
                data: audio.need("data", &path)?,
                format: audio.get("format", &path)?,
            })
        }
        other => Block::Opaque(Opaque {
            dialect: Dialect::OpenaiResponses,
            kind: other.to_owned(),
            raw: Raw::from(raw),
        }),
    })
}

fn stored(id: String) -> Source {
    Source::File {
        dialect: Dialect::OpenaiResponses,
        id,
    }
}

fn image(part: &mut Object<'_>, path: &Path<'_>) -> Result<Image, Fault> {
    let source = match part.get::<Str<'_>>("image_url", path)? {
        Some(Str(url)) => Source::from_url(&url),
        None => match part.get("file_id", path)? {
            Some(id) => stored(id),
            None => {
                return Err(Fault::invalid(
                    path.to_string(),
                    "an `input_image` needs `image_url` or `file_id`",
                ));
            }
        },
    };
    let detail = part.get::<Str<'_>>("detail", path)?;
    Ok(Image {
        source,
        detail: detail.and_then(|Str(name)| match &*name {
            "auto" => Some(Detail::Auto),
            "low" => Some(Detail::Low),
            "high" => Some(Detail::High),
            "original" => Some(Detail::Original),
            _ => None,
        }),
        cache: None,
    })
}

fn document(part: &mut Object<'_>, path: &Path<'_>) -> Result<Document, Fault> {
    let source = if let Some(Str(data)) = part.get::<Str<'_>>("file_data", path)? {
        inline(&data)
    } else if let Some(url) = part.get("file_url", path)? {
        Source::Url(url)
    } else if let Some(id) = part.get("file_id", path)? {
        stored(id)
    } else {
        return Err(Fault::invalid(
            path.to_string(),
            "an `input_file` needs `file_data`, `file_url` or `file_id`",
        ));
    };
    Ok(Document {
        source,
        title: part.get("filename", path)?,
        context: None,
        citations: false,
        cache: None,
    })
}

/// Some clients send bare base64 where a `data:` URL belongs.
fn inline(data: &str) -> Source {
    if data.starts_with("data:") {
        return Source::from_url(data);
    }
    Source::Base64 {
        media_type: "application/pdf".to_owned(),
        data: data.to_owned(),
    }
}

/// A part that only this dialect knows, as a message item that holds nothing else. So every
/// Opaque block of a turn is a whole item, and the part's bytes stay what they were.
pub(in crate::openai_responses) fn wrap(role: &str, kind: &str, part: &str) -> Opaque {
    let item = format!(r#"{{"type":"message","role":"{role}","content":[{part}]}}"#);
    Opaque {
        dialect: Dialect::OpenaiResponses,
        kind: kind.to_owned(),
        raw: Raw::parse(item).unwrap_or_else(|| Raw::of(&())),
    }
}
