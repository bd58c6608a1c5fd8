//! Tools towards a provider: namespaces flattened, custom tools wrapped, schemas fitted.

use super::grammar;
use crate::block::ToolForm;
use crate::call::{Chat, CustomTool, Format, Function, Tool, ToolChoice};
use crate::dialect::Dialect;
use crate::exchange::{Asked, Target};
use crate::json::{self, Raw};
use crate::names;
use crate::notes::Notes;
use crate::openai_chat::schema;
use crate::quirk::Quirk;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What a custom tool becomes where there are none: a function of one string.
const WRAPPING: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;

/// The tools as they will be sent.
pub(super) struct Tools<'a> {
    list: Vec<Sent<'a>>,
    renamed: Vec<(String, String, String)>,
    wraps: bool,
}

enum Sent<'a> {
    Function(String, &'a Function),
    Custom(String, &'a CustomTool),
    Hosted(&'a Raw),
}

impl<'a> Tools<'a> {
    pub(super) fn plan(chat: &'a Chat, target: &Target<'_>, notes: &mut Notes) -> Self {
        let mut tools = Self {
            list: Vec::with_capacity(chat.tools.len()),
            renamed: Vec::new(),
            wraps: !target.takes_all_tools(),
        };
        if target.quirks.has(Quirk::NoTools) {
            if !chat.tools.is_empty() {
                notes.drop("tools");
            }
            return tools;
        }
        for tool in &chat.tools {
            tools.add(tool, None, notes);
        }
        tools.restrict(chat, target);
        tools
    }

    fn add(&mut self, tool: &'a Tool, namespace: Option<&str>, notes: &mut Notes) {
        let mut sent = |name: &str| {
            let sent = sent_name(namespace, name).into_owned();
            if sent != name {
                let namespace = namespace.unwrap_or_default().to_owned();
                self.renamed
                    .push((sent.clone(), namespace, name.to_owned()));
            }
            sent
        };
        match tool {
            Tool::Function(function) => {
                let name = sent(&function.name);
                self.list.push(Sent::Function(name, function));
            }
            Tool::Custom(custom) => {
                let name = sent(&custom.name);
                self.list.push(Sent::Custom(name, custom));
            }
            Tool::Namespace {
                name,
                description,
                tools,
            } => {
                if description.is_some() {
                    notes.drop("tools.description");
                }
                for tool in tools {
                    self.add(tool, Some(name), notes);
                }
            }
            Tool::Hosted {
                dialect: Dialect::OpenaiChat,
                raw,
                ..
            } => self.list.push(Sent::Hosted(raw)),
            Tool::Hosted { kind, .. } => notes.drop(format!("tools.{kind}")),
        }
    }

    /// Where a choice among the tools cannot be said, the others are not sent.
    fn restrict(&mut self, chat: &Chat, target: &Target<'_>) {
        match &chat.tool_choice {
            Some(ToolChoice::Allowed { names, .. }) if self.wraps => {
                let names: BTreeSet<_> = names.iter().map(|name| names::sent(name)).collect();
                self.list
                    .retain(|sent| sent.name().is_some_and(|name| names.contains(name)));
            }
            Some(ToolChoice::Named { name, .. }) if target.quirks.has(Quirk::NoForcedTool) => {
                let wanted = names::sent(name);
                self.list.retain(|sent| sent.name() == Some(&wanted));
            }
            Some(
                ToolChoice::None
                | ToolChoice::Auto
                | ToolChoice::Required
                | ToolChoice::Named { .. }
                | ToolChoice::Allowed { .. }
                | ToolChoice::Hosted { .. },
            )
            | None => {}
        }
    }

    /// Tells the answer's decoder what to turn back.
    pub(super) fn tell(self, asked: &mut Asked) {
        asked.renamed = self.renamed;
        if self.wraps {
            asked
                .custom
                .extend(self.list.into_iter().filter_map(|sent| match sent {
                    Sent::Custom(name, _) => Some(name),
                    Sent::Function(..) | Sent::Hosted(_) => None,
                }));
        }
    }

    pub(super) fn write(
        &self,
        out: &mut Vec<u8>,
        chat: &Chat,
        target: &Target<'_>,
        notes: &mut Notes,
    ) {
        if !self.list.is_empty() {
            out.extend_from_slice(b",\"tools\":[");
            for (at, sent) in self.list.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                self.tool(out, sent, target, notes);
            }
            out.push(b']');
            self.choice(out, chat, target, notes);
            self.parallel(out, chat, target, notes);
        }
        format(out, &chat.format, target, notes);
    }

    fn tool(&self, out: &mut Vec<u8>, sent: &Sent<'_>, target: &Target<'_>, notes: &mut Notes) {
        let gemini = target.quirks.has(Quirk::SchemaGemini);
        match sent {
            Sent::Hosted(raw) => out.extend_from_slice(raw.get().as_bytes()),
            Sent::Custom(name, custom) if !self.wraps => {
                out.extend_from_slice(br#"{"type":"custom","custom":"#);
                named(out, name, custom.description.as_deref());
                if let Some(format) = &custom.format {
                    member(out, "format", &grammar::for_chat(format));
                }
                out.extend_from_slice(b"}}");
            }
            Sent::Custom(name, custom) => {
                if custom.format.is_some() {
                    notes.drop("tools.custom.format");
                }
                out.extend_from_slice(br#"{"type":"function","function":"#);
                named(out, name, custom.description.as_deref());
                member(out, "parameters", &fitted(WRAPPING, gemini));
                out.extend_from_slice(b"}}");
            }
            Sent::Function(name, function) => {
                out.extend_from_slice(br#"{"type":"function","function":"#);
                named(out, name, function.description.as_deref());
                if let Some(parameters) = &function.parameters {
                    let schema = match gemini {
                        true => schema::fit(parameters.get()),
                        false => schema::whole(parameters.get()),
                    };
                    member(out, "parameters", &schema);
                }
                let strict = function.strict;
                if strict == Some(true) && target.quirks.has(Quirk::NoStrictTools) {
                    notes.drop("tools.strict");
                } else if let Some(strict) = strict {
                    member(out, "strict", if strict { "true" } else { "false" });
                }
                for extra in &function.extras {
                    match extra.dialect {
                        Dialect::OpenaiChat => member(out, &extra.name, extra.value.get()),
                        _ => notes.drop(format!("tools.{}", extra.name)),
                    }
                }
                if function.cache.is_some() {
                    notes.drop("cache_control");
                }
                out.extend_from_slice(b"}}");
            }
        }
    }

    fn choice(&self, out: &mut Vec<u8>, chat: &Chat, target: &Target<'_>, notes: &mut Notes) {
        let Some(choice) = &chat.tool_choice else {
            return;
        };
        if target.quirks.has(Quirk::NoToolChoice) {
            // Auto is what happens anyway.
            if *choice != ToolChoice::Auto {
                notes.drop("tool_choice");
            }
            return;
        }
        let forced = !target.quirks.has(Quirk::NoForcedTool);
        let word = match choice {
            ToolChoice::None => "none",
            ToolChoice::Auto => "auto",
            ToolChoice::Required => force(forced, notes),
            ToolChoice::Named { .. } if !forced => force(forced, notes),
            ToolChoice::Named { form, name } => {
                out.extend_from_slice(b",\"tool_choice\":");
                return self.one_of(out, *form, name);
            }
            ToolChoice::Allowed { required, .. } if self.wraps => match required {
                true => force(forced, notes),
                false => "auto",
            },
            ToolChoice::Allowed { required, names } => {
                return self.allowed(out, *required, names);
            }
            ToolChoice::Hosted {
                dialect: Dialect::OpenaiChat,
                raw,
            } => return member(out, "tool_choice", raw.get()),
            ToolChoice::Hosted { .. } => return notes.drop("tool_choice"),
        };
        out.extend_from_slice(b",\"tool_choice\":");
        json::string(out, word);
    }

    fn allowed(&self, out: &mut Vec<u8>, required: bool, names: &[String]) {
        let mode: &[u8] = if required { b"required" } else { b"auto" };
        out.extend_from_slice(
            br#","tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":""#,
        );
        out.extend_from_slice(mode);
        out.extend_from_slice(br#"","tools":["#);
        let custom = self.list.iter().filter_map(|sent| match sent {
            Sent::Custom(name, _) => Some(name.as_str()),
            Sent::Function(..) | Sent::Hosted(_) => None,
        });
        let custom: BTreeSet<&str> = custom.collect();
        for (at, name) in names.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            let form = match custom.contains(&*names::sent(name)) {
                true => ToolForm::Custom,
                false => ToolForm::Function,
            };
            self.one_of(out, form, name);
        }
        out.extend_from_slice(b"]}}");
    }

    fn one_of(&self, out: &mut Vec<u8>, form: ToolForm, name: &str) {
        out.extend_from_slice(match form {
            ToolForm::Custom if !self.wraps => br#"{"type":"custom","custom":"#.as_slice(),
            ToolForm::Custom | ToolForm::Function => br#"{"type":"function","function":"#,
        });
        named(out, &names::sent(name), None);
        out.extend_from_slice(b"}}");
    }

    fn parallel(&self, out: &mut Vec<u8>, chat: &Chat, target: &Target<'_>, notes: &mut Notes) {
        match chat.parallel_tools {
            // True is what happens anyway.
            Some(false) if target.quirks.has(Quirk::NoParallelToolCalls) => {
                notes.drop("parallel_tool_calls");
            }
            Some(parallel) if !target.quirks.has(Quirk::NoParallelToolCalls) => {
                member(
                    out,
                    "parallel_tool_calls",
                    if parallel { "true" } else { "false" },
                );
            }
            Some(_) | None => {}
        }
    }
}

impl Sent<'_> {
    fn name(&self) -> Option<&str> {
        match self {
            Sent::Function(name, _) | Sent::Custom(name, _) => Some(name),
            Sent::Hosted(_) => None,
        }
    }
}

/// The name that a tool is sent under.
pub(super) fn sent_name<'n>(namespace: Option<&str>, name: &'n str) -> Cow<'n, str> {
    match namespace {
        Some(namespace) => Cow::Owned(names::flat(namespace, name)),
        None => names::sent(name),
    }
}

/// A custom tool's input as the arguments of the function that stands for it.
pub(super) fn wrapped(input: &str) -> String {
    let mut out = b"{\"input\":".to_vec();
    json::string(&mut out, input);
    out.push(b'}');
    String::from_utf8(out).unwrap_or_default()
}

/// The word that forces a tool call, where the provider has one.
fn force(forced: bool, notes: &mut Notes) -> &'static str {
    if forced {
        return "required";
    }
    notes.drop("tool_choice");
    "auto"
}

fn fitted(schema: &str, gemini: bool) -> Cow<'_, str> {
    if gemini {
        schema::fit(schema)
    } else {
        Cow::Borrowed(schema)
    }
}

/// An object with a name, its brace left open.
fn named(out: &mut Vec<u8>, name: &str, description: Option<&str>) {
    out.extend_from_slice(b"{\"name\":");
    json::string(out, name);
    if let Some(description) = description {
        out.extend_from_slice(b",\"description\":");
        json::string(out, description);
    }
}

fn member(out: &mut Vec<u8>, name: &str, value: &str) {
    out.push(b',');
    json::string(out, name);
    out.push(b':');
    out.extend_from_slice(value.as_bytes());
}

fn format(out: &mut Vec<u8>, format: &Format, target: &Target<'_>, notes: &mut Notes) {
    match format {
        Format::Text => {}
        Format::JsonObject => member(out, "response_format", r#"{"type":"json_object"}"#),
        Format::JsonSchema { .. } if target.quirks.has(Quirk::NoJsonSchema) => {
            notes.drop("response_format.json_schema");
            member(out, "response_format", r#"{"type":"json_object"}"#);
        }
        Format::JsonSchema {
            name,
            description,
            schema,
            strict,
        } => {
            out.extend_from_slice(br#","response_format":{"type":"json_schema","json_schema":"#);
            named(
                out,
                name.as_deref().unwrap_or("answer"),
                description.as_deref(),
            );
            let gemini = target.quirks.has(Quirk::SchemaGemini);
            member(out, "schema", &fitted(schema.get(), gemini));
            if let Some(strict) = strict {
                member(out, "strict", if *strict { "true" } else { "false" });
            }
            out.extend_from_slice(b"}}");
        }
        Format::Other {
            dialect: Dialect::OpenaiChat,
            raw,
        } => member(out, "response_format", raw.get()),
        Format::Other { .. } => notes.drop("response_format"),
    }
}
