//! A client's body -> Call.
//!
//! Mistral refuses unknown keys; this door does not: they are extras, so that a newer client works.

mod messages;
mod parts;
mod tools;

use super::sampling;
use crate::call::{Call, Chat, Effort, Format, ReasoningAsk, ReasoningMode, Sampling, Stream};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json::{Object, Path, Raw, Str};
use crate::seal::Seal;
use serde_json::value::RawValue;

pub(crate) fn decode(body: &[u8], seal: &dyn Seal) -> Result<Call, Fault> {
    let path = &Path::Root;
    let mut body = Object::read_body(body)?;
    let tools = match body.get("tools", path)? {
        Some(tools) => tools::read(tools)?,
        None => Vec::new(),
    };
    let tool_choice = match body.take("tool_choice") {
        Some(raw) => Some(tools::read_choice(raw)?),
        None => None,
    };
    let format = match body.take("response_format") {
        Some(raw) => format(raw)?,
        None => Format::Text,
    };
    let chat = Chat {
        model: body.need("model", path)?,
        stream: Stream {
            on: body.get("stream", path)?.unwrap_or(false),
            include_usage: false,
        },
        turns: messages::read(body.need("messages", path)?, seal)?,
        tools,
        tool_choice,
        parallel_tools: body.get("parallel_tool_calls", path)?,
        format,
        reasoning: reasoning(&mut body)?,
        sampling: Sampling {
            top_k: body.get("top_k", path)?,
            presence_penalty: body.get("presence_penalty", path)?,
            frequency_penalty: body.get("frequency_penalty", path)?,
            repetition_penalty: body.get("repetition_penalty", path)?,
            n: body.get("n", path)?,
            ..sampling::read(&mut body)?
        },
        cache_key: body.get("prompt_cache_key", path)?,
        cache: None,
        old_functions: false,
        extras: sampling::extras(Dialect::MistralChat, body),
    };
    Ok(Call::Chat(Box::new(chat)))
}

fn reasoning(body: &mut Object<'_>) -> Result<ReasoningAsk, Fault> {
    let Some(Str(name)) = body.get("reasoning_effort", &Path::Root)? else {
        return Ok(ReasoningAsk::default());
    };
    let effort = Effort::from_name(&name).ok_or_else(|| {
        let known = "none, minimal, low, medium, high, xhigh or max";
        Fault::invalid(
            "reasoning_effort",
            format!("`{name}` is no effort: use {known}"),
        )
    })?;
    let mode = if effort == Effort::None {
        ReasoningMode::Off
    } else {
        ReasoningMode::Unsaid
    };
    Ok(ReasoningAsk {
        mode,
        effort: Some(effort),
        ..ReasoningAsk::default()
    })
}

fn format(raw: &RawValue) -> Result<Format, Fault> {
    let root = Path::Root.key("response_format");
    let mut format = Object::read(raw, &root)?;
    let Str(kind) = format.need("type", &root)?;
    Ok(match &*kind {
        "text" => Format::Text,
        "json_object" => Format::JsonObject,
        "json_schema" => {
            let path = root.key("json_schema");
            let mut inner = Object::read(format.need("json_schema", &root)?, &path)?;
            Format::JsonSchema {
                name: inner.get("name", &path)?,
                description: inner.get("description", &path)?,
                schema: inner.need::<Raw>("schema", &path)?,
                strict: inner.get("strict", &path)?,
            }
        }
        _ => Format::Other {
            dialect: Dialect::MistralChat,
            raw: Raw::from(raw),
        },
    })
}
