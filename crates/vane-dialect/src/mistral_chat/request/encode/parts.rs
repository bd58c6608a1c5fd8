//! Blocks -> parts that Mistral knows. What it does not know becomes a placeholder and a note.

use crate::block::{Block, CacheMark, Detail, Document, Image, Reasoning, Source};
use crate::dialect::Dialect;
use crate::exchange::Target;
use crate::notes::Notes;
use crate::quirk::Quirk;
use std::borrow::Cow;

/// A line of Claude Code's own that changes per conversation: it is meant for Anthropic alone and
/// would spoil every other provider's prompt cache.
pub(in crate::mistral_chat) const BILLING_LINE: &str = "x-anthropic-billing-header:";

pub(super) enum Part<'c> {
    Text(Cow<'c, str>),
    Thinking {
        text: &'c str,
        signature: Option<&'c str>,
    },
    Image(String, Option<&'static str>),
    Document(String, Option<&'c str>),
    File(&'c str),
    Audio(&'c str),
    /// A part of Mistral's own, byte for byte.
    Own(&'c str),
}

impl Part<'_> {
    pub(super) const fn text(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Thinking { .. }
            | Self::Image(..)
            | Self::Document(..)
            | Self::File(_)
            | Self::Audio(_)
            | Self::Own(_) => None,
        }
    }
}

/// What parts are made with.
pub(super) struct Carrier<'c, 'n> {
    pub(super) target: &'c Target<'c>,
    pub(super) notes: &'n mut Notes,
}

impl<'c> Carrier<'c, '_> {
    pub(super) fn parts(&mut self, blocks: &'c [Block]) -> Vec<Part<'c>> {
        blocks.iter().filter_map(|block| self.part(block)).collect()
    }

    /// Parts of a system or assistant message, which hold no media.
    pub(super) fn words(&mut self, blocks: impl Iterator<Item = &'c Block>) -> Vec<Part<'c>> {
        let mut words = Vec::new();
        for block in blocks {
            let kind = match self.part(block) {
                Some(Part::Image(..)) => "image",
                Some(Part::Document(..) | Part::File(_)) => "document",
                Some(Part::Audio(_)) => "input_audio",
                part => {
                    words.extend(part);
                    continue;
                }
            };
            self.notes.drop(kind);
            words.push(Part::text("[A file that could not be passed on.]"));
        }
        words
    }

    pub(super) fn part(&mut self, block: &'c Block) -> Option<Part<'c>> {
        match block {
            Block::Text(text) if text.text.starts_with(BILLING_LINE) => {
                self.notes.drop("x-anthropic-billing-header");
                None
            }
            Block::Text(text) => {
                self.mark(text.cache);
                Some(Part::Text(Cow::Borrowed(&text.text)))
            }
            Block::Refusal(text) => Some(Part::Text(Cow::Borrowed(text))),
            Block::Reasoning(reasoning) => self.thinking(reasoning),
            Block::Image(image) => Some(self.image(image)),
            Block::Document(document) => Some(self.document(document)),
            Block::Audio(audio) => Some(Part::Audio(&audio.data)),
            Block::Opaque(opaque) if opaque.dialect == Dialect::MistralChat => {
                Some(Part::Own(opaque.raw.get()))
            }
            Block::Opaque(opaque) => {
                let words = opaque.words();
                if words.is_none() {
                    self.notes.drop(&opaque.kind);
                }
                words.map(|words| Part::Text(Cow::Owned(words)))
            }
            Block::ToolUse(_) | Block::ToolResult(_) => {
                self.notes.drop("tool_calls");
                None
            }
        }
    }

    /// Mistral wants its reasoning back; state goes only to the provider that gave it.
    fn thinking(&mut self, reasoning: &'c Reasoning) -> Option<Part<'c>> {
        // Models with either quirk are too old for thinking parts, or refuse them.
        let quirks = self.target.quirks;
        if quirks.has(Quirk::TextOrCalls) || quirks.has(Quirk::NoReasoning) {
            self.notes.drop("reasoning");
            return None;
        }
        let signature = reasoning.state.as_ref().and_then(|state| {
            let provider = state.provider.as_deref();
            let given_here = provider.is_none_or(|provider| provider == self.target.provider);
            if state.dialect == Dialect::MistralChat && given_here {
                return Some(state.data.as_str());
            }
            self.notes.drop("reasoning_state");
            None
        });
        let nothing = reasoning.text.is_empty() && signature.is_none();
        (!nothing).then_some(Part::Thinking {
            text: &reasoning.text,
            signature,
        })
    }

    fn image(&mut self, image: &'c Image) -> Part<'c> {
        self.mark(image.cache);
        let detail = match image.detail {
            Some(Detail::Auto) => Some("auto"),
            Some(Detail::Low) => Some("low"),
            Some(Detail::High) => Some("high"),
            Some(Detail::Original) => {
                self.notes.drop("detail");
                None
            }
            None => None,
        };
        let taken = !self.target.quirks.has(Quirk::NoImages);
        match (&image.source, image.source.to_url()) {
            (_, Some(url)) if taken => Part::Image(url, detail),
            (Source::File { dialect, id }, _) if taken && *dialect == Dialect::MistralChat => {
                Part::File(id)
            }
            (Source::Url(_) | Source::Base64 { .. } | Source::Text(_) | Source::File { .. }, _) => {
                self.notes.drop("image");
                Part::text("[An image that could not be passed on.]")
            }
        }
    }

    fn document(&mut self, document: &'c Document) -> Part<'c> {
        self.mark(document.cache);
        if document.context.is_some() {
            self.notes.drop("context");
        }
        if document.citations {
            self.notes.drop("citations");
        }
        match &document.source {
            Source::Url(_) | Source::Base64 { .. } => {
                let url = document.source.to_url().unwrap_or_default();
                Part::Document(url, document.title.as_deref())
            }
            Source::Text(text) => Part::Text(match &document.title {
                Some(title) => Cow::Owned(format!("{title}\n\n{text}")),
                None => Cow::Borrowed(text),
            }),
            Source::File { dialect, id } if *dialect == Dialect::MistralChat => Part::File(id),
            Source::File { .. } => {
                self.notes.drop("document");
                Part::text("[A document that could not be passed on.]")
            }
        }
    }

    /// Mistral caches by itself: a mark is a hint that has no place.
    pub(super) fn mark(&mut self, cache: Option<CacheMark>) {
        if cache.is_some() {
            self.notes.drop("cache_control");
        }
    }
}
