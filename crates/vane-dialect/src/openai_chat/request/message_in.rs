//! Messages to turns. Results of tools join the user message after them: one turn (T20).

use super::OF_CALL;
use super::decode::leftover;
use super::part_in::{self, Content};
use crate::block::{Block, CacheMark, Opaque, Reasoning, State, ToolForm, ToolResult, ToolUse};
use crate::call::{Extra, Role, Turn};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json::{self, Object, Path, Raw};
use crate::openai_chat::signatures;
use crate::seal::{PREFIX, Seal};
use crate::unanswered::Unanswered;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What a message's own leftover members are called as opaque blocks.
pub(super) const MEMBER: &str = "message.";

pub(super) fn turns(
    raw: &RawValue,
    seal: &dyn Seal,
    extras: &mut Vec<Extra>,
) -> Result<Vec<Turn>, Fault> {
    let path = Path::Root.key("messages");
    let messages: Vec<&RawValue> = json::read(raw, &path)?;
    if messages.is_empty() {
        return Err(Fault::invalid("messages", "there must be a message"));
    }
    let mut reader = Reader {
        turns: Vec::with_capacity(messages.len()),
        seal,
        extras,
        open_results: false,
        forms: BTreeMap::new(),
        old_calls: Unanswered::default(),
        old_count: 0,
    };
    for (at, raw) in messages.into_iter().enumerate() {
        reader.message(raw, &path.index(at))?;
    }
    Ok(reader.turns)
}

struct Reader<'s> {
    turns: Vec<Turn>,
    seal: &'s dyn Seal,
    extras: &'s mut Vec<Extra>,
    /// The last turn has tool results and nothing else yet.
    open_results: bool,
    /// What was last called under an id.
    forms: BTreeMap<String, ToolForm>,
    /// The ids made up for old function calls without an answer, by name.
    old_calls: Unanswered<String, String>,
    old_count: usize,
}

impl Reader<'_> {
    fn message(&mut self, raw: &RawValue, path: &Path<'_>) -> Result<(), Fault> {
        let mut message = Object::read(raw, path)?;
        let role: String = message.need("role", path)?;
        match role.as_str() {
            "system" => self.plain(Role::System, message, path),
            "developer" => self.plain(Role::Developer, message, path),
            "user" => self.plain(Role::User, message, path),
            "assistant" => self.assistant(message, path),
            "tool" => {
                let id: String = message.need("tool_call_id", path)?;
                self.result(id, message, path)
            }
            "function" => {
                let name: String = message.need("name", path)?;
                let known = self.old_calls.take(&name);
                let id = known.unwrap_or_else(|| format!("call_{name}"));
                self.result(id, message, path)
            }
            _ => Err(Fault::invalid(
                path.key("role").to_string(),
                format!("there is no role `{role}`"),
            )),
        }
    }

    fn plain(&mut self, role: Role, mut message: Object<'_>, path: &Path<'_>) -> Result<(), Fault> {
        let name = message.get("name", path)?;
        let mut blocks = self.content(Some(role), &mut message, path)?;
        mark_last(&mut blocks, &mut message);
        blocks.extend(leftovers(message));
        if role == Role::User && self.open_results {
            if let Some(turn) = self.turns.last_mut() {
                turn.blocks.extend(blocks);
                turn.name = name;
            }
        } else {
            let turn = Turn::new(role, blocks);
            self.turns.push(Turn { name, ..turn });
        }
        self.open_results = false;
        Ok(())
    }

    fn result(
        &mut self,
        id: String,
        mut message: Object<'_>,
        path: &Path<'_>,
    ) -> Result<(), Fault> {
        // The name of the tool stands in the call already.
        message.take("name");
        let content = self.content(None, &mut message, path)?;
        let cache = part_in::cache(&mut message);
        let form = self.forms.get(&id).copied().unwrap_or_default();
        let result = Block::ToolResult(ToolResult {
            id,
            content,
            is_error: false,
            form,
            cache,
        });
        match self.turns.last_mut() {
            Some(turn) if self.open_results => turn.blocks.push(result),
            _ => self.turns.push(Turn::new(Role::User, vec![result])),
        }
        self.open_results = true;
        Ok(())
    }

    fn assistant(&mut self, mut message: Object<'_>, path: &Path<'_>) -> Result<(), Fault> {
        let name = message.get("name", path)?;
        let prefill = message.get("prefix", path)?.unwrap_or(false);
        let mut blocks = self.thoughts(&mut message, path)?;
        blocks.extend(self.content(Some(Role::Assistant), &mut message, path)?);
        if let Some(refusal) = message.get::<String>("refusal", path)? {
            blocks.push(Block::Refusal(refusal));
        }
        if let Some(raw) = message.take("tool_calls") {
            let path = path.key("tool_calls");
            let calls: Vec<&RawValue> = json::read(raw, &path)?;
            for (at, raw) in calls.into_iter().enumerate() {
                let (signature, call) = tool_call(raw, at, &path.index(at), self.extras)?;
                blocks.extend(signature);
                blocks.push(call);
            }
        }
        if let Some(raw) = message.take("function_call") {
            blocks.push(self.old_call(raw, &path.key("function_call"))?);
        }
        mark_last(&mut blocks, &mut message);
        let signed = message.peek("extra_content");
        if let Some(state) = signed.and_then(|raw| signatures::state(None, raw.into())) {
            message.take("extra_content");
            blocks.extend(thought(String::new(), Some(state)));
        }
        blocks.extend(leftovers(message));
        self.open_results = false;
        for block in &blocks {
            if let Block::ToolUse(call) = block {
                self.forms.insert(call.id.clone(), call.form);
            }
        }
        self.turns.push(Turn {
            role: Role::Assistant,
            blocks,
            name,
            prefill,
        });
        Ok(())
    }

    fn old_call(&mut self, raw: &RawValue, path: &Path<'_>) -> Result<Block, Fault> {
        let mut call = Object::read(raw, path)?;
        let name: String = call.need("name", path)?;
        let id = format!("call_{}", self.old_count);
        self.old_count += 1;
        self.old_calls.push(name.clone(), id.clone());
        Ok(Block::ToolUse(ToolUse {
            id,
            name,
            namespace: None,
            form: ToolForm::Function,
            arguments: arguments(call.take("arguments"), &path.key("arguments"))?,
            cache: None,
        }))
    }

    /// The content of a message, or without a role that of a tool's result.
    fn content(
        &mut self,
        role: Option<Role>,
        message: &mut Object<'_>,
        path: &Path<'_>,
    ) -> Result<Vec<Block>, Fault> {
        let Some(raw) = message.take("content") else {
            return Ok(Vec::new());
        };
        let path = path.key("content");
        let mut content = Content {
            seal: self.seal,
            extras: self.extras,
        };
        let blocks = content.read(raw, &path)?;
        match blocks.iter().find_map(|block| misplaced(block, role)) {
            Some(wrong) => Err(Fault::invalid(path.to_string(), wrong)),
            None => Ok(blocks),
        }
    }

    /// Reasoning that the client brings back: our seals, a provider's own list, or only text.
    fn thoughts(&self, message: &mut Object<'_>, path: &Path<'_>) -> Result<Vec<Block>, Fault> {
        let spelled: Option<String> = message.get("reasoning_content", path)?;
        let other: Option<String> = message.get("reasoning", path)?;
        let text = spelled.or(other).unwrap_or_default();
        let Some(raw) = message.take("reasoning_details") else {
            return Ok(thought(text, None).into_iter().collect());
        };
        let details = path.key("reasoning_details");
        let entries: Vec<&RawValue> = json::read(raw, &details)?;
        let mut opened = Vec::new();
        let mut foreign = false;
        for (at, entry) in entries.iter().enumerate() {
            let mut entry = Object::read(entry, &details.index(at))?;
            match entry.get::<String>("data", &details)? {
                Some(data) if data.starts_with(PREFIX) => opened.extend(self.seal.open(&data)),
                _ => foreign = true,
            }
        }
        if foreign && opened.is_empty() {
            let state = State::native(Dialect::OpenaiChat, raw.get().to_owned());
            return Ok(thought(text, Some(state)).into_iter().collect());
        }
        Ok(match <[_; 1]>::try_from(opened) {
            Ok([(state, sealed)]) => {
                let text = if text.is_empty() { sealed } else { text };
                thought(text, Some(state)).into_iter().collect()
            }
            Err(none) if none.is_empty() => thought(text, None).into_iter().collect(),
            // The client joined the texts of several blocks: each seal has its own.
            Err(several) => several
                .into_iter()
                .filter_map(|(state, sealed)| thought(sealed, Some(state)))
                .collect(),
        })
    }
}

/// Why a block of Anthropic's cannot stand in a message of this role, if it cannot.
fn misplaced(block: &Block, role: Option<Role>) -> Option<&'static str> {
    match block {
        Block::ToolUse(_) if role != Some(Role::Assistant) => {
            Some("a `tool_use` stands in a message of the assistant")
        }
        Block::ToolResult(_) if role != Some(Role::User) => {
            Some("a `tool_result` stands in a message of the user")
        }
        Block::ToolUse(_)
        | Block::ToolResult(_)
        | Block::Text(_)
        | Block::Refusal(_)
        | Block::Reasoning(_)
        | Block::Image(_)
        | Block::Document(_)
        | Block::Audio(_)
        | Block::Opaque(_) => None,
    }
}

/// A reasoning block. A state without data only carried the text.
pub(super) fn thought(text: String, state: Option<State>) -> Option<Block> {
    let state = state.filter(|state| !state.data.is_empty());
    let has_any = !text.is_empty() || state.is_some();
    has_any.then_some(Block::Reasoning(Reasoning { text, state }))
}

/// The tool call at `at` of its message, and its signature before it.
fn tool_call(
    raw: &RawValue,
    at: usize,
    path: &Path<'_>,
    extras: &mut Vec<Extra>,
) -> Result<(Option<Block>, Block), Fault> {
    let mut call = Object::read(raw, path)?;
    let signed = call.take("extra_content");
    let state = signed.and_then(|raw| signatures::state(Some(at), raw.into()));
    let id = call.get("id", path)?.unwrap_or_default();
    let cache = part_in::cache(&mut call);
    let (form, key, arguments_key) = if call.peek("custom").is_some() {
        (ToolForm::Custom, "custom", "input")
    } else {
        (ToolForm::Function, "function", "arguments")
    };
    let inner: &RawValue = call.need(key, path)?;
    let inner_path = path.key(key);
    let mut inner = Object::read(inner, &inner_path)?;
    let name = inner.need("name", &inner_path)?;
    let raw = inner.take(arguments_key);
    let arguments = match form {
        ToolForm::Function => arguments(raw, &inner_path.key(arguments_key))?,
        ToolForm::Custom => part_in::string(raw, &inner_path.key(arguments_key))?,
    };
    // Its type is told by the member, and clients give back its number in the stream.
    call.take("type");
    call.take("index");
    leftover(OF_CALL, call, extras);
    leftover(OF_CALL, inner, extras);
    let call = Block::ToolUse(ToolUse {
        id,
        name,
        namespace: None,
        form,
        arguments,
        cache,
    });
    Ok((thought(String::new(), state), call))
}

/// Arguments are text, or (Mistral, some local servers) the object itself. None is an empty
/// object in every dialect.
fn arguments(raw: Option<&RawValue>, path: &Path<'_>) -> Result<String, Fault> {
    let text = match raw {
        Some(raw) if raw.get().starts_with('{') => raw.get().to_owned(),
        raw => part_in::string(raw, path)?,
    };
    Ok(if text.trim().is_empty() {
        "{}".to_owned()
    } else {
        text
    })
}

/// Puts the mark of a message itself on its last block that can have one: the AI SDK writes content of
/// one text as a string, which has no place for it. Where there is none, it is left over.
fn mark_last(blocks: &mut [Block], message: &mut Object<'_>) {
    let Some(place) = blocks.iter_mut().rev().find_map(place_of_mark) else {
        return;
    };
    let mark = part_in::cache(message);
    *place = place.or(mark);
}

fn place_of_mark(block: &mut Block) -> Option<&mut Option<CacheMark>> {
    match block {
        Block::Text(text) => Some(&mut text.cache),
        Block::ToolUse(call) => Some(&mut call.cache),
        Block::ToolResult(result) => Some(&mut result.cache),
        Block::Image(image) => Some(&mut image.cache),
        Block::Document(document) => Some(&mut document.cache),
        Block::Refusal(_) | Block::Reasoning(_) | Block::Audio(_) | Block::Opaque(_) => None,
    }
}

/// Members of a message that nobody took; empty ones are echoes of answers and say nothing.
fn leftovers(message: Object<'_>) -> impl Iterator<Item = Block> {
    let rest = message.rest().into_iter();
    rest.filter(|(_, raw)| !matches!(raw.get(), "null" | "[]" | "{}" | "\"\""))
        .map(|(name, raw)| {
            Block::Opaque(Opaque {
                dialect: Dialect::OpenaiChat,
                kind: format!("{MEMBER}{name}"),
                raw: Raw::from(raw),
            })
        })
}
