//! Tools, and the choice among them, as functions.

use super::names::Names;
use crate::block::ToolForm;
use crate::call::{Chat, CustomTool, Function, Tool, ToolChoice};
use crate::dialect::Dialect;
use crate::exchange::Target;
use crate::mistral_chat::members::{Members, list};
use crate::notes::Notes;
use crate::quirk::Quirk;
use serde_json::value::RawValue;
use std::collections::BTreeSet;

const NO_PARAMETERS: &str = r#"{"type":"object","properties":{}}"#;
/// A custom tool takes free text: a function of one string stands for it.
const ONE_STRING: &str =
    r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"#;

/// A tool as it is sent.
enum Sent<'c> {
    Function(&'c str, &'c Function),
    Custom(&'c str, &'c CustomTool),
    Own(&'c RawValue),
}

/// The custom tools among the call's, by the names they are sent under.
pub(super) fn custom(chat: &Chat, names: &Names) -> Vec<String> {
    let mut sent = Vec::new();
    flatten(&chat.tools, "", names, &mut Notes::default(), &mut sent);
    let custom = sent.iter().filter_map(|tool| match tool {
        Sent::Custom(name, _) => Some((*name).to_owned()),
        Sent::Function(..) | Sent::Own(_) => None,
    });
    custom.collect()
}

pub(super) fn write(
    body: &mut Members<'_>,
    chat: &Chat,
    target: &Target<'_>,
    names: &Names<'_>,
    notes: &mut Notes,
) {
    let mut tools = Vec::new();
    flatten(&chat.tools, "", names, notes, &mut tools);
    if let Some(ToolChoice::Allowed { names: allowed, .. }) = &chat.tool_choice {
        let allowed: BTreeSet<&str> = allowed.iter().map(|name| names.chosen(name)).collect();
        tools.retain(|tool| match tool {
            Sent::Function(name, _) | Sent::Custom(name, _) => allowed.contains(name),
            Sent::Own(_) => false,
        });
    }
    if tools.is_empty() {
        // A choice among no tools is refused.
        match &chat.tool_choice {
            None | Some(ToolChoice::None | ToolChoice::Auto) => {}
            Some(_) => notes.drop("tool_choice"),
        }
        return;
    }
    list(body.key("tools"), &tools, |out, tool| match tool {
        Sent::Function(name, function) => write_function(out, name, function, notes),
        Sent::Custom(name, custom) => write_custom(out, name, custom, notes),
        Sent::Own(raw) => out.extend_from_slice(raw.get().as_bytes()),
    });
    if let Some(choice) = &chat.tool_choice {
        write_choice(body, choice, target, names, notes);
    }
    match chat.parallel_tools {
        Some(_) if target.quirks.has(Quirk::NoParallelToolCalls) => {
            notes.drop("parallel_tool_calls");
        }
        parallel => body.maybe("parallel_tool_calls", parallel.as_ref()),
    }
}

fn flatten<'c>(
    tools: &'c [Tool],
    namespace: &'c str,
    names: &'c Names<'c>,
    notes: &mut Notes,
    sent: &mut Vec<Sent<'c>>,
) {
    for tool in tools {
        match tool {
            Tool::Function(function) => {
                let name = names.sent(namespace, &function.name);
                sent.push(Sent::Function(name, function));
            }
            Tool::Custom(custom) => {
                let name = names.sent(namespace, &custom.name);
                sent.push(Sent::Custom(name, custom));
            }
            Tool::Namespace {
                name,
                description,
                tools,
            } => {
                if description.is_some() {
                    notes.drop("tools.description");
                }
                flatten(tools, name, names, notes, sent);
            }
            Tool::Hosted { dialect, raw, .. } if *dialect == Dialect::MistralChat => {
                sent.push(Sent::Own(raw.raw()));
            }
            Tool::Hosted { kind, .. } => notes.drop(format!("tools.{kind}")),
        }
    }
}

fn write_function(out: &mut Vec<u8>, name: &str, function: &Function, notes: &mut Notes) {
    if function.cache.is_some() {
        notes.drop("cache_control");
    }
    for extra in &function.extras {
        notes.drop(&extra.name);
    }
    let mut tool = Members::open(out);
    tool.text("type", "function");
    let mut inner = Members::open(tool.key("function"));
    inner.text("name", name);
    inner.maybe("description", function.description.as_ref());
    let schema = function
        .parameters
        .as_ref()
        .map_or(NO_PARAMETERS, |schema| schema.get());
    inner.json("parameters", schema);
    inner.maybe("strict", function.strict.as_ref());
    inner.close();
    tool.close();
}

fn write_custom(out: &mut Vec<u8>, name: &str, custom: &CustomTool, notes: &mut Notes) {
    if custom.format.is_some() {
        notes.drop("tools.custom.format");
    }
    let mut tool = Members::open(out);
    tool.text("type", "function");
    let mut inner = Members::open(tool.key("function"));
    inner.text("name", name);
    inner.maybe("description", custom.description.as_ref());
    inner.json("parameters", ONE_STRING);
    inner.close();
    tool.close();
}

fn write_choice(
    body: &mut Members<'_>,
    choice: &ToolChoice,
    target: &Target<'_>,
    names: &Names<'_>,
    notes: &mut Notes,
) {
    let forced = match choice {
        ToolChoice::None => return body.text("tool_choice", "none"),
        ToolChoice::Auto
        | ToolChoice::Allowed {
            required: false, ..
        } => {
            return body.text("tool_choice", "auto");
        }
        ToolChoice::Hosted { dialect, raw } if *dialect == Dialect::MistralChat => {
            return body.raw("tool_choice", raw.raw());
        }
        ToolChoice::Hosted { .. } => return notes.drop("tool_choice"),
        ToolChoice::Required | ToolChoice::Allowed { required: true, .. } => None,
        ToolChoice::Named {
            form: ToolForm::Function | ToolForm::Custom,
            name,
        } => Some(names.chosen(name)),
    };
    if target.quirks.has(Quirk::NoForcedTool) {
        notes.drop("tool_choice");
        return body.text("tool_choice", "auto");
    }
    let Some(name) = forced else {
        return body.text("tool_choice", "any");
    };
    let mut named = Members::open(body.key("tool_choice"));
    named.text("type", "function");
    let mut function = Members::open(named.key("function"));
    function.text("name", name);
    function.close();
    named.close();
}
