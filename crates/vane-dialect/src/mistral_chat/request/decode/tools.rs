//! Tools and the choice among them.

use crate::block::ToolForm;
use crate::call::{Function, Tool, ToolChoice};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json::{self, Object, Path, Raw, Str};
use crate::mistral_chat::request::sampling;
use serde_json::value::RawValue;

pub(super) fn read(tools: Vec<&RawValue>) -> Result<Vec<Tool>, Fault> {
    let path = Path::Root.key("tools");
    let tools = tools.into_iter().enumerate();
    tools.map(|(at, raw)| tool(raw, &path.index(at))).collect()
}

fn tool(raw: &RawValue, path: &Path<'_>) -> Result<Tool, Fault> {
    let mut tool = Object::read(raw, path)?;
    let kind: Option<Str<'_>> = tool.get("type", path)?;
    if let Some(Str(kind)) = kind.filter(|kind| kind.0 != "function") {
        return Ok(Tool::Hosted {
            dialect: Dialect::MistralChat,
            kind: kind.into_owned(),
            raw: Raw::from(raw),
        });
    }
    let inside = path.key("function");
    let mut function = Object::read(tool.need("function", path)?, &inside)?;
    Ok(Tool::Function(Function {
        name: function.need("name", &inside)?,
        description: function.get("description", &inside)?,
        parameters: function.get("parameters", &inside)?,
        strict: function.get("strict", &inside)?,
        cache: None,
        extras: sampling::extras(Dialect::MistralChat, function),
    }))
}

pub(super) fn read_choice(raw: &RawValue) -> Result<ToolChoice, Fault> {
    let path = Path::Root.key("tool_choice");
    if raw.get().starts_with('{') {
        let mut choice = Object::read(raw, &path)?;
        let kind: Option<Str<'_>> = choice.get("type", &path)?;
        if kind.is_some_and(|kind| kind.0 != "function") {
            return Ok(ToolChoice::Hosted {
                dialect: Dialect::MistralChat,
                raw: Raw::from(raw),
            });
        }
        let inside = path.key("function");
        let mut function = Object::read(choice.need("function", &path)?, &inside)?;
        return Ok(ToolChoice::Named {
            form: ToolForm::Function,
            name: function.need("name", &inside)?,
        });
    }
    let Str(choice) = json::read(raw, &path)?;
    Ok(match &*choice {
        "none" => ToolChoice::None,
        "auto" => ToolChoice::Auto,
        "any" | "required" => ToolChoice::Required,
        other => {
            let known = "none, auto, any, required or a named function";
            return Err(Fault::invalid(
                "tool_choice",
                format!("`{other}` is no choice: use {known}"),
            ));
        }
    })
}
