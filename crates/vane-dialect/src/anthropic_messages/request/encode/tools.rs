//! Tools and the choice among them -> JSON.

use super::names::{Names, own_name};
use super::schema;
use crate::anthropic_messages::wire::{CUSTOM_INPUT, Members};
use crate::call::{Chat, CustomTool, Function, Tool, ToolChoice};
use crate::dialect::Dialect;
use crate::exchange::Target;
use crate::json::{self, Object, Path};
use crate::notes::Notes;
use crate::quirk::Quirk;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Writes `tools` and `tool_choice`; `custom` gets the sent names of custom tools.
pub(super) fn write(
    chat: &Chat,
    target: &Target<'_>,
    names: &Names<'_>,
    members: &mut Members<'_>,
    custom: &mut Vec<String>,
    notes: &mut Notes,
) {
    let mut written = Vec::new();
    let mut tools = Tools {
        allowed: allowed(chat),
        names,
        custom,
        notes,
        out: &mut written,
    };
    for tool in &chat.tools {
        tools.tool("", tool);
    }
    if written.is_empty() {
        // A choice without tools is refused.
        if let Some(ToolChoice::Required | ToolChoice::Named { .. }) = chat.tool_choice {
            notes.drop("tool_choice");
        }
        return;
    }
    let out = members.key("tools");
    out.push(b'[');
    out.append(&mut written);
    out.push(b']');
    choice(chat, target, names, members, notes);
}

/// Whether the model is left no choice but to call a tool, where it can be.
pub(super) fn is_forced(chat: &Chat, target: &Target<'_>) -> bool {
    let asked = matches!(
        chat.tool_choice,
        Some(
            ToolChoice::Required
                | ToolChoice::Named { .. }
                | ToolChoice::Allowed { required: true, .. }
        )
    );
    asked && !target.quirks.has(Quirk::NoForcedTool)
}

/// The names that a choice allows; `None` if all are.
fn allowed(chat: &Chat) -> Option<BTreeSet<&str>> {
    match &chat.tool_choice {
        Some(ToolChoice::Allowed { names, .. }) => Some(names.iter().map(String::as_str).collect()),
        Some(
            ToolChoice::None
            | ToolChoice::Auto
            | ToolChoice::Required
            | ToolChoice::Named { .. }
            | ToolChoice::Hosted { .. },
        )
        | None => None,
    }
}

struct Tools<'a> {
    allowed: Option<BTreeSet<&'a str>>,
    names: &'a Names<'a>,
    custom: &'a mut Vec<String>,
    notes: &'a mut Notes,
    out: &'a mut Vec<u8>,
}

impl Tools<'_> {
    fn tool(&mut self, namespace: &str, tool: &Tool) {
        if let Some(name) = own_name(tool) {
            let sent = self.names.sent(namespace, name);
            let known_as = [name, namespace, &*sent];
            if let Some(allowed) = &self.allowed
                && !known_as.iter().any(|name| allowed.contains(name))
            {
                return;
            }
        }
        match tool {
            Tool::Function(function) => self.function(namespace, function),
            Tool::Custom(custom) => self.custom(namespace, custom),
            Tool::Namespace {
                name,
                description,
                tools,
            } => {
                if description.is_some() {
                    self.notes.drop("tools.description");
                }
                // Namespaces do not nest: what stands deeper is noted as a tool of no kind.
                for member in tools {
                    match own_name(member) {
                        Some(_) => self.tool(name, member),
                        None => self.notes.drop("tools.namespace"),
                    }
                }
            }
            Tool::Hosted { dialect, kind, raw } => {
                if *dialect == Dialect::AnthropicMessages {
                    self.comma();
                    self.out.extend_from_slice(raw.get().as_bytes());
                } else {
                    self.notes.drop(format!("tools.{kind}"));
                }
            }
        }
    }

    fn function(&mut self, namespace: &str, function: &Function) {
        self.comma();
        let mut members = Members::open(self.out);
        members.text("name", &self.names.sent(namespace, &function.name));
        if let Some(description) = &function.description {
            members.text("description", description);
        }
        let schema = function.parameters.as_ref().map(|raw| typed(raw.get()));
        let schema = schema.unwrap_or(Cow::Borrowed(r#"{"type":"object","properties":{}}"#));
        members.raw("input_schema", &schema);
        // `false` is the default, and not every provider knows the field.
        if function.strict == Some(true) {
            // A schema that is only shown to the model may say anything.
            if schema::fit(&schema).is_whole() {
                members.raw("strict", "true");
            } else {
                self.notes.drop("tools.strict");
            }
        }
        members.cache(function.cache);
        for extra in &function.extras {
            if extra.dialect == Dialect::AnthropicMessages {
                members.raw(&extra.name, extra.value.get());
            } else {
                self.notes.drop(format!("tools.{}", extra.name));
            }
        }
        members.close();
    }

    /// A tool of one free text, as a function of one string.
    fn custom(&mut self, namespace: &str, tool: &CustomTool) {
        self.comma();
        let sent = self.names.sent(namespace, &tool.name);
        let mut description = tool.description.clone().unwrap_or_default();
        if let Some(format) = &tool.format {
            // Nothing enforces the format here, but the model can be told.
            self.notes.drop("tools.format");
            description.push_str("\n\nThe format of the input: ");
            description.push_str(format.get());
        }
        let mut members = Members::open(self.out);
        members.text("name", &sent);
        if !description.is_empty() {
            members.text("description", description.trim_start());
        }
        let schema = format!(
            r#"{{"type":"object","properties":{{"{CUSTOM_INPUT}":{{"type":"string"}}}},"required":["{CUSTOM_INPUT}"]}}"#
        );
        members.raw("input_schema", &schema);
        members.close();
        self.custom.push(sent.into_owned());
    }

    fn comma(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b',');
        }
    }
}

/// The schema with the `type` that Anthropic demands; every other byte is its author's.
fn typed(schema: &str) -> Cow<'_, str> {
    let untyped = Object::read_str(schema, &Path::Root)
        .is_ok_and(|object| object.peek("type").is_none() && object.peek("$ref").is_none());
    let Some(inside) = schema.trim_start().strip_prefix('{').filter(|_| untyped) else {
        return Cow::Borrowed(schema);
    };
    let comma = if inside.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    Cow::Owned(format!("{{\"type\":\"object\"{comma}{inside}"))
}

fn choice(
    chat: &Chat,
    target: &Target<'_>,
    names: &Names<'_>,
    members: &mut Members<'_>,
    notes: &mut Notes,
) {
    let forced = is_forced(chat, target);
    let (kind, name) = match &chat.tool_choice {
        None if chat.parallel_tools == Some(false) => ("auto", None),
        None => return,
        Some(ToolChoice::None) => ("none", None),
        Some(ToolChoice::Auto) => ("auto", None),
        Some(
            ToolChoice::Required
            | ToolChoice::Named { .. }
            | ToolChoice::Allowed { required: true, .. },
        ) if !forced => {
            notes.drop("tool_choice");
            ("auto", None)
        }
        Some(ToolChoice::Required) => ("any", None),
        Some(ToolChoice::Named { name, .. }) => ("tool", Some(names.chosen(name))),
        Some(ToolChoice::Allowed { required: true, .. }) => ("any", None),
        Some(ToolChoice::Allowed { .. }) => ("auto", None),
        Some(ToolChoice::Hosted { dialect, raw }) => {
            if *dialect == Dialect::AnthropicMessages {
                members.raw("tool_choice", raw.get());
            } else {
                notes.drop("tool_choice");
            }
            return;
        }
    };
    let mut inner = Members::open(members.key("tool_choice"));
    inner.text("type", kind);
    if let Some(name) = name {
        inner.text("name", &name);
    }
    // Where no tool may be called there is nothing to say about several.
    if let (Some(parallel), true) = (chat.parallel_tools, kind != "none") {
        json::value(inner.key("disable_parallel_tool_use"), &!parallel);
    }
    inner.close();
}
