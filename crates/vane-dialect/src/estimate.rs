//! Estimates of input tokens: for `count_tokens`, `/responses/input_tokens` and holds, before any
//! upstream was asked.
//!
//! An estimate must not be low: a hold built on it has to cover the call. The rule goes by
//! classes of characters and is fitted to the hungrier of Mistral's two public tokenizers
//! (Tekken, and SentencePiece with 32k entries), so that ordinary text of any kind comes out
//! between 10 % below and some 30 % above (T6). What is no text is counted by constants.

use crate::block::{Block, Document, Image, Reasoning, Source, ToolResult, ToolUse};
use crate::call::{Call, Chat, Format, Tool, Turn};
use crate::embed::{Embed, EmbedInput};

mod text;

/// What every call, turn, block and tool costs beyond its text.
const CALL: u64 = 8;
const TURN: u64 = 4;
const PIECE: u64 = 8;
const TOOL: u64 = 16;
/// Providers put instructions of their own before the tools of a call.
const ANY_TOOLS: u64 = 350;
/// A tool that the provider defines brings its own definition.
const HOSTED_TOOL: u64 = 700;

/// An image, by its size on the wire where that is known: Anthropic bills up to 1,600 tokens for
/// one, and up to 4,800 for large ones on its newest models.
const IMAGE_MIN: u64 = 1600;
const IMAGE_MAX: u64 = 4800;
const IMAGE_BYTES_PER_TOKEN: u64 = 150;

/// A document: the picture of a page, and the text that its bytes may hold. Where only a
/// reference is known, two pages are taken.
const DOCUMENT_MIN: u64 = 1500;
const DOCUMENT_BYTES_PER_TOKEN: u64 = 8;
const DOCUMENT_UNSEEN: u64 = 6000;

const AUDIO_BYTES_PER_TOKEN: u64 = 1000;

/// Encrypted reasoning, where its text is not there to be counted.
const STATE_BYTES_PER_TOKEN: u64 = 8;

/// What base64 holds that is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data {
    Picture,
    Document,
    Recording,
}

impl Data {
    /// About how many tokens so many bytes of base64 are.
    pub(crate) fn tokens(self, bytes: u64) -> u64 {
        match self {
            Self::Picture => (bytes / IMAGE_BYTES_PER_TOKEN).clamp(IMAGE_MIN, IMAGE_MAX),
            Self::Document => DOCUMENT_MIN + bytes / DOCUMENT_BYTES_PER_TOKEN,
            Self::Recording => bytes / AUDIO_BYTES_PER_TOKEN,
        }
    }
}

/// About how many tokens the input of `call` is; rather too many than too few.
#[must_use]
pub fn input_tokens(call: &Call) -> u64 {
    CALL + match call {
        Call::Chat(chat) => self::chat(chat),
        Call::Fill(fill) => {
            text::tokens(&fill.prompt) + fill.suffix.as_deref().map_or(0, text::tokens)
        }
        Call::Embed(embed) => self::embed(embed),
    }
}

fn chat(chat: &Chat) -> u64 {
    let turns: u64 = chat.turns.iter().map(turn).sum();
    let tools = match chat.tools.as_slice() {
        [] => 0,
        tools => ANY_TOOLS + tools.iter().map(tool).sum::<u64>(),
    };
    let format = match &chat.format {
        Format::Text => 0,
        Format::JsonObject => PIECE,
        Format::JsonSchema { schema, .. } => PIECE + text::tokens(schema.get()),
        Format::Other { raw, .. } => PIECE + text::tokens(raw.get()),
    };
    turns + tools + format
}

fn turn(turn: &Turn) -> u64 {
    let name = turn.name.as_deref().map_or(0, text::tokens);
    TURN + name + turn.blocks.iter().map(block).sum::<u64>()
}

fn block(block: &Block) -> u64 {
    match block {
        Block::Text(text) => 1 + text::tokens(&text.text),
        Block::Refusal(text) => 1 + text::tokens(text),
        Block::Reasoning(reasoning) => self::reasoning(reasoning),
        Block::ToolUse(tool) => tool_use(tool),
        Block::ToolResult(result) => tool_result(result),
        Block::Image(image) => self::image(image),
        Block::Document(document) => self::document(document),
        Block::Audio(audio) => PIECE + Data::Recording.tokens(length(&audio.data)),
        Block::Opaque(opaque) => text::tokens(opaque.raw.get()),
    }
}

fn reasoning(reasoning: &Reasoning) -> u64 {
    let text = text::tokens(&reasoning.text);
    let state = match &reasoning.state {
        Some(state) if reasoning.text.is_empty() => length(&state.data) / STATE_BYTES_PER_TOKEN,
        Some(_) | None => 0,
    };
    PIECE + text + state
}

fn tool_use(tool: &ToolUse) -> u64 {
    let words = [tool.id.as_str(), &tool.name, &tool.arguments];
    PIECE + words.into_iter().map(text::tokens).sum::<u64>()
}

fn tool_result(result: &ToolResult) -> u64 {
    let content: u64 = result.content.iter().map(block).sum();
    PIECE + text::tokens(&result.id) + content
}

fn image(image: &Image) -> u64 {
    match &image.source {
        Source::Base64 { data, .. } => Data::Picture.tokens(length(data)),
        Source::Url(_) | Source::Text(_) | Source::File { .. } => IMAGE_MIN,
    }
}

fn document(document: &Document) -> u64 {
    let about = [&document.title, &document.context];
    let about = about.into_iter().flatten().map(|text| text::tokens(text));
    let body = match &document.source {
        Source::Text(text) => text::tokens(text),
        Source::Base64 { data, .. } => Data::Document.tokens(length(data)),
        Source::Url(_) | Source::File { .. } => DOCUMENT_UNSEEN,
    };
    PIECE + about.sum::<u64>() + body
}

fn tool(tool: &Tool) -> u64 {
    let description = |text: &Option<String>| text.as_deref().map_or(0, text::tokens);
    match tool {
        Tool::Function(function) => {
            let schema = function.parameters.as_ref().map_or("", |raw| raw.get());
            let extras = function.extras.iter();
            let extras = extras.map(|extra| text::tokens(extra.value.get()));
            TOOL + text::tokens(&function.name)
                + description(&function.description)
                + text::tokens(schema)
                + extras.sum::<u64>()
        }
        Tool::Custom(custom) => {
            let format = custom.format.as_ref().map_or("", |raw| raw.get());
            TOOL + text::tokens(&custom.name)
                + description(&custom.description)
                + text::tokens(format)
        }
        Tool::Namespace {
            name,
            description: about,
            tools,
        } => {
            // The name is said again with every tool.
            let names = text::tokens(name) * (1 + count(tools.len()));
            names + description(about) + tools.iter().map(self::tool).sum::<u64>()
        }
        Tool::Hosted { raw, .. } => HOSTED_TOOL + text::tokens(raw.get()),
    }
}

fn embed(embed: &Embed) -> u64 {
    match &embed.input {
        EmbedInput::One(text) => text::tokens(text),
        EmbedInput::Many(texts) => texts.iter().map(|text| 1 + text::tokens(text)).sum(),
        // As many numbers as commas, and one.
        EmbedInput::Tokens(raw) => 1 + count(raw.get().matches(',').count()),
    }
}

fn length(text: &str) -> u64 {
    count(text.len())
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
