//! Calls as a model reads them, as far as that is certain. What is put otherwise on the way to some
//! provider (results that are missing, ids that do not fit, tools that are no functions) is not counted.

use std::collections::HashSet;

use vane_dialect::block::{Block, Reasoning, ToolForm, ToolResult, ToolUse};
use vane_dialect::call::{self, Call, Chat, Format, ReasoningMode, ToolChoice, Turn};
use vane_dialect::mistral_fim::Gap;
use vane_engine::{Effort, Message, Part, Prompt, Role, Setting, Tool, ToolCall};

/// Of a function that takes nothing, as encoders write it.
const NO_PARAMETERS: &str = r#"{"type":"object","properties":{}}"#;
const NAME_LEN_MAX: usize = 64;
const ID_LEN: usize = 9;

/// What a model reads of a call.
pub(super) struct Reading {
    pub(super) prompt: Prompt,
    pub(super) tools: Vec<Tool>,
    pub(super) setting: Setting,
}

impl Reading {
    pub(super) fn of(call: &Call) -> Option<Self> {
        match call {
            // Without a suffix the marks of a gap are there too.
            Call::Fill(fill) => {
                let gap = Gap::read(&fill.prompt, fill.suffix.as_deref()).ok()?;
                Some(Self {
                    prompt: Prompt::Fill {
                        prefix: gap.prompt.to_owned(),
                        suffix: gap.suffix.unwrap_or_default().to_owned(),
                    },
                    tools: Vec::new(),
                    setting: Setting::default(),
                })
            }
            Call::Chat(chat) => Some(Self {
                tools: tools(chat)?,
                prompt: Prompt::Chat(messages(chat)?),
                setting: setting(chat),
            }),
            Call::Embed(_) => None,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let prompt = match &self.prompt {
            Prompt::Text(text) => text.len(),
            Prompt::Fill { prefix, suffix } => prefix.len() + suffix.len(),
            Prompt::Chat(messages) => messages.iter().map(bytes_of).sum(),
            Prompt::Tokens(tokens) => tokens.len(),
        };
        let tool = |tool: &Tool| tool.name.len() + tool.description.len() + tool.parameters.len();
        prompt + self.tools.iter().map(tool).sum::<usize>()
    }
}

fn bytes_of(message: &Message) -> usize {
    let calls = match &message.role {
        Role::Caller(calls) => calls.as_slice(),
        Role::System | Role::User | Role::Assistant | Role::Tool { .. } => &[],
    };
    let call = |call: &ToolCall| call.name.len() + call.arguments.len();
    let said = message.content.iter().map(|part| part.text().len());
    said.sum::<usize>() + calls.iter().map(call).sum::<usize>()
}

/// Names and ids that no encoder changes.
fn is_plain(text: &str, more: &[u8]) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
}

fn is_name(name: &str) -> bool {
    (1..=NAME_LEN_MAX).contains(&name.len()) && is_plain(name, b"_-")
}

fn is_id(id: &str) -> bool {
    id.len() == ID_LEN && is_plain(id, b"")
}

fn tools(chat: &Chat) -> Option<Vec<Tool>> {
    match &chat.tool_choice {
        // Not all of them are sent then, or nobody knows.
        Some(ToolChoice::Allowed { .. } | ToolChoice::Hosted { .. }) => None,
        None
        | Some(
            ToolChoice::None | ToolChoice::Auto | ToolChoice::Required | ToolChoice::Named { .. },
        ) => chat.tools.iter().map(tool).collect(),
    }
}

fn tool(tool: &call::Tool) -> Option<Tool> {
    let call::Tool::Function(function) = tool else {
        return None;
    };
    let parameters = function.parameters.as_ref();
    is_name(&function.name).then(|| Tool {
        name: function.name.clone(),
        description: function.description.clone().unwrap_or_default(),
        parameters: parameters.map_or(NO_PARAMETERS, |raw| raw.get()).to_owned(),
        strict: false,
    })
}

/// Formats, and whatever is no text and no tool, are laid out by providers as they like.
fn messages(chat: &Chat) -> Option<Vec<Message>> {
    if chat.format != Format::Text {
        return None;
    }
    let mut messages = Vec::with_capacity(chat.turns.len());
    for turn in &chat.turns {
        messages.extend(said(turn)?);
    }
    is_settled(&messages).then_some(messages)
}

fn said(turn: &Turn) -> Option<Vec<Message>> {
    if turn.name.is_some() {
        return None;
    }
    let (role, blocks) = (turn.role, turn.blocks.as_slice());
    if let (false, Some(content)) = (blocks.is_empty(), parts(blocks)) {
        let thinks = matches!(content.first(), Some(Part::Thought { .. }));
        if thinks && role != call::Role::Assistant {
            return None;
        }
        let role = match role {
            call::Role::System | call::Role::Developer => Role::System,
            call::Role::User => Role::User,
            call::Role::Assistant => Role::Assistant,
        };
        return Some(vec![Message { role, content }]);
    }
    match (role, blocks) {
        (call::Role::User, [Block::ToolResult(_), ..]) => blocks.iter().map(result).collect(),
        (call::Role::Assistant, blocks) if !turn.prefill => {
            let is_call = |block: &Block| matches!(block, Block::ToolUse(_));
            let (said, calls) = blocks.split_at(blocks.iter().position(is_call)?);
            let calls = calls.iter().map(made).collect::<Option<_>>()?;
            Some(vec![Message {
                role: Role::Caller(calls),
                content: parts(said)?,
            }])
        }
        _ => None,
    }
}

/// Texts of one turn, after its thought, if it has one: several are joined on the way to some provider.
fn parts(blocks: &[Block]) -> Option<Vec<Part>> {
    let part = |(at, block): (usize, &Block)| match block {
        Block::Text(text) => Some(Part::Text(text.text.clone())),
        Block::Reasoning(Reasoning { text, .. }) if at == 0 && !text.is_empty() => {
            Some(Part::Thought {
                text: text.clone(),
                closed: true,
            })
        }
        _ => None,
    };
    blocks.iter().enumerate().map(part).collect()
}

/// How a model is set, as far as callers say it by a name.
fn setting(chat: &Chat) -> Setting {
    let asked = &chat.reasoning;
    let is_off = asked.mode == ReasoningMode::Off;
    let named = asked.effort.and_then(|effort| Effort::named(effort.name()));
    Setting {
        effort: named.or(is_off.then_some(Effort::None)),
        schema: None,
    }
}

fn made(block: &Block) -> Option<ToolCall> {
    match block {
        Block::ToolUse(ToolUse {
            id,
            name,
            namespace: None,
            form: ToolForm::Function,
            arguments,
            ..
        }) if is_name(name) => Some(ToolCall {
            id: id.clone(),
            name: name.clone(),
            arguments: arguments.clone(),
        }),
        _ => None,
    }
}

fn result(block: &Block) -> Option<Message> {
    let Block::ToolResult(ToolResult {
        id,
        content,
        is_error: false,
        form: ToolForm::Function,
        ..
    }) = block
    else {
        return None;
    };
    let content = parts(content)?;
    Some(Message {
        role: Role::Tool {
            call_id: id.clone(),
        },
        content,
    })
}

/// Whether every call has its result, right after it, and the assistant goes on from there.
fn is_settled(messages: &[Message]) -> bool {
    let (mut known, mut open): (HashSet<&str>, HashSet<&str>) = Default::default();
    let mut answered = false;
    for message in messages {
        let is_next = match &message.role {
            Role::Tool { call_id } => open.remove(call_id.as_str()),
            Role::Caller(calls) => {
                let is_whole = open.is_empty();
                let mut ids = calls.iter().map(|call| call.id.as_str());
                is_whole && ids.all(|id| is_id(id) && known.insert(id) && open.insert(id))
            }
            Role::Assistant => open.is_empty(),
            Role::System | Role::User => open.is_empty() && !answered,
        };
        if !is_next {
            return false;
        }
        answered = matches!(message.role, Role::Tool { .. });
    }
    open.is_empty()
}
