//! Tools, the choice among them and the answer's format.

use super::decode::leftover;
use super::{OF_CHOICE, OF_TOOL, grammar, part_in};
use crate::anthropic_messages;
use crate::block::{CacheMark, ToolForm};
use crate::call::{CustomTool, Extra, Format, Function, Tool, ToolChoice};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json::{self, Object, Path, Raw};
use crate::seal::Seal;
use serde_json::value::RawValue;

pub(super) fn tools(
    body: &mut Object<'_>,
    seal: &dyn Seal,
    extras: &mut Vec<Extra>,
) -> Result<Vec<Tool>, Fault> {
    let mut tools = Vec::new();
    if let Some(raw) = body.take("tools") {
        let path = Path::Root.key("tools");
        let list: Vec<&RawValue> = json::read(raw, &path)?;
        for (at, raw) in list.into_iter().enumerate() {
            tools.push(tool(raw, &path.index(at), seal, extras)?);
        }
    }
    if let Some(raw) = body.take("functions") {
        let path = Path::Root.key("functions");
        let list: Vec<&RawValue> = json::read(raw, &path)?;
        for (at, raw) in list.into_iter().enumerate() {
            let path = path.index(at);
            tools.push(function_of(Object::read(raw, &path)?, None, &path)?);
        }
    }
    Ok(tools)
}

/// A tool. Some programs (Cursor) write theirs as the responses dialect has them, without the object
/// that chats put around a function, and with Anthropic's models as Anthropic has them.
fn tool(
    raw: &RawValue,
    path: &Path<'_>,
    seal: &dyn Seal,
    extras: &mut Vec<Extra>,
) -> Result<Tool, Fault> {
    let mut tool = Object::read(raw, path)?;
    if tool.peek("input_schema").is_some() && tool.peek("function").is_none() {
        return anthropic_messages::request::tool(raw, path, seal);
    }
    let kind: Option<String> = tool.get("type", path)?;
    let is_flat = |within: &str| tool.peek(within).is_none() && tool.peek("name").is_some();
    match kind.as_deref() {
        Some("function") if is_flat("function") => function_of(tool, None, path),
        None | Some("function") => {
            let mark = part_in::cache(&mut tool);
            let raw: &RawValue = tool.need("function", path)?;
            let path = path.key("function");
            leftover(OF_TOOL, tool, extras);
            function_of(Object::read(raw, &path)?, mark, &path)
        }
        Some("custom") if is_flat("custom") => {
            let format = tool.take("format").map(Raw::from);
            custom(tool, format, path, extras)
        }
        Some("custom") => {
            let raw: &RawValue = tool.need("custom", path)?;
            let path = path.key("custom");
            let mut inner = Object::read(raw, &path)?;
            let format = inner.take("format").map(grammar::from_chat);
            leftover(OF_TOOL, tool, extras);
            custom(inner, format, &path, extras)
        }
        Some(kind) => Ok(Tool::Hosted {
            dialect: Dialect::OpenaiChat,
            kind: kind.to_owned(),
            raw: Raw::from(raw),
        }),
    }
}

fn custom(
    mut tool: Object<'_>,
    format: Option<Raw>,
    path: &Path<'_>,
    extras: &mut Vec<Extra>,
) -> Result<Tool, Fault> {
    let custom = CustomTool {
        name: tool.need("name", path)?,
        description: tool.get("description", path)?,
        format,
    };
    leftover(OF_TOOL, tool, extras);
    Ok(Tool::Custom(custom))
}

/// A function, and the mark that stands beside it: some clients write it there, some inside.
fn function_of(
    mut function: Object<'_>,
    mark: Option<CacheMark>,
    path: &Path<'_>,
) -> Result<Tool, Fault> {
    let within = part_in::cache(&mut function);
    Ok(Tool::Function(Function {
        name: function.need("name", path)?,
        description: function.get("description", path)?,
        parameters: function.take("parameters").map(Raw::from),
        strict: function.get("strict", path)?,
        cache: mark.or(within),
        extras: function
            .rest()
            .into_iter()
            .map(|(name, value)| Extra {
                dialect: Dialect::OpenaiChat,
                name: name.into_owned(),
                value: value.into(),
            })
            .collect(),
    }))
}

pub(super) fn choice(
    body: &mut Object<'_>,
    extras: &mut Vec<Extra>,
) -> Result<Option<ToolChoice>, Fault> {
    let key = match body.peek("tool_choice") {
        Some(raw) if raw.get() != "null" => "tool_choice",
        _ => "function_call",
    };
    body.take("tool_choice")
        .or(body.take("function_call"))
        .map_or(Ok(None), |raw| {
            let path = Path::Root.key(key);
            match raw.get() {
                "\"none\"" => Ok(Some(ToolChoice::None)),
                "\"auto\"" => Ok(Some(ToolChoice::Auto)),
                "\"required\"" | "\"any\"" => Ok(Some(ToolChoice::Required)),
                text if text.starts_with('{') => object_choice(raw, &path, extras).map(Some),
                _ => Err(Fault::invalid(
                    key,
                    "expected none, auto, required or an object that names a tool",
                )),
            }
        })
}

fn object_choice(
    raw: &RawValue,
    path: &Path<'_>,
    extras: &mut Vec<Extra>,
) -> Result<ToolChoice, Fault> {
    let mut choice = Object::read(raw, path)?;
    let kind: Option<String> = choice.get("type", path)?;
    let is_flat = |within: &str| choice.peek(within).is_none() && choice.peek("name").is_some();
    let named = |form, name| ToolChoice::Named { form, name };
    let chosen = match kind.as_deref() {
        Some("none") => ToolChoice::None,
        Some("auto") => ToolChoice::Auto,
        Some("required" | "any") => ToolChoice::Required,
        // The old `function_call: {"name"}` has no type, and other dialects write no object around it.
        None | Some("function" | "tool") if is_flat("function") => {
            named(ToolForm::Function, choice.need("name", path)?)
        }
        Some("custom") if is_flat("custom") => named(ToolForm::Custom, choice.need("name", path)?),
        None | Some("function") => {
            named(ToolForm::Function, name_in(&mut choice, "function", path)?)
        }
        Some("custom") => named(ToolForm::Custom, name_in(&mut choice, "custom", path)?),
        Some("allowed_tools") => allowed(&mut choice, path)?,
        Some(_) => {
            return Ok(ToolChoice::Hosted {
                dialect: Dialect::OpenaiChat,
                raw: Raw::from(raw),
            });
        }
    };
    leftover(OF_CHOICE, choice, extras);
    Ok(chosen)
}

fn allowed(choice: &mut Object<'_>, path: &Path<'_>) -> Result<ToolChoice, Fault> {
    let raw: &RawValue = choice.need("allowed_tools", path)?;
    let path = path.key("allowed_tools");
    let mut allowed = Object::read(raw, &path)?;
    let mode: Option<String> = allowed.get("mode", &path)?;
    let list: Vec<&RawValue> = allowed.need("tools", &path)?;
    let mut names = Vec::with_capacity(list.len());
    for (at, raw) in list.into_iter().enumerate() {
        let tools = path.key("tools");
        let path = tools.index(at);
        let mut tool = Object::read(raw, &path)?;
        let kind = if tool.peek("custom").is_some() {
            "custom"
        } else {
            "function"
        };
        names.push(name_in(&mut tool, kind, &path)?);
    }
    Ok(ToolChoice::Allowed {
        required: mode.as_deref() == Some("required"),
        names,
    })
}

fn name_in(object: &mut Object<'_>, key: &str, path: &Path<'_>) -> Result<String, Fault> {
    let raw: &RawValue = object.need(key, path)?;
    let path = path.key(key);
    Object::read(raw, &path)?.need("name", &path)
}

pub(super) fn format(body: &mut Object<'_>) -> Result<Format, Fault> {
    let Some(raw) = body.take("response_format") else {
        return Ok(Format::Text);
    };
    let path = Path::Root.key("response_format");
    let mut format = Object::read(raw, &path)?;
    let kind: String = format.need("type", &path)?;
    Ok(match kind.as_str() {
        "text" => Format::Text,
        "json_object" => Format::JsonObject,
        "json_schema" => {
            let raw: &RawValue = format.need("json_schema", &path)?;
            let path = path.key("json_schema");
            let mut schema = Object::read(raw, &path)?;
            Format::JsonSchema {
                name: schema.get("name", &path)?,
                description: schema.get("description", &path)?,
                schema: schema.take("schema").map_or_else(empty, Raw::from),
                strict: schema.get("strict", &path)?,
            }
        }
        _ => Format::Other {
            dialect: Dialect::OpenaiChat,
            raw: Raw::from(raw),
        },
    })
}

fn empty() -> Raw {
    Raw::of(&serde_json::Map::new())
}
