//! One answer of a script, and the builder that Rust tests write it with.

use serde::Deserialize;

use crate::faults::Fault;
use crate::shape::{Lines, Shape, Split};

/// What to say and how to say it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answer {
    /// What is said, in order; empty means the default for the request.
    pub parts: Vec<Part>,
    /// Counts to report; absent means counted from the texts (see `ask`).
    pub usage: Option<Usage>,
    /// The native finish or stop reason, verbatim; absent means the fitting one.
    pub finish: Option<String>,
    pub shape: Shape,
    pub split: Split,
    pub lines: Lines,
    /// Milliseconds before each frame.
    pub delay_ms: u64,
    /// A named gate: each frame waits for one step of it.
    pub gate: Option<String>,
    /// A named gate that the head waits for.
    pub head_gate: Option<String>,
    /// Extra response headers.
    pub headers: Vec<(String, String)>,
    /// A recorded body, sent as it stands instead of a rendered one (paced, split and cut like
    /// one).
    pub recorded: Option<Recorded>,
    pub fault: Option<Fault>,
}

/// One thing said.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Part {
    Text(String),
    Reasoning(String),
    /// Reasoning that the provider hides: `redacted_thinking`, or an encrypted item.
    Redacted(String),
    Tool {
        id: String,
        name: String,
        arguments: String,
    },
}

/// Counts to report. `prompt` includes the cached tokens and `completion` the reasoning, as at
/// OpenAI; Anthropic's exclusive `input_tokens` is derived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Usage {
    pub prompt: u64,
    pub completion: u64,
    pub cached: u64,
    pub cache_write: u64,
    pub reasoning: u64,
}

/// A body kept from a real provider.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    pub content_type: String,
    pub body: String,
}

impl Answer {
    /// Says `text`.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::default().and(Part::Text(text.into()))
    }

    /// Thinks `text` first.
    #[must_use]
    pub fn reasoning(text: &str) -> Self {
        Self::default().and(Part::Reasoning(text.into()))
    }

    /// Calls a tool; `arguments` is JSON text.
    #[must_use]
    pub fn tool(id: &str, name: &str, arguments: &str) -> Self {
        Self::default().and_tool(id, name, arguments)
    }

    /// Fails.
    #[must_use]
    pub fn fault(fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..Self::default()
        }
    }

    /// Sends a recorded body as it stands.
    #[must_use]
    pub fn recorded(content_type: &str, body: &str) -> Self {
        let recorded = Recorded {
            content_type: content_type.into(),
            body: body.into(),
        };
        Self {
            recorded: Some(recorded),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn and(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    #[must_use]
    pub fn and_text(self, text: &str) -> Self {
        self.and(Part::Text(text.into()))
    }

    #[must_use]
    pub fn and_tool(self, id: &str, name: &str, arguments: &str) -> Self {
        let (id, name, arguments) = (id.into(), name.into(), arguments.into());
        self.and(Part::Tool {
            id,
            name,
            arguments,
        })
    }

    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    #[must_use]
    pub fn finish(mut self, finish: &str) -> Self {
        self.finish = Some(finish.into());
        self
    }

    #[must_use]
    pub fn shape(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    #[must_use]
    pub fn split(mut self, split: Split) -> Self {
        self.split = split;
        self
    }

    #[must_use]
    pub fn lines(mut self, lines: Lines) -> Self {
        self.lines = lines;
        self
    }

    /// Each frame waits for one step of the gate of this name.
    #[must_use]
    pub fn gate(mut self, name: &str) -> Self {
        self.gate = Some(name.into());
        self
    }

    /// The head waits for one step of the gate of this name.
    #[must_use]
    pub fn head_gate(mut self, name: &str) -> Self {
        self.head_gate = Some(name.into());
        self
    }

    #[must_use]
    pub fn delay_ms(mut self, delay_ms: u64) -> Self {
        self.delay_ms = delay_ms;
        self
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds the headers that a gateway must not pass on: a cookie, an organisation id, limits.
    #[must_use]
    pub fn rude_headers(self) -> Self {
        self.header("set-cookie", "__cf_bm=upstream; HttpOnly")
            .header("openai-organization", "org-upstream")
            .header("anthropic-organization-id", "6f1c0000-upstream")
            .header("x-ratelimit-remaining-requests", "1")
            .header("anthropic-ratelimit-requests-remaining", "1")
            .header("x-ratelimit-remaining-req-minute", "1")
    }
}
