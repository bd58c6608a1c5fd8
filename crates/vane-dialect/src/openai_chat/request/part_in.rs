//! Content: a string, or parts of OpenAI's and Mistral's kinds.

use super::OF_PART;
use super::decode::leftover;
use super::message_in::thought;
use crate::anthropic_messages;
use crate::block::{Audio, Block, CacheMark, Detail, Document, Image, Opaque, Source, State, Text};
use crate::call::Extra;
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json::{self, Object, Path, Raw};
use crate::seal::{PREFIX, Seal};
use serde_json::value::RawValue;

pub(super) struct Content<'s> {
    pub(super) seal: &'s dyn Seal,
    /// What parts say beyond their canonical form.
    pub(super) extras: &'s mut Vec<Extra>,
}

impl Content<'_> {
    pub(super) fn read(&mut self, raw: &RawValue, path: &Path<'_>) -> Result<Vec<Block>, Fault> {
        if raw.get().starts_with('"') {
            let text: String = json::read(raw, path)?;
            let block = (!text.is_empty()).then(|| Block::Text(Text::plain(text)));
            return Ok(block.into_iter().collect());
        }
        let parts: Vec<&RawValue> = json::read(raw, path)?;
        let mut blocks = Vec::with_capacity(parts.len());
        for (at, part) in parts.into_iter().enumerate() {
            blocks.extend(self.part(part, &path.index(at))?);
        }
        Ok(blocks)
    }

    fn part(&mut self, raw: &RawValue, path: &Path<'_>) -> Result<Option<Block>, Fault> {
        let mut part = Object::read(raw, path)?;
        let kind: String = part.need("type", path)?;
        let is_anthropics = match kind.as_str() {
            "tool_use" | "tool_result" => true,
            "image" | "document" => part.peek("source").is_some(),
            _ => false,
        };
        if is_anthropics {
            return anthropic_messages::request::block(raw, path, self.seal, self.extras).map(Some);
        }
        let cache = cache(&mut part);
        let block = match kind.as_str() {
            "text" | "input_text" | "output_text" => {
                let text: String = part.need("text", path)?;
                Block::Text(Text {
                    text,
                    cache,
                    ..Text::default()
                })
            }
            "refusal" => Block::Refusal(part.need("refusal", path)?),
            "image_url" => image(&mut part, cache, path)?,
            "input_audio" => audio(&mut part, path)?,
            "file" => file(&mut part, cache, path)?,
            "document_url" => document(&mut part, cache, path)?,
            "thinking" => {
                let thought = self.thinking(&mut part, path)?;
                // Whether a signature follows it: Mistral's word.
                part.take("closed");
                leftover(OF_PART, part, self.extras);
                return Ok(thought);
            }
            _ => {
                let dialect = match kind.as_str() {
                    "reference" => Dialect::MistralChat,
                    _ => Dialect::OpenaiChat,
                };
                let raw = Raw::from(raw);
                return Ok(Some(Block::Opaque(Opaque { dialect, kind, raw })));
            }
        };
        leftover(OF_PART, part, self.extras);
        Ok(Some(block))
    }

    /// Mistral's thinking part: text or a list of text parts, and perhaps a signature.
    fn thinking(&mut self, part: &mut Object<'_>, path: &Path<'_>) -> Result<Option<Block>, Fault> {
        let mut text = String::new();
        if let Some(raw) = part.take("thinking") {
            for block in self.read(raw, &path.key("thinking"))? {
                if let Block::Text(more) = block {
                    text.push_str(&more.text);
                }
            }
        }
        let signature: Option<String> = part.get("signature", path)?;
        let Some(data) = signature.filter(|data| !data.is_empty()) else {
            return Ok(thought(text, None));
        };
        Ok(match self.seal.open(&data) {
            Some((state, sealed)) if text.is_empty() => thought(sealed, Some(state)),
            Some((state, _)) => thought(text, Some(state)),
            None if data.starts_with(PREFIX) => thought(text, None),
            None => {
                let state = State::native(Dialect::MistralChat, data);
                thought(text, Some(state))
            }
        })
    }
}

/// A string that may be missing: then it is empty.
pub(super) fn string(raw: Option<&RawValue>, path: &Path<'_>) -> Result<String, Fault> {
    raw.map_or_else(|| Ok(String::new()), |raw| json::read(raw, path))
}

/// OpenAI's breakpoint, or the `cache_control` mark that OpenRouter's clients send.
pub(super) fn cache(part: &mut Object<'_>) -> Option<CacheMark> {
    let raw = part
        .take("prompt_cache_breakpoint")
        .or(part.take("cache_control"))?;
    let mut mark = Object::read(raw, &Path::Root).ok()?;
    Some(match mark.take("ttl").map(RawValue::get) {
        Some("\"5m\"") => CacheMark::FiveMinutes,
        Some("\"1h\"") => CacheMark::OneHour,
        _ => CacheMark::Default,
    })
}

fn image(part: &mut Object<'_>, cache: Option<CacheMark>, path: &Path<'_>) -> Result<Block, Fault> {
    let raw: &RawValue = part.need("image_url", path)?;
    let path = path.key("image_url");
    let (url, detail) = if raw.get().starts_with('"') {
        (json::read::<String>(raw, &path)?, None)
    } else {
        let mut image = Object::read(raw, &path)?;
        let detail = image.get::<String>("detail", &path)?;
        (image.need("url", &path)?, detail)
    };
    Ok(Block::Image(Image {
        source: Source::from_url(&url),
        detail: detail.and_then(|name| match name.as_str() {
            "auto" => Some(Detail::Auto),
            "low" => Some(Detail::Low),
            "high" => Some(Detail::High),
            "original" => Some(Detail::Original),
            _ => None,
        }),
        cache,
    }))
}

fn audio(part: &mut Object<'_>, path: &Path<'_>) -> Result<Block, Fault> {
    let raw: &RawValue = part.need("input_audio", path)?;
    let path = path.key("input_audio");
    if raw.get().starts_with('"') {
        let data = json::read(raw, &path)?;
        return Ok(Block::Audio(Audio { data, format: None }));
    }
    let mut audio = Object::read(raw, &path)?;
    Ok(Block::Audio(Audio {
        data: audio.need("data", &path)?,
        format: audio.get("format", &path)?,
    }))
}

fn file(part: &mut Object<'_>, cache: Option<CacheMark>, path: &Path<'_>) -> Result<Block, Fault> {
    if let Some(id) = part.get::<String>("file_id", path)? {
        let dialect = Dialect::MistralChat;
        return Ok(titled(Source::File { dialect, id }, None, cache));
    }
    let raw: &RawValue = part.need("file", path)?;
    let path = path.key("file");
    let mut file = Object::read(raw, &path)?;
    let title = file.get("filename", &path)?;
    if let Some(id) = file.get::<String>("file_id", &path)? {
        let dialect = Dialect::OpenaiChat;
        return Ok(titled(Source::File { dialect, id }, title, cache));
    }
    let data: String = file.need("file_data", &path)?;
    let source = if data.starts_with("data:") || data.starts_with("http") {
        Source::from_url(&data)
    } else {
        let media_type = "application/pdf".to_owned();
        Source::Base64 { media_type, data }
    };
    Ok(titled(source, title, cache))
}

fn document(
    part: &mut Object<'_>,
    cache: Option<CacheMark>,
    path: &Path<'_>,
) -> Result<Block, Fault> {
    let url: String = part.need("document_url", path)?;
    let title = part.get("document_name", path)?;
    Ok(titled(Source::from_url(&url), title, cache))
}

fn titled(source: Source, title: Option<String>, cache: Option<CacheMark>) -> Block {
    Block::Document(Document {
        source,
        title,
        context: None,
        citations: false,
        cache,
    })
}
