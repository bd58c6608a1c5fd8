//! Tools and the choice among them, as a provider takes them and as an answer echoes them.

use crate::block::ToolForm;
use crate::call::{CustomTool, Function, Tool, ToolChoice};
use crate::dialect::Dialect;
use crate::json::{self, Raw};
use crate::names;
use crate::notes::Notes;
use crate::openai_chat::schema;
use crate::openai_responses::wire::{Fields, List};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// In whose words names and schemas of tools are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::openai_responses) enum Words {
    /// The client's own: an answer echoes what was said.
    Own,
    /// Those that a provider takes.
    Sent,
}

impl Words {
    fn name(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::Own => Cow::Borrowed(name),
            Self::Sent => names::sent(name),
        }
    }

    fn schema(self, schema: &str) -> Cow<'_, str> {
        match self {
            Self::Own => Cow::Borrowed(schema),
            Self::Sent => schema::whole(schema),
        }
    }
}

/// What the answer's decoder must turn back: (sent, namespace or nothing, name).
pub(super) fn renamed(tools: &[Tool]) -> Vec<(String, String, String)> {
    let mut renamed = Vec::new();
    add_renamed(tools, "", &mut renamed);
    renamed
}

fn add_renamed(tools: &[Tool], namespace: &str, renamed: &mut Vec<(String, String, String)>) {
    for tool in tools {
        let name = match tool {
            Tool::Function(function) => &function.name,
            Tool::Custom(custom) => &custom.name,
            Tool::Namespace { name, tools, .. } => {
                add_renamed(tools, name, renamed);
                continue;
            }
            Tool::Hosted { .. } => continue,
        };
        let sent = names::sent(name);
        if sent != *name {
            renamed.push((sent.into_owned(), namespace.to_owned(), name.clone()));
        }
    }
}

/// The `tools` array; `[]` if no tool can be carried.
pub(in crate::openai_responses) fn list(
    tools: &[Tool],
    words: Words,
    notes: &mut Notes,
) -> Vec<u8> {
    let mut out = Vec::new();
    write_list(tools, words, notes, &mut out);
    out
}

fn write_list(tools: &[Tool], words: Words, notes: &mut Notes, out: &mut Vec<u8>) {
    let mut list = List::open(out);
    for tool in tools {
        match tool {
            Tool::Function(function) => write_function(function, words, notes, list.next()),
            Tool::Custom(custom) => write_custom(custom, words, list.next()),
            Tool::Namespace {
                name,
                description,
                tools,
            } => {
                let mut fields = Fields::typed(list.next(), "namespace");
                fields.text("name", name);
                if let Some(description) = description {
                    fields.text("description", description);
                }
                write_list(tools, words, notes, fields.key("tools"));
                fields.close();
            }
            Tool::Hosted { dialect, kind, raw } => {
                if *dialect == Dialect::OpenaiResponses {
                    json::value(list.next(), raw);
                } else {
                    notes.drop(format!("tools.{kind}"));
                }
            }
        }
    }
    list.close();
}

fn write_function(function: &Function, words: Words, notes: &mut Notes, out: &mut Vec<u8>) {
    let mut fields = Fields::typed(out, "function");
    fields.text("name", &words.name(&function.name));
    if let Some(description) = &function.description {
        fields.text("description", description);
    }
    match &function.parameters {
        Some(parameters) => fields.json("parameters", words.schema(parameters.get()).as_bytes()),
        None => fields.json("parameters", r#"{"type":"object","properties":{}}"#),
    };
    // Unsaid means strict here and free everywhere else: say it.
    fields.value("strict", &function.strict.unwrap_or(false));
    for extra in &function.extras {
        if extra.dialect == Dialect::OpenaiResponses {
            fields.value(&extra.name, &extra.value);
        } else {
            notes.drop(format!("tools.{}", extra.name));
        }
    }
    if function.cache.is_some() {
        notes.drop("cache_control");
    }
    fields.close();
}

fn write_custom(custom: &CustomTool, words: Words, out: &mut Vec<u8>) {
    let mut fields = Fields::typed(out, "custom");
    fields.text("name", &words.name(&custom.name));
    if let Some(description) = &custom.description {
        fields.text("description", description);
    }
    if let Some(format) = &custom.format {
        fields.value("format", format);
    }
    fields.close();
}

/// The `tool_choice` value; `None` if it cannot be carried.
pub(in crate::openai_responses) fn choice(
    choice: &ToolChoice,
    tools: &[Tool],
    words: Words,
    notes: &mut Notes,
) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match choice {
        ToolChoice::None => json::string(&mut out, "none"),
        ToolChoice::Auto => json::string(&mut out, "auto"),
        ToolChoice::Required => json::string(&mut out, "required"),
        ToolChoice::Named { form, name } => write_named(*form, &words.name(name), &mut out),
        ToolChoice::Allowed { required, names } => {
            let mut fields = Fields::typed(&mut out, "allowed_tools");
            fields.text("mode", if *required { "required" } else { "auto" });
            let mut list = List::open(fields.key("tools"));
            let custom: BTreeSet<&str> = tools.iter().filter_map(custom_name).collect();
            for name in names {
                let form = match custom.contains(name.as_str()) {
                    true => ToolForm::Custom,
                    false => ToolForm::Function,
                };
                write_named(form, &words.name(name), list.next());
            }
            list.close();
            fields.close();
        }
        ToolChoice::Hosted { dialect, raw } => {
            if *dialect != Dialect::OpenaiResponses {
                notes.drop("tool_choice");
                return None;
            }
            out.extend_from_slice(Raw::get(raw).as_bytes());
        }
    }
    Some(out)
}

fn write_named(form: ToolForm, name: &str, out: &mut Vec<u8>) {
    let kind = match form {
        ToolForm::Function => "function",
        ToolForm::Custom => "custom",
    };
    let mut fields = Fields::typed(out, kind);
    fields.text("name", name);
    fields.close();
}

fn custom_name(tool: &Tool) -> Option<&str> {
    match tool {
        Tool::Custom(custom) => Some(&custom.name),
        Tool::Function(_) | Tool::Namespace { .. } | Tool::Hosted { .. } => None,
    }
}
