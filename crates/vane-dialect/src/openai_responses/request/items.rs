//! Input items -> turns.
//!
//! Responses is a flat list of items; the canonical form is turns. Everything the model said in a
//! row is one assistant turn, and all outputs that follow it, with the next user message, are one
//! user turn (T20).

use super::decode::leftover;
use super::{OF_ITEM, parts};
use crate::block::{Block, Opaque, Reasoning, State, Text, ToolForm, ToolResult, ToolUse};
use crate::call::{Chat, Extra, Role, Turn};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json::{self, Object, Path, Raw, Str};
use crate::seal::Seal;
use serde_json::value::RawValue;

/// Reads `input`: a string or a list of items.
pub(super) fn read(
    input: &RawValue,
    path: &Path<'_>,
    seal: &dyn Seal,
    chat: &mut Chat,
) -> Result<(), Fault> {
    let Chat { turns, extras, .. } = chat;
    if input.get().starts_with('"') {
        let Str(text) = json::read(input, path)?;
        let block = Block::Text(Text::plain(text));
        turns.push(Turn::new(Role::User, vec![block]));
        return Ok(());
    }
    let items: Vec<&RawValue> = json::read(input, path)?;
    let mut build = Build {
        turns,
        extras,
        last: Last::Other,
    };
    for (at, raw) in items.into_iter().enumerate() {
        build.item(raw, &path.index(at), seal)?;
    }
    Ok(())
}

struct Build<'t> {
    turns: &'t mut Vec<Turn>,
    extras: &'t mut Vec<Extra>,
    last: Last,
}

/// What the last turn can still take.
enum Last {
    Assistant,
    /// A user turn that begins with so many outputs; `spoken`: a message followed them.
    Outputs {
        count: usize,
        spoken: bool,
    },
    Other,
}

impl Build<'_> {
    fn item(&mut self, raw: &RawValue, path: &Path<'_>, seal: &dyn Seal) -> Result<(), Fault> {
        let mut item = Object::read(raw, path)?;
        let kind = item.get::<Str<'_>>("type", path)?;
        match kind.as_ref().map_or("message", |kind| &*kind.0) {
            "message" => self.message(&mut item, path)?,
            "function_call" => self.assistant([call(&mut item, ToolForm::Function, path)?]),
            "custom_tool_call" => self.assistant([call(&mut item, ToolForm::Custom, path)?]),
            "function_call_output" => self.output(output(&mut item, ToolForm::Function, path)?),
            "custom_tool_call_output" => self.output(output(&mut item, ToolForm::Custom, path)?),
            "reasoning" => self.assistant(reasoning(&mut item, path, seal)?),
            "item_reference" => {
                return Err(Fault::unsupported(
                    path.to_string(),
                    "an `item_reference` cannot be resolved: Vane keeps no state between calls; \
                     send the item itself (in the AI SDK, \
                     `providerOptions: { openai: { store: false } }`, or `openai.chat(...)`)",
                ));
            }
            hosted => {
                let block = Block::Opaque(Opaque {
                    dialect: Dialect::OpenaiResponses,
                    kind: hosted.to_owned(),
                    raw: Raw::from(raw),
                });
                if hosted.ends_with("_output") || hosted == "mcp_approval_response" {
                    self.output(block);
                } else {
                    self.assistant([block]);
                }
                return Ok(());
            }
        }
        // What a server called its own item says nothing to another.
        for echoed in ["id", "status"] {
            item.take(echoed);
        }
        leftover(OF_ITEM, item, self.extras);
        Ok(())
    }

    fn message(&mut self, item: &mut Object<'_>, path: &Path<'_>) -> Result<(), Fault> {
        let Str(name) = item.need("role", path)?;
        let role = match &*name {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            "developer" => Role::Developer,
            other => {
                return Err(Fault::invalid(
                    path.key("role").to_string(),
                    format!("`{other}` is none of user, assistant, system, developer"),
                ));
            }
        };
        let mut blocks = match item.take("content") {
            Some(content) => parts::read(content, &path.key("content"))?,
            None => Vec::new(),
        };
        for block in &mut blocks {
            if let Block::Opaque(part) = block {
                *part = parts::wrap(&name, &part.kind, part.raw.get());
            }
        }
        match role {
            Role::Assistant => self.assistant(blocks),
            Role::User => self.user(blocks),
            Role::System | Role::Developer => {
                self.turns.push(Turn::new(role, blocks));
                self.last = Last::Other;
            }
        }
        Ok(())
    }

    fn assistant(&mut self, blocks: impl IntoIterator<Item = Block>) {
        match (&self.last, self.turns.last_mut()) {
            (Last::Assistant, Some(turn)) => turn.blocks.extend(blocks),
            _ => {
                let blocks: Vec<Block> = blocks.into_iter().collect();
                if !blocks.is_empty() {
                    self.turns.push(Turn::new(Role::Assistant, blocks));
                    self.last = Last::Assistant;
                }
            }
        }
    }

    fn user(&mut self, mut blocks: Vec<Block>) {
        if blocks.is_empty() {
            blocks.push(Block::Text(Text::default()));
        }
        match (&mut self.last, self.turns.last_mut()) {
            (Last::Outputs { spoken, .. }, Some(turn)) if !*spoken => {
                *spoken = true;
                turn.blocks.extend(blocks);
            }
            _ => {
                self.turns.push(Turn::new(Role::User, blocks));
                self.last = Last::Other;
            }
        }
    }

    /// An output that comes after the user spoke still belongs to the other outputs.
    fn output(&mut self, block: Block) {
        match (&mut self.last, self.turns.last_mut()) {
            (Last::Outputs { count, .. }, Some(turn)) => {
                turn.blocks.insert(*count, block);
                *count += 1;
            }
            _ => {
                self.turns.push(Turn::new(Role::User, vec![block]));
                self.last = Last::Outputs {
                    count: 1,
                    spoken: false,
                };
            }
        }
    }
}

fn call(item: &mut Object<'_>, form: ToolForm, path: &Path<'_>) -> Result<Block, Fault> {
    let arguments = match form {
        ToolForm::Function => {
            let text: Option<String> = item.get("arguments", path)?;
            text.filter(|text| !text.trim().is_empty())
                .unwrap_or_else(|| "{}".to_owned())
        }
        ToolForm::Custom => item.get("input", path)?.unwrap_or_default(),
    };
    Ok(Block::ToolUse(ToolUse {
        id: item.need("call_id", path)?,
        name: item.need("name", path)?,
        namespace: item.get("namespace", path)?,
        form,
        arguments,
        cache: None,
    }))
}

fn output(item: &mut Object<'_>, form: ToolForm, path: &Path<'_>) -> Result<Block, Fault> {
    let content = match item.take("output") {
        Some(raw) => parts::read(raw, &path.key("output"))?,
        None => Vec::new(),
    };
    Ok(Block::ToolResult(ToolResult {
        id: item.need("call_id", path)?,
        content,
        is_error: false,
        form,
        cache: None,
    }))
}

/// Nothing, where the item has neither text nor state: its bare id means something only to a
/// server that stored it.
fn reasoning(
    item: &mut Object<'_>,
    path: &Path<'_>,
    seal: &dyn Seal,
) -> Result<Option<Block>, Fault> {
    let mut text = String::new();
    for list in ["content", "summary"] {
        if let Some(raw) = item.take(list) {
            append_texts(&mut text, raw, &path.key(list))?;
        }
    }
    let encrypted: Option<String> = item.get("encrypted_content", path)?;
    let Some(data) = encrypted.filter(|data| !data.is_empty()) else {
        let block = Block::Reasoning(Reasoning { text, state: None });
        return Ok(Some(block).filter(|block| !is_blank(block)));
    };
    if let Some((state, sealed)) = seal.open(&data) {
        if text.is_empty() {
            text = sealed;
        }
        // A seal without data was made only to carry the text.
        let state = Some(state).filter(|state| !state.data.is_empty());
        let block = Block::Reasoning(Reasoning { text, state });
        return Ok(Some(block).filter(|block| !is_blank(block)));
    }
    let state = Some(State {
        id: item.get("id", path)?,
        redacted: text.is_empty(),
        ..State::unopened(Dialect::OpenaiResponses, data)
    });
    Ok(Some(Block::Reasoning(Reasoning { text, state })))
}

fn is_blank(block: &Block) -> bool {
    matches!(block, Block::Reasoning(Reasoning { text, state: None }) if text.is_empty())
}

fn append_texts(text: &mut String, raw: &RawValue, path: &Path<'_>) -> Result<(), Fault> {
    let parts: Vec<&RawValue> = json::read(raw, path)?;
    for (at, raw) in parts.into_iter().enumerate() {
        let path = path.index(at);
        let more: Option<Str<'_>> = Object::read(raw, &path)?.get("text", &path)?;
        let more = more.unwrap_or_default().0;
        if !text.is_empty() && !more.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&more);
    }
    Ok(())
}
