//! Blocks: the ordered, typed pieces of a turn or an answer.
//!
//! A block holds what the wire said, not an interpretation: tool arguments and schemas stay the
//! raw text of their author, because providers' prompt caches hash it.

use crate::cite::Citation;
use crate::dialect::Dialect;
use crate::json::Raw;
use crate::seal::PREFIX;
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    Text(Text),
    /// The model declined; its words.
    Refusal(String),
    Reasoning(Reasoning),
    ToolUse(ToolUse),
    ToolResult(ToolResult),
    Image(Image),
    Document(Document),
    Audio(Audio),
    Opaque(Opaque),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Text {
    pub text: String,
    pub cache: Option<CacheMark>,
    /// The pages that an answer's text names.
    pub citations: Vec<Citation>,
}

impl Text {
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// A prompt-cache breakpoint after the block that carries it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CacheMark {
    /// No lifetime stated: the provider's default.
    #[default]
    Default,
    FiveMinutes,
    OneHour,
}

/// What the model thought, and what its provider wants back to go on from there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reasoning {
    pub text: String,
    pub state: Option<State>,
}

/// Opaque reasoning state of one provider. It goes back byte-identical to that provider and to
/// nobody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The dialect that wrote `data` and alone can read it.
    pub dialect: Dialect,
    /// The provider it came from; `None` when the client sent it in its native form, so that any
    /// provider of the same dialect may get it.
    pub provider: Option<String>,
    /// The provider's id of the reasoning item, where it has one.
    pub id: Option<String>,
    /// There is no readable text: the state is all there is (Anthropic's `redacted_thinking`).
    pub redacted: bool,
    /// The signature, the encrypted content: never looked into.
    pub data: String,
}

impl State {
    /// State as a client or an upstream of `dialect` says it: readable, and of no stated provider.
    #[must_use]
    pub fn native(dialect: Dialect, data: impl Into<String>) -> Self {
        Self {
            dialect,
            provider: None,
            id: None,
            redacted: false,
            data: data.into(),
        }
    }

    /// State as a client brings it and no seal opened. A seal of ours that does not open is of no
    /// provider that could be asked: it goes nowhere.
    #[must_use]
    pub fn unopened(dialect: Dialect, data: impl Into<String>) -> Self {
        let native = Self::native(dialect, data);
        Self {
            provider: native.data.starts_with(PREFIX).then(String::new),
            ..native
        }
    }
}

/// A call of a tool by the model.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolUse {
    pub id: String,
    pub name: String,
    /// The namespace of a Responses `namespace` tool.
    pub namespace: Option<String>,
    pub form: ToolForm,
    /// JSON text of an object for a function, free text for a custom tool; never reparsed.
    pub arguments: String,
    pub cache: Option<CacheMark>,
}

impl ToolUse {
    /// The namespace by which other dialects must name the tool, or nothing. OpenAI's search puts a
    /// tool that it loads, and that stands in none, into one of the tool's own name.
    pub(crate) fn space(&self) -> Option<&str> {
        let space = self.namespace.as_deref();
        space.filter(|space| *space != self.name)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ToolForm {
    #[default]
    Function,
    /// One free-text input (OpenAI's custom tools).
    Custom,
}

/// What a tool answered. Results stand in a user turn, in the order of their calls.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    pub id: String,
    /// Text, Image, Document or Opaque blocks.
    pub content: Vec<Block>,
    pub is_error: bool,
    /// The call was of a custom tool (Responses distinguishes the outputs).
    pub form: ToolForm,
    pub cache: Option<CacheMark>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    pub source: Source,
    pub detail: Option<Detail>,
    pub cache: Option<CacheMark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    Auto,
    Low,
    High,
    Original,
}

/// Where the bytes of an image or document are. URLs are passed on, never fetched here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Url(String),
    Base64 {
        media_type: String,
        data: String,
    },
    /// Plain text of a document.
    Text(String),
    /// A file stored at the provider that speaks `dialect`.
    File {
        dialect: Dialect,
        id: String,
    },
}

impl Source {
    /// Reads a URL, taking `data:` URLs with base64 content apart.
    #[must_use]
    pub fn from_url(url: &str) -> Self {
        let Some(rest) = url.strip_prefix("data:") else {
            return Self::Url(url.to_owned());
        };
        match rest.split_once(";base64,") {
            Some((media_type, data)) => Self::Base64 {
                media_type: media_type.to_owned(),
                data: data.to_owned(),
            },
            None => Self::Url(url.to_owned()),
        }
    }

    /// The source as a URL, base64 content as a `data:` URL; `None` where it has no such form.
    #[must_use]
    pub fn to_url(&self) -> Option<String> {
        match self {
            Self::Url(url) => Some(url.clone()),
            Self::Base64 { media_type, data } => Some(format!("data:{media_type};base64,{data}")),
            Self::Text(_) | Self::File { .. } => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub source: Source,
    /// Title or file name.
    pub title: Option<String>,
    pub context: Option<String>,
    pub citations: bool,
    pub cache: Option<CacheMark>,
}

/// Recorded sound as base64 with its format (`wav`, `mp3`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audio {
    pub data: String,
    pub format: Option<String>,
}

/// What only its own dialect understands: hosted tools, search results, parts of tomorrow. It
/// goes back byte-identical, in order, to that dialect and to no other.
#[derive(Debug, Clone, PartialEq)]
pub struct Opaque {
    pub dialect: Dialect,
    /// The native `type`, for the note that says what was dropped.
    pub kind: String,
    pub raw: Raw,
}

impl Opaque {
    /// What another dialect can be told of it: the words of a search result (Anthropic), which tool
    /// was found, and the summary of what came before. Of all others nothing.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        match (self.dialect, self.kind.as_str()) {
            (Dialect::AnthropicMessages, "search_result") => self.found(),
            (Dialect::AnthropicMessages, "tool_reference") => self.referred(),
            (Dialect::AnthropicMessages, "compaction") => self.compacted(),
            _ => None,
        }
    }

    fn referred(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Referred {
            tool_name: String,
        }
        let Referred { tool_name } = serde_json::from_str(self.raw.get()).ok()?;
        Some(format!("The tool `{tool_name}` is available."))
    }

    fn compacted(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Compacted {
            content: String,
        }
        let Compacted { content } = serde_json::from_str(self.raw.get()).ok()?;
        (!content.is_empty()).then_some(content)
    }

    fn found(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Found {
            source: String,
            title: String,
            content: Vec<Said>,
        }
        #[derive(Deserialize)]
        struct Said {
            text: String,
        }
        let found: Found = serde_json::from_str(self.raw.get()).ok()?;
        let mut words = format!("{} ({})", found.title, found.source);
        for said in &found.content {
            words.push_str("\n\n");
            words.push_str(&said.text);
        }
        Some(words)
    }
}
