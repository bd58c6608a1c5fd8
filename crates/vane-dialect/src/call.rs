//! The canonical call: a list of turns of ordered, typed blocks, and how to answer it.
//!
//! Meaning lives in exhaustive enums. What a dialect says beyond them stays in [`Extra`]s, which
//! an encoder carries to a dialect that has the field or turns into a note: nothing is dropped
//! silently.

use crate::block::{Block, CacheMark, Text, ToolForm};
use crate::dialect::Dialect;
use crate::embed::Embed;
use crate::json::{Object, Raw};
use serde_json::Number;

#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    Chat(Box<Chat>),
    Fill(Box<Fill>),
    Embed(Box<Embed>),
}

impl Call {
    #[must_use]
    pub fn model(&self) -> &str {
        match self {
            Self::Chat(chat) => &chat.model,
            Self::Fill(fill) => &fill.model,
            Self::Embed(embed) => &embed.model,
        }
    }

    /// Sets the most that the answer may have.
    pub const fn limit_output(&mut self, tokens: u64) {
        match self {
            Self::Chat(chat) => chat.sampling.max_output = Some(tokens),
            Self::Fill(fill) => fill.sampling.max_output = Some(tokens),
            Self::Embed(_) => {}
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chat {
    pub model: String,
    pub stream: Stream,
    pub turns: Vec<Turn>,
    pub tools: Vec<Tool>,
    pub tool_choice: Option<ToolChoice>,
    /// Whether the model may call several tools in one answer.
    pub parallel_tools: Option<bool>,
    pub format: Format,
    pub reasoning: ReasoningAsk,
    pub sampling: Sampling,
    /// A key that raises the chance of a prompt-cache hit.
    pub cache_key: Option<String>,
    /// Anthropic's top-level mark: a breakpoint after the last cacheable block.
    pub cache: Option<CacheMark>,
    /// The tools came as OpenAI's old `functions`: a call of one is answered as `function_call`.
    pub old_functions: bool,
    pub extras: Vec<Extra>,
}

impl Chat {
    /// Says more to the model in the last instructions that lead the conversation, or before it.
    pub(crate) fn instruct(&mut self, words: &str) {
        let leads = |turn: &&mut Turn| matches!(turn.role, Role::System | Role::Developer);
        let Some(turn) = self.turns.iter_mut().take_while(leads).last() else {
            let words = Block::Text(Text::plain(words));
            return self.turns.insert(0, Turn::new(Role::System, vec![words]));
        };
        match turn.blocks.last_mut() {
            // What is marked is in a prompt cache as it stands.
            Some(Block::Text(text)) if text.cache.is_none() => {
                text.text.push_str("\n\n");
                text.text.push_str(words);
            }
            Some(_) | None => turn.blocks.push(Block::Text(Text::plain(words))),
        }
    }
}

/// A completion of text, or of the gap between `prompt` and `suffix`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fill {
    pub model: String,
    pub stream: Stream,
    pub prompt: String,
    pub suffix: Option<String>,
    pub sampling: Sampling,
    pub cache_key: Option<String>,
    pub extras: Vec<Extra>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stream {
    pub on: bool,
    /// The client asked for the usage-only last chunk (`stream_options.include_usage`).
    pub include_usage: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    pub role: Role,
    pub blocks: Vec<Block>,
    /// OpenAI's participant name.
    pub name: Option<String>,
    /// The last assistant turn is the beginning of the answer (Anthropic's prefill, Mistral's
    /// `prefix`). Canonical answers never repeat it.
    pub prefill: bool,
}

impl Turn {
    #[must_use]
    pub fn new(role: Role, blocks: Vec<Block>) -> Self {
        Self {
            role,
            blocks,
            name: None,
            prefill: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    System,
    Developer,
    /// Also carries the results of tools.
    User,
    Assistant,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Tool {
    Function(Function),
    Custom(CustomTool),
    /// Tools under one name (Responses). A call of a member says its namespace.
    Namespace {
        name: String,
        description: Option<String>,
        tools: Vec<Tool>,
    },
    /// A tool that runs at the provider or is defined by it; only its own dialect takes it.
    Hosted {
        dialect: Dialect,
        kind: String,
        raw: Raw,
    },
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Function {
    pub name: String,
    pub description: Option<String>,
    /// The JSON Schema of the arguments, as its author wrote it.
    pub parameters: Option<Raw>,
    pub strict: Option<bool>,
    pub cache: Option<CacheMark>,
    pub extras: Vec<Extra>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CustomTool {
    pub name: String,
    pub description: Option<String>,
    /// As the Responses dialect spells it.
    pub format: Option<Raw>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ToolChoice {
    None,
    Auto,
    /// Some tool must be called.
    Required,
    Named {
        form: ToolForm,
        name: String,
    },
    /// Only these may be called; `required` says that one must be.
    Allowed {
        required: bool,
        names: Vec<String>,
    },
    /// A choice that only its own dialect understands.
    Hosted {
        dialect: Dialect,
        raw: Raw,
    },
}

/// The form of the answer's text.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Format {
    #[default]
    Text,
    JsonObject,
    JsonSchema {
        name: Option<String>,
        description: Option<String>,
        schema: Raw,
        strict: Option<bool>,
    },
    /// A form that only its own dialect understands.
    Other {
        dialect: Dialect,
        raw: Raw,
    },
}

/// How much, and how visibly, the model should reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReasoningAsk {
    pub mode: ReasoningMode,
    pub effort: Option<Effort>,
    pub budget_tokens: Option<u64>,
    pub show: Option<Show>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReasoningMode {
    /// Nothing was said.
    #[default]
    Unsaid,
    Off,
    On,
    /// The model decides (Anthropic's `adaptive`).
    Adaptive,
    /// Anthropic's `between_tools`.
    BetweenTools,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

impl Effort {
    /// Every effort, from the least on.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Minimal,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Xhigh,
        Self::Max,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.name() == name)
    }
}

/// How reasoning is shown to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    Auto,
    Concise,
    Detailed,
    /// Anthropic's `summarized`.
    Summarized,
    /// Anthropic's `omitted`: only the signature is sent.
    Omitted,
}

/// Numbers keep the client's text (`1` stays `1`, `1.0` stays `1.0`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sampling {
    pub temperature: Option<Number>,
    pub top_p: Option<Number>,
    pub top_k: Option<u64>,
    pub min_p: Option<Number>,
    pub presence_penalty: Option<Number>,
    pub frequency_penalty: Option<Number>,
    pub repetition_penalty: Option<Number>,
    pub seed: Option<i64>,
    pub stop: Vec<String>,
    pub max_output: Option<u64>,
    pub min_output: Option<u64>,
    /// How many answers; more than one is carried only between dialects that have it on both
    /// sides of the byte path.
    pub n: Option<u64>,
}

/// So many are kept of what stands within turns and tools: each new name is compared with all before.
pub(crate) const LEFTOVERS_MAX: usize = 256;

/// A field without canonical meaning, as the client wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct Extra {
    /// The dialect whose field it is.
    pub dialect: Dialect,
    pub name: String,
    pub value: Raw,
}

impl Extra {
    /// Keeps what an object that stands in `of` said beyond its canonical form, for the notes; once per
    /// name.
    pub(crate) fn keep_rest(
        dialect: Dialect,
        of: &str,
        object: Object<'_>,
        extras: &mut Vec<Self>,
    ) {
        for (name, value) in object.rest() {
            if extras.len() >= LEFTOVERS_MAX {
                return;
            }
            let is_empty = matches!(value.get(), "null" | "[]" | "{}" | "\"\"");
            let name = format!("{of}{name}");
            if !is_empty && !extras.iter().any(|extra| extra.name == name) {
                extras.push(Self {
                    dialect,
                    name,
                    value: value.into(),
                });
            }
        }
    }
}
