//! What of a block can be sent, decided before anything is written: a message that nothing is
//! left of must not be sent at all.

use super::picture;
use crate::anthropic_messages::{BILLING, is_anthropic};
use crate::block::{
    Block, CacheMark, Document, Image, Opaque, Reasoning, Source, Text, ToolResult, ToolUse,
};
use crate::dialect::Dialect;
use crate::exchange::Target;
use crate::json::Raw;
use crate::notes::Notes;
use crate::quirk::Quirk;
use std::borrow::Cow;

/// A block as it is sent.
#[derive(Debug)]
pub(super) enum Part<'a> {
    Text(Cow<'a, str>, Option<CacheMark>),
    Thinking {
        text: &'a str,
        signature: &'a str,
    },
    Redacted(&'a str),
    ToolUse(&'a ToolUse),
    ToolResult(&'a ToolResult, Vec<Part<'a>>),
    /// With its type, where its bytes stand here.
    Image(&'a Image, Option<&'static str>),
    Document(&'a Document),
    Raw(&'a Raw),
}

/// Where a block stands: not every place takes every block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    System,
    User,
    Assistant,
    /// Inside the result of a tool.
    Result,
}

impl<'a> Part<'a> {
    /// `None` if nothing of the block can be sent; what is lost is noted.
    pub(super) fn of(
        block: &'a Block,
        place: Place,
        target: &Target<'_>,
        notes: &mut Notes,
    ) -> Option<Self> {
        match block {
            Block::Text(text) => plain(text, notes),
            Block::Refusal(text) => {
                (!text.trim().is_empty()).then_some(Self::Text(Cow::Borrowed(text), None))
            }
            Block::Reasoning(reasoning) => thought(reasoning, place, target, notes),
            Block::ToolUse(tool) if place == Place::Assistant => Some(Self::ToolUse(tool)),
            Block::ToolResult(result) if place == Place::User => {
                let content = result.content.iter();
                let content = content
                    .filter_map(|block| Self::of(block, Place::Result, target, notes))
                    .collect();
                Some(Self::ToolResult(result, content))
            }
            // A call or result that stands where none can has no meaning to carry.
            Block::ToolUse(_) => left_out("tool_calls", notes),
            Block::ToolResult(_) => left_out("tool_result", notes),
            Block::Image(image) => self::image(image, place, target, notes),
            Block::Document(document) => self::document(document, place, notes),
            Block::Audio(_) => placeholder("input_audio", "a recording", notes),
            Block::Opaque(opaque) => native(opaque, target, notes),
        }
    }

    /// Whether a turn may begin with this while the model thinks.
    pub(super) const fn is_thought(&self) -> bool {
        matches!(self, Self::Thinking { .. } | Self::Redacted(_))
    }
}

/// Anthropic refuses text that is empty or nothing but white space.
fn plain<'a>(text: &'a Text, notes: &mut Notes) -> Option<Part<'a>> {
    if text.text.trim().is_empty() {
        if text.cache.is_some() {
            notes.drop("cache_control");
        }
        return None;
    }
    Some(Part::Text(Cow::Borrowed(&text.text), text.cache))
}

/// Reasoning goes back only with the signature of the provider that is asked: without one, or
/// with another's, it would be refused (T4).
fn thought<'a>(
    reasoning: &'a Reasoning,
    place: Place,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Option<Part<'a>> {
    if let Some(state) = &reasoning.state {
        let provider = state.provider.as_deref();
        let fits = state.dialect == Dialect::AnthropicMessages
            && provider.is_none_or(|provider| provider == target.provider);
        if fits && place == Place::Assistant {
            return Some(if state.redacted {
                Part::Redacted(&state.data)
            } else {
                Part::Thinking {
                    text: &reasoning.text,
                    signature: &state.data,
                }
            });
        }
        notes.drop("reasoning_state");
    }
    if !reasoning.text.is_empty() {
        notes.drop("reasoning");
    }
    None
}

fn image<'a>(
    image: &'a Image,
    place: Place,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Option<Part<'a>> {
    let (is_picture, kind) = match &image.source {
        Source::Base64 { media_type, data } => {
            let kind = picture::kind(media_type, data);
            (kind.is_some(), kind)
        }
        Source::Text(_) => (false, None),
        Source::Url(_) | Source::File { .. } => (can_be_sent(&image.source), None),
    };
    let is_seen = matches!(place, Place::User | Place::Result);
    if !is_seen || !is_picture || target.quirks.has(Quirk::NoImages) {
        return placeholder("image", "an image", notes);
    }
    if image.detail.is_some() {
        notes.drop("detail");
    }
    Some(Part::Image(image, kind))
}

fn document<'a>(document: &'a Document, place: Place, notes: &mut Notes) -> Option<Part<'a>> {
    let is_readable = match &document.source {
        Source::Base64 { media_type, .. } => media_type == "application/pdf",
        source => can_be_sent(source),
    };
    if matches!(place, Place::User | Place::Result) && is_readable {
        return Some(Part::Document(document));
    }
    if let (Source::Text(text), false) = (&document.source, text_is_empty(document)) {
        return Some(Part::Text(Cow::Borrowed(text), document.cache));
    }
    placeholder("document", "a document", notes)
}

fn text_is_empty(document: &Document) -> bool {
    matches!(&document.source, Source::Text(text) if text.trim().is_empty())
}

const fn can_be_sent(source: &Source) -> bool {
    match source {
        Source::File { dialect, .. } => matches!(dialect, Dialect::AnthropicMessages),
        Source::Url(_) | Source::Base64 { .. } | Source::Text(_) => true,
    }
}

/// Tells the model that something stood here (T9).
fn placeholder<'a>(name: &str, what: &str, notes: &mut Notes) -> Option<Part<'a>> {
    notes.drop(name);
    let text = format!("[{what} stood here that cannot be shown to you]");
    Some(Part::Text(Cow::Owned(text), None))
}

fn native<'a>(opaque: &'a Opaque, target: &Target<'_>, notes: &mut Notes) -> Option<Part<'a>> {
    // Others that speak this dialect have no use for the billing line, and it would break their
    // prompt caches.
    let fits = opaque.dialect == Dialect::AnthropicMessages
        && (opaque.kind != BILLING || is_anthropic(target.provider));
    if fits {
        return Some(Part::Raw(&opaque.raw));
    }
    left_out(&opaque.kind, notes)
}

fn left_out<'a>(name: &str, notes: &mut Notes) -> Option<Part<'a>> {
    notes.drop(name);
    None
}
