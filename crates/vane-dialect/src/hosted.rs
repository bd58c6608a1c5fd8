//! Hosted tools: what a request asks a provider to run itself, or to hear, and what that is billed by.
//!
//! Read from the scanned body, so that the byte path sees them without blocks, and only where a
//! member stands that can ask for one, or a word by which a conversation defines one. Invariant: a
//! tool of a type unknown here counts as billed by a unit that nobody knows, never as free: the
//! client's own tools and those without a fee of their own are the ones that are listed.

mod kind;
mod midway;
#[cfg(test)]
mod tests;

use crate::Dialect;
use crate::fault::Fault;
use crate::head::{Head, Word};
use crate::json::Str;
use crate::usage::{SearchContext, Unit, Units};
use kind::{Kind, Tool, kind};
use serde::Deserialize;

/// What a call with recordings names that is billed by the piece.
pub const RECORDINGS: &str = "input_audio";

/// How much of them may be heard: as much as any model takes.
const AUDIO_MAX: u64 = 1_000_000;

/// How often a hosted tool is reckoned to run where the request does not limit it.
pub const USES_ASSUMED: u64 = 20;

/// No call is reckoned to read more often than this.
const READS_MAX: u64 = 100;

/// What one request asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosted {
    /// Those that may be billed by the piece.
    pub tools: Vec<HostedTool>,
    /// Among the client's own tools are others than functions: custom ones or namespaces.
    pub beyond_functions: bool,
    /// How often the provider itself may read what is in no body: what its tools find, what it
    /// keeps. All of that is billed as input.
    pub reads: u64,
    pub search_context: SearchContext,
}

/// One thing that is billed by the piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedTool {
    /// The tool's type or the field, as the client wrote it.
    pub name: String,
    /// `None`: nobody here knows what it is billed by.
    pub unit: Option<Unit>,
    /// The most uses that the request allows.
    pub uses_max: Option<u64>,
}

impl HostedTool {
    /// Whether a translation to `other` takes it along: tools stay behind, recordings go where they
    /// are known.
    #[must_use]
    pub const fn is_carried(&self, other: Dialect) -> bool {
        matches!(self.unit, Some(Unit::Audio))
            && matches!(other, Dialect::OpenaiChat | Dialect::MistralChat)
    }
}

impl Hosted {
    /// What the body asks for.
    ///
    /// # Errors
    /// If a member that asks for tools cannot be read: then it could not be priced.
    pub fn of(dialect: Dialect, head: &Head) -> Result<Self, Fault> {
        let mut hosted = Self::default();
        match dialect {
            Dialect::AnthropicMessages => {
                hosted.read_tools(dialect, head)?;
                // Servers whose tools are called, a conversation and a container that are kept.
                let kept = ["mcp_servers", "thread", "container"];
                let kept = kept.iter().filter(|field| head.raw(field).is_some());
                kept.for_each(|_| hosted.may_read(None));
            }
            Dialect::OpenaiChat | Dialect::OpenaiResponses | Dialect::MistralChat => {
                hosted.read_tools(dialect, head)?;
                hosted.read_fields(head)?;
                hosted.hear(head);
            }
            Dialect::OpenaiCompletions => hosted.read_fields(head)?,
            Dialect::OpenaiEmbeddings
            | Dialect::MistralFim
            | Dialect::MistralEmbeddings
            | Dialect::LlamaInfill => {}
        }
        Ok(hosted)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }

    /// The first tool that has no price where only these units have one.
    pub fn unpriced(&self, is_priced: impl Fn(Unit) -> bool) -> Option<&HostedTool> {
        let priced = |tool: &&HostedTool| tool.unit.is_some_and(&is_priced);
        self.tools.iter().find(|tool| !priced(tool))
    }

    /// The most of each unit that the call may use: what is asked for, or an assumption. The one
    /// request that it is goes without saying.
    #[must_use]
    pub fn uses_max(&self) -> Units {
        let mut uses = Units::default();
        for tool in &self.tools {
            if let Some(unit) = tool.unit.filter(|unit| *unit != Unit::Request) {
                uses.add(unit, tool.uses_max.unwrap_or(USES_ASSUMED));
            }
        }
        uses
    }

    /// Something may be read so many times, if that is limited. A limit of nothing is none.
    fn may_read(&mut self, times: Option<u64>) {
        let times = times.filter(|times| *times > 0).unwrap_or(USES_ASSUMED);
        self.reads = self.reads.saturating_add(times).min(READS_MAX);
    }

    fn add(&mut self, name: impl Into<String>, unit: Option<Unit>) {
        if reads(unit) {
            self.may_read(None);
        }
        self.tools.push(HostedTool {
            name: name.into(),
            unit,
            uses_max: None,
        });
    }

    /// Recordings: providers bill them otherwise than text, and many do not count them among the
    /// tokens. A part that holds one says its kind twice, as its type and as a member.
    fn hear(&mut self, head: &Head) {
        if head.times(Word::InputAudio) > 1 || head.times(Word::AudioUrl) > 1 {
            self.tools.push(HostedTool {
                name: RECORDINGS.to_owned(),
                unit: Some(Unit::Audio),
                uses_max: Some(AUDIO_MAX),
            });
        }
    }

    fn read_tools(&mut self, dialect: Dialect, head: &Head) -> Result<(), Fault> {
        let mut tools: Vec<Tool<'_>> = read(head, "tools")?.unwrap_or_default();
        let others = |tool: &Tool<'_>| matches!(tool.name(), "custom" | "namespace");
        self.beyond_functions = tools.iter().any(others);
        tools.extend(midway::defined(dialect, head)?);
        let calls_max = match dialect {
            Dialect::OpenaiResponses => head.count("max_tool_calls")?,
            _ => None,
        };
        for tool in &tools {
            // Elsewhere it is a word that nobody heeds.
            let uses_max = tool
                .max_uses
                .filter(|_| dialect == Dialect::AnthropicMessages);
            let uses_max = uses_max.or(calls_max);
            let unit = match kind(dialect, tool, &tools) {
                Kind::Free => continue,
                Kind::Reading => {
                    self.may_read(uses_max);
                    continue;
                }
                Kind::Billed(unit) => Some(unit),
                Kind::Unknown => None,
            };
            if reads(unit) {
                self.may_read(uses_max);
            }
            self.tools.push(HostedTool {
                name: tool.name().to_owned(),
                unit,
                uses_max,
            });
        }
        Ok(())
    }

    /// Fields of the body by which providers of OpenAI's dialects are asked to search.
    fn read_fields(&mut self, head: &Head) -> Result<(), Fault> {
        if let Some(options) = read::<SearchOptions<'_>>(head, "web_search_options")? {
            let size = options.search_context_size;
            let size = size.and_then(|size| SearchContext::from_name(&size.0));
            self.search_context = size.unwrap_or_default();
            // Who searches for every answer takes a fee for every answer.
            self.add("web_search_options", Some(Unit::Request));
            if options.search_type.is_some_and(|kind| kind.0 != "fast") {
                self.add("web_search_options.search_type", None);
            }
        }
        if let Some(live) = read::<LiveSearch<'_>>(head, "search_parameters")?
            && live.mode.is_none_or(|mode| mode.0 != "off")
        {
            self.add("search_parameters", Some(Unit::Source));
        }
        if read::<bool>(head, "enable_search")?.unwrap_or(false) {
            self.add("enable_search", Some(Unit::WebSearch));
        }
        for plugin in read::<Vec<Plugin<'_>>>(head, "plugins")?.unwrap_or_default() {
            let unit = (plugin.id.0 == "web").then_some(Unit::WebSearch);
            self.add(format!("plugins.{}", plugin.id.0), unit);
        }
        Ok(())
    }
}

/// Whether a tool that is billed so brings back what the model reads.
const fn reads(unit: Option<Unit>) -> bool {
    match unit {
        None => true,
        Some(Unit::WebSearch | Unit::XSearch | Unit::FileSearch | Unit::CodeRun | Unit::Source) => {
            true
        }
        // Who takes a fee for the request bills what it finds with that.
        Some(Unit::Request | Unit::Image | Unit::Audio | Unit::Iteration) => false,
    }
}

/// The unit that an item of an answer is a use of, if it is one: what a cut answer is billed by.
#[must_use]
pub fn used(dialect: Dialect, kind: &str, raw: &str) -> Option<Unit> {
    match (dialect, kind) {
        (Dialect::OpenaiResponses, "web_search_call") => {
            // Opening a page that a search found is the same kind of item, and not billed.
            let action = parse::<Item<'_>>(raw)?
                .action
                .and_then(|action| action.kind);
            let searched = action.is_none_or(|kind| kind.0 == "search");
            searched.then_some(Unit::WebSearch)
        }
        (Dialect::OpenaiResponses, "file_search_call") => Some(Unit::FileSearch),
        (Dialect::OpenaiResponses, "code_interpreter_call") => Some(Unit::CodeRun),
        (Dialect::OpenaiResponses, "image_generation_call") => Some(Unit::Image),
        (Dialect::AnthropicMessages, "server_tool_use") => {
            let name = parse::<Item<'_>>(raw)?.name?;
            (name.0 == "web_search").then_some(Unit::WebSearch)
        }
        _ => None,
    }
}

fn parse<'a, T: Deserialize<'a>>(raw: &'a str) -> Option<T> {
    serde_json::from_str(raw).ok()
}

/// What of an item says what it is a use of.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default)]
    name: Option<Str<'a>>,
    #[serde(borrow, default)]
    action: Option<Action<'a>>,
}

#[derive(Deserialize)]
struct Action<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Str<'a>>,
}

/// Perplexity's and OpenAI's `web_search_options`.
#[derive(Deserialize)]
struct SearchOptions<'a> {
    #[serde(borrow, default)]
    search_context_size: Option<Str<'a>>,
    #[serde(borrow, default)]
    search_type: Option<Str<'a>>,
}

/// xAI's `search_parameters`.
#[derive(Deserialize)]
struct LiveSearch<'a> {
    #[serde(borrow, default)]
    mode: Option<Str<'a>>,
}

/// OpenRouter's `plugins`.
#[derive(Deserialize)]
struct Plugin<'a> {
    #[serde(borrow)]
    id: Str<'a>,
}

fn read<'a, T: Deserialize<'a>>(head: &'a Head, field: &str) -> Result<Option<T>, Fault> {
    let Some(raw) = head.raw(field) else {
        return Ok(None);
    };
    let wrong = |error| Fault::invalid(field, format!("`{field}` cannot be read: {error}"));
    serde_json::from_str(raw).map(Some).map_err(wrong)
}
