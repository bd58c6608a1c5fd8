//! Blocks to content parts, in the forms that the provider takes.

use crate::block::{Audio, Block, CacheMark, Detail, Document, Image, Source};
use crate::dialect::Dialect;
use crate::exchange::Target;
use crate::json;
use crate::notes::Notes;
use crate::quirk::Quirk;
use std::borrow::Cow;

/// Content being collected: a string if it can be one.
#[derive(Default)]
pub(super) struct Parts<'a> {
    list: Vec<Part<'a>>,
}

enum Part<'a> {
    Text(Cow<'a, str>, Option<CacheMark>),
    /// A part of another kind, up to its closing brace.
    Other(Vec<u8>, Option<CacheMark>),
    Raw(&'a str),
}

impl<'a> Parts<'a> {
    pub(super) fn of(
        blocks: impl IntoIterator<Item = &'a Block>,
        target: &Target<'_>,
        notes: &mut Notes,
    ) -> Self {
        let mut parts = Self::default();
        for block in blocks {
            parts.add(block, target, notes);
        }
        parts
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn text(&mut self, text: impl Into<Cow<'a, str>>) {
        self.list.push(Part::Text(text.into(), None));
    }

    /// Says of a tool's result that it is a failure: messages have no field for it.
    pub(super) fn fail(&mut self) {
        match self.list.first_mut() {
            Some(Part::Text(text, _)) => *text = Cow::Owned(format!("Error: {text}")),
            _ => self
                .list
                .insert(0, Part::Text(Cow::Borrowed("Error:"), None)),
        }
    }

    pub(super) fn append(&mut self, mut more: Self) {
        self.list.append(&mut more.list);
    }

    pub(super) fn add(&mut self, block: &'a Block, target: &Target<'_>, notes: &mut Notes) {
        match block {
            Block::Text(text) => self
                .list
                .push(Part::Text(Cow::Borrowed(&text.text), text.cache)),
            Block::Refusal(text) => self.text(text.as_str()),
            Block::Image(image) => self.image(image, target, notes),
            Block::Document(document) => self.document(document, target, notes),
            Block::Audio(audio) => self.audio(audio),
            Block::Opaque(opaque) if opaque.dialect == Dialect::OpenaiChat => {
                self.list.push(Part::Raw(opaque.raw.get()));
            }
            Block::Opaque(opaque) => match opaque.words() {
                Some(words) => self.text(words),
                None => notes.drop(&opaque.kind),
            },
            // These are no content: messages have members of their own for them.
            Block::Reasoning(_) | Block::ToolUse(_) | Block::ToolResult(_) => {}
        }
    }

    fn image(&mut self, image: &'a Image, target: &Target<'_>, notes: &mut Notes) {
        let url = image.source.to_url();
        let Some(url) = url.filter(|_| !target.quirks.has(Quirk::NoImages)) else {
            notes.drop("image");
            return self.text("[an image was left out: this model cannot take it]");
        };
        let mut out = br#"{"type":"image_url","image_url":{"url":"#.to_vec();
        json::string(&mut out, &url);
        if let Some(detail) = image.detail {
            let own = target.quirks.has(Quirk::OpenaiOwn);
            out.extend_from_slice(match detail {
                Detail::Auto => br#","detail":"auto""#.as_slice(),
                Detail::Low => br#","detail":"low""#,
                Detail::Original if own => br#","detail":"original""#,
                Detail::High | Detail::Original => br#","detail":"high""#,
            });
        }
        out.push(b'}');
        self.list.push(Part::Other(out, image.cache));
    }

    fn audio(&mut self, audio: &Audio) {
        let mut out = br#"{"type":"input_audio","input_audio":{"data":"#.to_vec();
        json::string(&mut out, &audio.data);
        out.extend_from_slice(b",\"format\":");
        json::string(&mut out, audio.format.as_deref().unwrap_or("wav"));
        out.push(b'}');
        self.list.push(Part::Other(out, None));
    }

    fn document(&mut self, document: &'a Document, target: &Target<'_>, notes: &mut Notes) {
        if document.citations {
            notes.drop("citations");
        }
        if let Some(context) = &document.context {
            self.text(context.as_str());
        }
        let file = match &document.source {
            Source::Text(text) => {
                let titled = document
                    .title
                    .as_ref()
                    .map(|title| format!("{title}\n\n{text}"));
                let text = titled.map_or(Cow::Borrowed(text.as_str()), Cow::Owned);
                return self.list.push(Part::Text(text, document.cache));
            }
            _ if !target.quirks.has(Quirk::Documents) => None,
            Source::Base64 { .. } => document.source.to_url().map(|url| ("file_data", url)),
            Source::File {
                dialect: Dialect::OpenaiChat | Dialect::OpenaiResponses,
                id,
            } => Some(("file_id", id.clone())),
            Source::File { .. } | Source::Url(_) => None,
        };
        let Some((key, value)) = file else {
            notes.drop("document");
            let name = document.title.as_deref().unwrap_or("without a title");
            return self.text(format!(
                "[a document was left out ({name}): this model cannot take it]"
            ));
        };
        let mut out = br#"{"type":"file","file":{"#.to_vec();
        // Bytes without a name are refused; what is stored has its own.
        let unnamed = (key == "file_data").then_some("document.pdf");
        if let Some(title) = document.title.as_deref().or(unnamed) {
            out.extend_from_slice(b"\"filename\":");
            json::string(&mut out, title);
            out.push(b',');
        }
        json::string(&mut out, key);
        out.push(b':');
        json::string(&mut out, &value);
        out.push(b'}');
        self.list.push(Part::Other(out, document.cache));
    }

    /// Writes a string where the parts are one text, a list otherwise.
    pub(super) fn write(&self, out: &mut Vec<u8>, target: &Target<'_>, notes: &mut Notes) {
        let marks = target.quirks.has(Quirk::OpenaiOwn) || target.quirks.has(Quirk::CacheControl);
        let texts = self.list.iter().map(|part| match part {
            Part::Text(text, cache) => Some((&**text, cache.is_some())),
            Part::Other(..) | Part::Raw(_) => None,
        });
        let joins = target.quirks.has(Quirk::NoTextParts);
        if let Some(texts) = texts.collect::<Option<Vec<_>>>() {
            let marked = texts.iter().any(|(_, marked)| *marked);
            if marked && (joins || !marks) {
                notes.drop("cache_control");
            }
            if joins || (texts.len() < 2 && !(marked && marks)) {
                let texts: Vec<&str> = texts.into_iter().map(|(text, _)| text).collect();
                return json::string(out, &texts.join("\n\n"));
            }
        }
        out.push(b'[');
        for (at, part) in self.list.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            part.write(out, target, notes);
        }
        out.push(b']');
    }
}

impl Part<'_> {
    fn write(&self, out: &mut Vec<u8>, target: &Target<'_>, notes: &mut Notes) {
        let cache = match self {
            Part::Raw(raw) => return out.extend_from_slice(raw.as_bytes()),
            Part::Text(text, cache) => {
                out.extend_from_slice(br#"{"type":"text","text":"#);
                json::string(out, text);
                *cache
            }
            Part::Other(part, cache) => {
                out.extend_from_slice(part);
                *cache
            }
        };
        if let Some(mark) = cache {
            write_mark(out, mark, target, notes);
        }
        out.push(b'}');
    }
}

fn write_mark(out: &mut Vec<u8>, mark: CacheMark, target: &Target<'_>, notes: &mut Notes) {
    if target.quirks.has(Quirk::OpenaiOwn) {
        // How OpenAI spells lifetimes is not known; its own is the nearest.
        if mark != CacheMark::Default {
            notes.drop("cache_control");
        }
        return out.extend_from_slice(br#","prompt_cache_breakpoint":{"mode":"explicit"}"#);
    }
    if !target.quirks.has(Quirk::CacheControl) {
        return notes.drop("cache_control");
    }
    out.extend_from_slice(match mark {
        CacheMark::Default => br#","cache_control":{"type":"ephemeral"}"#.as_slice(),
        CacheMark::FiveMinutes => br#","cache_control":{"type":"ephemeral","ttl":"5m"}"#,
        CacheMark::OneHour => br#","cache_control":{"type":"ephemeral","ttl":"1h"}"#,
    });
}
