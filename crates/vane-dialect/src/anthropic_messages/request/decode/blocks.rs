//! Content blocks of a request. Types that only Anthropic knows stay opaque.

use super::Reader;
use crate::block::{
    Block, Document, Image, Opaque, Reasoning, Source, State, Text, ToolForm, ToolResult, ToolUse,
};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json::{Object, Path, Raw, Str, read};
use serde_json::value::RawValue;

impl Reader<'_> {
    /// Content: a string, which is one text block, or an array of blocks.
    pub(super) fn blocks(&mut self, raw: &RawValue, path: &Path<'_>) -> Result<Vec<Block>, Fault> {
        self.content(raw, path, Self::block)
    }

    fn content(
        &mut self,
        raw: &RawValue,
        path: &Path<'_>,
        block: fn(&mut Self, &RawValue, &Path<'_>) -> Result<Block, Fault>,
    ) -> Result<Vec<Block>, Fault> {
        if raw.get().starts_with('"') {
            let text: String = read(raw, path)?;
            let some = (!text.is_empty()).then(|| Block::Text(Text::plain(text)));
            return Ok(some.into_iter().collect());
        }
        let items: Vec<&RawValue> = read(raw, path)?;
        let items = items.into_iter().enumerate();
        items
            .map(|(at, item)| block(self, item, &path.index(at)))
            .collect()
    }

    pub(super) fn block(&mut self, raw: &RawValue, path: &Path<'_>) -> Result<Block, Fault> {
        let object = Object::read(raw, path)?;
        match kind(&object, path)?.as_str() {
            "thinking" => self.thinking(object, path),
            "redacted_thinking" => self.redacted(object, path),
            "tool_use" => self.tool_use(object, path),
            "tool_result" => self.tool_result(object, path),
            _ => self.part(raw, path),
        }
    }

    /// A block that may also stand inside the result of a tool. That results do not nest bounds
    /// the recursion.
    fn part(&mut self, raw: &RawValue, path: &Path<'_>) -> Result<Block, Fault> {
        let mut object = Object::read(raw, path)?;
        let kind = kind(&object, path)?;
        let known = match kind.as_str() {
            "text" => {
                let text = object.need::<String>("text", path)?;
                let cache = self.cache(&mut object, path)?;
                Some(Block::Text(Text {
                    text,
                    cache,
                    ..Text::default()
                }))
            }
            "image" => self.image(&mut object, path)?,
            "document" => self.document(&mut object, path)?,
            _ => None,
        };
        Ok(match known {
            Some(block) => {
                object.take("type");
                self.leftover(object);
                block
            }
            None => Block::Opaque(Opaque {
                dialect: Dialect::AnthropicMessages,
                kind,
                raw: Raw::from(raw),
            }),
        })
    }

    fn image(&mut self, object: &mut Object<'_>, path: &Path<'_>) -> Result<Option<Block>, Fault> {
        let Some(source) = source(object, path)? else {
            return Ok(None);
        };
        let cache = self.cache(object, path)?;
        Ok(Some(Block::Image(Image {
            source,
            detail: None,
            cache,
        })))
    }

    fn document(
        &mut self,
        object: &mut Object<'_>,
        path: &Path<'_>,
    ) -> Result<Option<Block>, Fault> {
        let Some(source) = source(object, path)? else {
            return Ok(None);
        };
        #[derive(serde::Deserialize)]
        struct Citations {
            enabled: Option<bool>,
        }
        let citations: Option<Citations> = object.get("citations", path)?;
        Ok(Some(Block::Document(Document {
            source,
            title: object.get("title", path)?,
            context: object.get("context", path)?,
            citations: citations.is_some_and(|c| c.enabled == Some(true)),
            cache: self.cache(object, path)?,
        })))
    }

    /// A thinking block; the signature is ours, holding another provider's state, or native.
    fn thinking(&mut self, mut object: Object<'_>, path: &Path<'_>) -> Result<Block, Fault> {
        object.take("type");
        let text: String = object.get("thinking", path)?.unwrap_or_default();
        let signature: String = object.get("signature", path)?.unwrap_or_default();
        self.leftover(object);
        Ok(Block::Reasoning(self.reasoning(text, signature, false)))
    }

    fn redacted(&mut self, mut object: Object<'_>, path: &Path<'_>) -> Result<Block, Fault> {
        object.take("type");
        let data: String = object.need("data", path)?;
        self.leftover(object);
        Ok(Block::Reasoning(self.reasoning(String::new(), data, true)))
    }

    fn reasoning(&self, text: String, data: String, redacted: bool) -> Reasoning {
        if let Some((state, sealed)) = self.seal.open(&data) {
            return Reasoning {
                text: if text.is_empty() { sealed } else { text },
                state: (!state.data.is_empty()).then_some(state),
            };
        }
        let native = State {
            redacted,
            ..State::unopened(Dialect::AnthropicMessages, data)
        };
        Reasoning {
            text,
            state: (!native.data.is_empty()).then_some(native),
        }
    }

    fn tool_use(&mut self, mut object: Object<'_>, path: &Path<'_>) -> Result<Block, Fault> {
        object.take("type");
        let arguments = match object.take("input") {
            None => "{}",
            Some(raw) if raw.get().starts_with('{') => raw.get(),
            Some(_) => {
                let path = path.key("input").to_string();
                return Err(Fault::invalid(path, "`input` must be an object"));
            }
        };
        let tool = ToolUse {
            id: object.need("id", path)?,
            name: object.need("name", path)?,
            namespace: None,
            form: ToolForm::Function,
            arguments: arguments.to_owned(),
            cache: self.cache(&mut object, path)?,
        };
        self.leftover(object);
        Ok(Block::ToolUse(tool))
    }

    fn tool_result(&mut self, mut object: Object<'_>, path: &Path<'_>) -> Result<Block, Fault> {
        object.take("type");
        let content = match object.take("content") {
            Some(raw) => self.content(raw, &path.key("content"), Self::part)?,
            None => Vec::new(),
        };
        let result = ToolResult {
            id: object.need("tool_use_id", path)?,
            content,
            is_error: object.get("is_error", path)?.unwrap_or(false),
            form: ToolForm::Function,
            cache: self.cache(&mut object, path)?,
        };
        self.leftover(object);
        Ok(Block::ToolResult(result))
    }
}

fn kind(object: &Object<'_>, path: &Path<'_>) -> Result<String, Fault> {
    let at = path.key("type");
    match object.peek("type") {
        Some(raw) => read(raw, &at),
        None => Err(Fault::invalid(at.to_string(), "a block needs a `type`")),
    }
}

/// The source of an image or a document; `None` if only Anthropic can tell what it is.
fn source(object: &mut Object<'_>, path: &Path<'_>) -> Result<Option<Source>, Fault> {
    let path = &path.key("source");
    let raw: &RawValue = match object.take("source") {
        Some(raw) => raw,
        None => return Err(Fault::invalid(path.to_string(), "`source` is required")),
    };
    let mut source = Object::read(raw, path)?;
    Ok(match kind(&source, path)?.as_str() {
        "base64" => Some(Source::Base64 {
            media_type: source.need("media_type", path)?,
            data: source.need("data", path)?,
        }),
        "url" => Some(Source::Url(source.need("url", path)?)),
        "text" => Some(Source::Text(source.need("data", path)?)),
        "file" => Some(Source::File {
            dialect: Dialect::AnthropicMessages,
            id: source.need("file_id", path)?,
        }),
        "content" => texts(source.need("content", path)?, path)?.map(Source::Text),
        _ => None,
    })
}

/// A document's content of its own, where it is nothing but text.
fn texts(raw: &RawValue, path: &Path<'_>) -> Result<Option<String>, Fault> {
    if raw.get().starts_with('"') {
        return read(raw, path).map(Some);
    }
    let items: Vec<Object<'_>> = read(raw, path)?;
    let mut all = String::new();
    for mut item in items {
        let Some(Str(text)) = item.get::<Str<'_>>("text", path)? else {
            return Ok(None);
        };
        if !all.is_empty() {
            all.push('\n');
        }
        all.push_str(&text);
    }
    Ok(Some(all))
}
