//! Messages -> turns.
//!
//! Consecutive tool messages and a user message right after them are one user turn (T20).

use super::parts;
use crate::block::{Block, ToolForm, ToolResult, ToolUse};
use crate::call::{Role, Turn};
use crate::fault::Fault;
use crate::json::{Object, Path, Str};
use crate::mistral_chat::wire;
use crate::seal::Seal;
use crate::unanswered::Unanswered;
use serde_json::value::RawValue;

struct Messages<'s> {
    seal: &'s dyn Seal,
    turns: Vec<Turn>,
    /// Calls without a result yet: results that name none belong to the first of them.
    unanswered: Unanswered<String, String>,
    /// The last turn consists of tool results so far.
    in_results: bool,
}

pub(super) fn read(messages: Vec<&RawValue>, seal: &dyn Seal) -> Result<Vec<Turn>, Fault> {
    let path = Path::Root.key("messages");
    let mut read = Messages {
        seal,
        turns: Vec::with_capacity(messages.len()),
        unanswered: Unanswered::default(),
        in_results: false,
    };
    let last = messages.len().saturating_sub(1);
    for (at, raw) in messages.into_iter().enumerate() {
        read.message(raw, at, at == last, &path.index(at))?;
    }
    Ok(read.turns)
}

impl Messages<'_> {
    fn message(
        &mut self,
        raw: &RawValue,
        at: usize,
        last: bool,
        path: &Path<'_>,
    ) -> Result<(), Fault> {
        let mut message = Object::read(raw, path)?;
        let Str(role) = message.need("role", path)?;
        let content = message.take("content");
        let blocks = match content {
            Some(raw) => parts::read(raw, self.seal, &path.key("content"))?,
            None => Vec::new(),
        };
        let role = match &*role {
            "system" => Role::System,
            "developer" => Role::Developer,
            "user" => return self.user(blocks, &mut message, path),
            "tool" => return self.result(blocks, &mut message, path),
            "assistant" => return self.assistant(blocks, message, at, last, path),
            other => {
                let known = "system, user, assistant or tool";
                return Err(Fault::invalid(
                    path.key("role").to_string(),
                    format!("`{other}` is no role: use {known}"),
                ));
            }
        };
        self.in_results = false;
        self.turns.push(Turn::new(role, blocks));
        Ok(())
    }

    fn user(
        &mut self,
        blocks: Vec<Block>,
        message: &mut Object<'_>,
        path: &Path<'_>,
    ) -> Result<(), Fault> {
        let joins = std::mem::take(&mut self.in_results);
        let name = message.get("name", path)?;
        match self.turns.last_mut().filter(|_| joins) {
            Some(turn) => {
                turn.blocks.extend(blocks);
                turn.name = name;
            }
            None => self.turns.push(Turn {
                name,
                ..Turn::new(Role::User, blocks)
            }),
        }
        Ok(())
    }

    fn result(
        &mut self,
        content: Vec<Block>,
        message: &mut Object<'_>,
        path: &Path<'_>,
    ) -> Result<(), Fault> {
        let said: Option<String> = message.get("tool_call_id", path)?;
        let call = match said.as_deref().filter(|id| names_a_call(id)) {
            Some(id) => self.unanswered.take(id),
            None => self.unanswered.take_first(),
        };
        let id = call.or(said).unwrap_or_default();
        let block = Block::ToolResult(ToolResult {
            id,
            content,
            is_error: false,
            form: ToolForm::Function,
            cache: None,
        });
        match self.turns.last_mut().filter(|_| self.in_results) {
            Some(turn) => turn.blocks.push(block),
            None => self.turns.push(Turn::new(Role::User, vec![block])),
        }
        self.in_results = true;
        Ok(())
    }

    fn assistant(
        &mut self,
        mut blocks: Vec<Block>,
        mut message: Object<'_>,
        at: usize,
        last: bool,
        path: &Path<'_>,
    ) -> Result<(), Fault> {
        let calls: Vec<&RawValue> = message.get("tool_calls", path)?.unwrap_or_default();
        let prefix: bool = message.get("prefix", path)?.unwrap_or(false);
        let root = path.key("tool_calls");
        self.unanswered = Unanswered::default();
        for (index, raw) in calls.into_iter().enumerate() {
            let path = root.index(index);
            let mut call = tool_use(raw, &path)?;
            if !names_a_call(&call.id) {
                call.id = format!("call_{at}_{index}");
            }
            self.unanswered.push(call.id.clone(), call.id.clone());
            blocks.push(Block::ToolUse(call));
        }
        self.in_results = false;
        self.turns.push(Turn {
            prefill: prefix && last,
            ..Turn::new(Role::Assistant, blocks)
        });
        Ok(())
    }
}

/// The SDKs fill in the text `null` where there is no id.
fn names_a_call(id: &str) -> bool {
    !id.is_empty() && id != "null"
}

fn tool_use(raw: &RawValue, path: &Path<'_>) -> Result<ToolUse, Fault> {
    let mut call = Object::read(raw, path)?;
    let id = call.get::<String>("id", path)?.unwrap_or_default();
    let inside = path.key("function");
    let mut function = Object::read(call.need("function", path)?, &inside)?;
    let arguments = function.take("arguments");
    Ok(ToolUse {
        id,
        name: function.need("name", &inside)?,
        namespace: None,
        form: ToolForm::Function,
        arguments: wire::arguments(arguments).into_owned(),
        cache: None,
    })
}
