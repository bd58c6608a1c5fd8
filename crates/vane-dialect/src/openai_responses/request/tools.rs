//! Tools and the choice among them.

use super::OF_TOOL;
use super::decode::leftover;
use crate::block::ToolForm;
use crate::call::{CustomTool, Extra, Function, Tool, ToolChoice};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json::{self, Object, Path, Raw, Str};
use serde_json::value::RawValue;

pub(super) fn read(
    raw: &RawValue,
    path: &Path<'_>,
    extras: &mut Vec<Extra>,
) -> Result<Vec<Tool>, Fault> {
    let tools: Vec<&RawValue> = json::read(raw, path)?;
    let tools = tools.into_iter().enumerate();
    tools
        .map(|(at, raw)| tool(raw, &path.index(at), extras))
        .collect()
}

fn tool(raw: &RawValue, path: &Path<'_>, extras: &mut Vec<Extra>) -> Result<Tool, Fault> {
    let mut tool = Object::read(raw, path)?;
    let Str(kind) = tool.need("type", path)?;
    if kind != "namespace" {
        return member(raw, tool, &kind, path, extras);
    }
    let members: Vec<&RawValue> = tool.need("tools", path)?;
    let list = path.key("tools");
    let members = members.into_iter().enumerate().map(|(at, raw)| {
        let path = list.index(at);
        let mut tool = Object::read(raw, &path)?;
        let Str(kind) = tool.need("type", &path)?;
        if kind == "namespace" {
            let message = "a namespace cannot stand in a namespace";
            return Err(Fault::invalid(path.to_string(), message));
        }
        member(raw, tool, &kind, &path, extras)
    });
    let namespace = Tool::Namespace {
        tools: members.collect::<Result<_, _>>()?,
        name: tool.need("name", path)?,
        description: tool.get("description", path)?,
    };
    leftover(OF_TOOL, tool, extras);
    Ok(namespace)
}

fn member(
    raw: &RawValue,
    mut tool: Object<'_>,
    kind: &str,
    path: &Path<'_>,
    extras: &mut Vec<Extra>,
) -> Result<Tool, Fault> {
    Ok(match kind {
        "function" => Tool::Function(Function {
            name: tool.need("name", path)?,
            description: tool.get("description", path)?,
            parameters: tool.take("parameters").map(Raw::from),
            strict: tool.get("strict", path)?,
            cache: None,
            extras: tool.rest().into_iter().map(extra).collect(),
        }),
        "custom" => {
            let custom = CustomTool {
                name: tool.need("name", path)?,
                description: tool.get("description", path)?,
                format: tool.take("format").map(Raw::from),
            };
            leftover(OF_TOOL, tool, extras);
            Tool::Custom(custom)
        }
        hosted => Tool::Hosted {
            dialect: Dialect::OpenaiResponses,
            kind: hosted.to_owned(),
            raw: Raw::from(raw),
        },
    })
}

fn extra((name, value): (std::borrow::Cow<'_, str>, &RawValue)) -> Extra {
    Extra {
        dialect: Dialect::OpenaiResponses,
        name: name.into_owned(),
        value: Raw::from(value),
    }
}

pub(super) fn choice(raw: &RawValue, path: &Path<'_>) -> Result<ToolChoice, Fault> {
    if raw.get().starts_with('"') {
        let Str(word) = json::read(raw, path)?;
        return match &*word {
            "none" => Ok(ToolChoice::None),
            "auto" => Ok(ToolChoice::Auto),
            "required" => Ok(ToolChoice::Required),
            other => Err(Fault::invalid(
                path.to_string(),
                format!("`{other}` is none of none, auto, required"),
            )),
        };
    }
    let mut choice = Object::read(raw, path)?;
    let Str(kind) = choice.need("type", path)?;
    let form = match &*kind {
        "function" => ToolForm::Function,
        "custom" => ToolForm::Custom,
        "allowed_tools" => return allowed(raw, choice, path),
        _ => return Ok(hosted(raw)),
    };
    let name = choice.need("name", path)?;
    Ok(ToolChoice::Named { form, name })
}

/// A list with hosted tools in it means something only here.
fn allowed(raw: &RawValue, mut choice: Object<'_>, path: &Path<'_>) -> Result<ToolChoice, Fault> {
    let mode: Option<Str<'_>> = choice.get("mode", path)?;
    let tools: Vec<&RawValue> = choice.need("tools", path)?;
    let list = path.key("tools");
    let mut names = Vec::with_capacity(tools.len());
    for (at, tool) in tools.into_iter().enumerate() {
        let path = list.index(at);
        let mut tool = Object::read(tool, &path)?;
        let kind: Option<Str<'_>> = tool.get("type", &path)?;
        match kind.as_ref().map_or("function", |kind| &*kind.0) {
            "function" | "custom" => names.push(tool.need("name", &path)?),
            _ => return Ok(hosted(raw)),
        }
    }
    Ok(ToolChoice::Allowed {
        required: mode.is_some_and(|mode| mode.0 == "required"),
        names,
    })
}

fn hosted(raw: &RawValue) -> ToolChoice {
    ToolChoice::Hosted {
        dialect: Dialect::OpenaiResponses,
        raw: Raw::from(raw),
    }
}
