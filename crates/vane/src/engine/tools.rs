//! Tools in requests: what may be called, and what was called before.

use serde::Deserialize;
use serde_json::value::RawValue;
use vane_engine::{Tool, ToolCall, ToolChoice, Tools};

use super::ask::{Unread, or_nothing};

/// Of a function that takes nothing.
const NO_PARAMETERS: &str = r#"{"type":"object","properties":{}}"#;

#[derive(Deserialize)]
pub(super) struct OfferedTool {
    r#type: String,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    description: Option<String>,
    /// As it was written: the model is shown it.
    parameters: Option<Box<RawValue>>,
    #[serde(default)]
    strict: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Choice {
    Word(String),
    Function { function: Named },
}

#[derive(Deserialize)]
pub(super) struct Named {
    name: String,
}

/// A call in a turn of the assistant.
#[derive(Deserialize)]
pub(super) struct MadeCall {
    #[serde(default, deserialize_with = "or_nothing")]
    id: String,
    function: MadeFunction,
}

#[derive(Deserialize)]
struct MadeFunction {
    name: String,
    #[serde(default, deserialize_with = "or_nothing")]
    arguments: String,
}

pub(super) fn read(
    tools: &[OfferedTool],
    choice: Option<&Choice>,
    parallel: Option<bool>,
) -> Result<Tools, Unread> {
    let choice = match choice {
        None => ToolChoice::Auto,
        Some(Choice::Function { function }) => ToolChoice::Named(function.name.clone()),
        Some(Choice::Word(word)) => match word.as_str() {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" | "any" => ToolChoice::Any,
            _ => return Err(Unread::new("tool_choice", "no such choice of a tool")),
        },
    };
    let list = tools.iter().map(OfferedTool::read);
    Ok(Tools {
        list: list.collect::<Result<_, _>>()?,
        choice,
        single: parallel == Some(false),
    })
}

impl OfferedTool {
    fn read(&self) -> Result<Tool, Unread> {
        let (Some(function), "function") = (&self.function, &*self.r#type) else {
            return Err(Unread::new("tools", "this model calls functions alone"));
        };
        let parameters = function.parameters.as_ref();
        let parameters = parameters.map_or(NO_PARAMETERS, |raw| raw.get());
        Ok(Tool {
            name: function.name.clone(),
            description: function.description.clone().unwrap_or_default(),
            parameters: parameters.to_owned(),
            strict: function.strict == Some(true),
        })
    }
}

impl MadeCall {
    pub(super) fn read(&self) -> ToolCall {
        ToolCall {
            id: self.id.clone(),
            name: self.function.name.clone(),
            arguments: self.function.arguments.clone(),
        }
    }
}
