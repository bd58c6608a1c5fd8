//! A Messages body -> a call.

mod ask;
mod blocks;
mod tools;

use crate::block::{Block, CacheMark, Opaque, Text};
use crate::call::{Call, Chat, Extra, LEFTOVERS_MAX, Role, Sampling, Stream, Tool, Turn};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json::{Object, Path, Raw, Str, read};
use crate::seal::Seal;
use serde_json::value::RawValue;

/// Reads a body, collecting what has no canonical place.
struct Reader<'s> {
    seal: &'s dyn Seal,
    extras: Vec<Extra>,
}

/// Fields of the body that are for Vane and go to no provider.
const VANE_ONLY: [&str; 3] = ["models", "provider", "vane"];

pub(crate) fn decode(body: &[u8], seal: &dyn Seal) -> Result<Call, Fault> {
    let mut object = Object::read_body(body)?;
    let root = &Path::Root;
    let mut reader = Reader {
        seal,
        extras: Vec::new(),
    };
    let model = object.need::<String>("model", root)?;
    let on = object.get::<bool>("stream", root)?.unwrap_or(false);
    let mut turns = reader.system(&mut object, root)?;
    reader.messages(&mut object, &mut turns, root)?;
    let tools = reader.tools(&mut object, root)?;
    let (tool_choice, parallel_tools) = tools::choice(&mut object, root)?;
    let (reasoning, format) = reader.ask(&mut object, root)?;
    let sampling = sampling(&mut object, root)?;
    let cache = reader.cache(&mut object, root)?;
    for (name, raw) in object.rest() {
        if raw.get() != "null" && !VANE_ONLY.contains(&&*name) {
            reader.extra(&name, raw);
        }
    }
    Ok(Call::Chat(Box::new(Chat {
        model,
        stream: Stream {
            on,
            include_usage: false,
        },
        turns,
        tools,
        tool_choice,
        parallel_tools,
        format,
        reasoning,
        sampling,
        cache_key: None,
        cache,
        extras: reader.extras,
        old_functions: false,
    })))
}

/// A block of this dialect in a body of another: Cursor writes them into chats with Anthropic's models.
pub(crate) fn block(
    raw: &RawValue,
    path: &Path<'_>,
    seal: &dyn Seal,
    extras: &mut Vec<Extra>,
) -> Result<Block, Fault> {
    let extras_before = std::mem::take(extras);
    let mut reader = Reader {
        seal,
        extras: extras_before,
    };
    let block = reader.block(raw, path);
    *extras = reader.extras;
    block
}

/// A tool of this dialect in a body of another.
pub(crate) fn tool(raw: &RawValue, path: &Path<'_>, seal: &dyn Seal) -> Result<Tool, Fault> {
    let extras = Vec::new();
    Reader { seal, extras }.tool(raw, path)
}

fn sampling(object: &mut Object<'_>, root: &Path<'_>) -> Result<Sampling, Fault> {
    Ok(Sampling {
        temperature: object.get("temperature", root)?,
        top_p: object.get("top_p", root)?,
        top_k: object.get("top_k", root)?,
        stop: object.get("stop_sequences", root)?.unwrap_or_default(),
        max_output: object.get("max_tokens", root)?,
        ..Sampling::default()
    })
}

impl Reader<'_> {
    /// The system prompt, as the first turn.
    fn system(&mut self, object: &mut Object<'_>, root: &Path<'_>) -> Result<Vec<Turn>, Fault> {
        let Some(raw) = object.take("system") else {
            return Ok(Vec::new());
        };
        let mut blocks = self.blocks(raw, &root.key("system"))?;
        if raw.get().starts_with('[') {
            set_billing_apart(raw, &mut blocks);
        }
        let mut turns = Vec::new();
        if !blocks.is_empty() {
            turns.push(Turn::new(Role::System, blocks));
        }
        Ok(turns)
    }

    fn messages(
        &mut self,
        object: &mut Object<'_>,
        turns: &mut Vec<Turn>,
        root: &Path<'_>,
    ) -> Result<(), Fault> {
        let messages: Vec<&RawValue> = object.need("messages", root)?;
        let list = root.key("messages");
        if messages.is_empty() {
            let param = list.to_string();
            return Err(Fault::invalid(param, "at least one message is required"));
        }
        for (at, raw) in messages.into_iter().enumerate() {
            let turn = self.message(raw, &list.index(at))?;
            // It set nothing but the effort of what comes after it.
            if turn.role != Role::System || !turn.blocks.is_empty() {
                turns.push(turn);
            }
        }
        if let Some(last) = turns.last_mut() {
            last.prefill = last.role == Role::Assistant;
        }
        Ok(())
    }

    fn message(&mut self, raw: &RawValue, path: &Path<'_>) -> Result<Turn, Fault> {
        let mut message = Object::read(raw, path)?;
        let Str(role) = message.need("role", path)?;
        let role = match role.as_ref() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            other => {
                return Err(Fault::invalid(
                    path.key("role").to_string(),
                    format!("the role must be `user`, `assistant` or `system`, not {other:?}"),
                ));
            }
        };
        let is_bare = role == Role::System && message.peek("output_config").is_some();
        let blocks = if is_bare && message.peek("content").is_none() {
            Vec::new()
        } else {
            let content: &RawValue = message.need("content", path)?;
            self.blocks(content, &path.key("content"))?
        };
        self.leftover(message);
        Ok(Turn::new(role, blocks))
    }

    /// Takes the `cache_control` of an object.
    fn cache(
        &mut self,
        object: &mut Object<'_>,
        path: &Path<'_>,
    ) -> Result<Option<CacheMark>, Fault> {
        let Some(raw) = object.take("cache_control") else {
            return Ok(None);
        };
        let path = &path.key("cache_control");
        let mut mark = Object::read(raw, path)?;
        let Str(_ephemeral) = mark.need("type", path)?;
        let ttl = mark.get::<Str<'_>>("ttl", path)?;
        self.leftover(mark);
        Ok(Some(match ttl.as_ref().map(|Str(text)| text.as_ref()) {
            Some("1h") => CacheMark::OneHour,
            Some("5m") => CacheMark::FiveMinutes,
            Some(_) | None => CacheMark::Default,
        }))
    }

    /// Keeps what a block said beyond its canonical form, for the notes; once per name.
    fn leftover(&mut self, object: Object<'_>) {
        for (name, raw) in object.rest() {
            if self.extras.len() >= LEFTOVERS_MAX {
                return;
            }
            let name = format!("{}{name}", super::OF_CONTENT);
            let empty = matches!(raw.get(), "null" | "[]" | "{}");
            if !empty && !self.extras.iter().any(|extra| extra.name == name) {
                self.extra(&name, raw);
            }
        }
    }

    fn extra(&mut self, name: &str, raw: &RawValue) {
        self.extras.push(Extra {
            dialect: Dialect::AnthropicMessages,
            name: name.to_owned(),
            value: Raw::from(raw),
        });
    }
}

/// Makes the billing line an opaque block, so that it reaches Anthropic as it stands and nobody
/// else: it would break the prompt cache of every other provider.
fn set_billing_apart(system: &RawValue, blocks: &mut [Block]) {
    let Some(first) = blocks.first_mut() else {
        return;
    };
    let billing = format!("{}:", super::super::BILLING);
    if !matches!(first, Block::Text(Text { text, .. }) if text.starts_with(&billing)) {
        return;
    }
    let raws: Result<Vec<&RawValue>, _> = read(system, &Path::Root);
    if let Some(raw) = raws.ok().and_then(|raws| raws.first().copied()) {
        *first = Block::Opaque(Opaque {
            dialect: Dialect::AnthropicMessages,
            kind: super::super::BILLING.to_owned(),
            raw: Raw::from(raw),
        });
    }
}
