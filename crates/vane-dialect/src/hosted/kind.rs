//! What a tool's type says of who runs it and what it is billed by.
//!
//! Types carry a date at their end, so they are known by how they begin. A type stands here once
//! its provider's documentation says how it is billed.

use crate::Dialect;
use crate::json::Str;
use crate::usage::Unit;
use serde::Deserialize;

pub(super) enum Kind {
    /// The client's own, or run by the provider and no more than what it was sent.
    Free,
    /// Run by the provider for the tokens alone, of which it brings more.
    Reading,
    Billed(Unit),
    Unknown,
}

/// What of a tool says how it is billed.
#[derive(Deserialize)]
pub(super) struct Tool<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Str<'a>>,
    #[serde(default)]
    pub(super) max_uses: Option<u64>,
    #[serde(borrow, default)]
    environment: Option<Environment<'a>>,
}

/// Where the tool `shell` runs.
#[derive(Deserialize)]
struct Environment<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Str<'a>>,
}

impl Tool<'_> {
    pub(super) fn name(&self) -> &str {
        self.kind.as_ref().map_or("", |kind| &kind.0)
    }
}

/// `all` are the tools it stands among.
pub(super) fn kind(dialect: Dialect, tool: &Tool<'_>, all: &[Tool<'_>]) -> Kind {
    match dialect {
        Dialect::AnthropicMessages => of_anthropic(tool.name(), all),
        _ => of_openai(tool),
    }
}

fn of_anthropic(name: &str, all: &[Tool<'_>]) -> Kind {
    const FREE: [&str; 5] = [
        "bash_",
        "text_editor_",
        "computer_",
        "memory_",
        "tool_search_tool_",
    ];
    let begins = |prefix: &&str| name.starts_with(*prefix);
    match name {
        "" | "custom" | "function" => Kind::Free,
        _ if FREE.iter().any(begins) => Kind::Free,
        _ if name.starts_with("web_fetch_") || name == "mcp_toolset" => Kind::Reading,
        _ if name.starts_with("web_search_2") => Kind::Billed(Unit::WebSearch),
        // By the hour of a container, except beside the searches that run code themselves.
        _ if name.starts_with("code_execution_") && all.iter().any(runs_code) => Kind::Free,
        _ => Kind::Unknown,
    }
}

/// The first of Anthropic's web tools that filter what they find with code, at no charge for it.
const FILTERING_SINCE: &str = "20260209";

fn runs_code(tool: &Tool<'_>) -> bool {
    let name = tool.name();
    let day = name
        .strip_prefix("web_search_")
        .or(name.strip_prefix("web_fetch_"));
    day.is_some_and(|day| day >= FILTERING_SINCE)
}

fn of_openai(tool: &Tool<'_>) -> Kind {
    match tool.name() {
        "" | "function" | "custom" | "namespace" => Kind::Free,
        // Run by the client, or on what is in the call.
        "local_shell"
        | "apply_patch"
        | "tool_search"
        | "computer"
        | "computer_use"
        | "computer_use_preview" => Kind::Free,
        "mcp" => Kind::Reading,
        "shell" if is_local(tool) => Kind::Free,
        "web_search" | "openrouter:web_search" => Kind::Billed(Unit::WebSearch),
        // The preview has another price, and its answers do not say which of both ran.
        dated if dated.starts_with("web_search_2") => Kind::Billed(Unit::WebSearch),
        "x_search" => Kind::Billed(Unit::XSearch),
        "file_search" | "collections_search" => Kind::Billed(Unit::FileSearch),
        "code_interpreter" | "code_execution" => Kind::Billed(Unit::CodeRun),
        "image_generation" => Kind::Billed(Unit::Image),
        _ => Kind::Unknown,
    }
}

/// The client runs it, unless the request names a container.
fn is_local(tool: &Tool<'_>) -> bool {
    let Some(place) = &tool.environment else {
        return true;
    };
    place.kind.as_ref().is_some_and(|kind| kind.0 == "local")
}
