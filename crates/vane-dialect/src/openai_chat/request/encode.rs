//! The members of a request's body, as far as the provider takes them.

use super::message_out::Messages;
use super::tool_out::Tools;
use crate::call::{Chat, Effort, Extra, ReasoningAsk, ReasoningMode, Show};
use crate::dialect::Dialect;
use crate::effort;
use crate::exchange::{Encoded, Target};
use crate::fault::Fault;
use crate::json::{self, Object, Path};
use crate::notes::Notes;
use crate::quirk::Quirk;
use serde::Serialize;

/// Extras that OpenAI documents.
const OPENAI: [&str; 18] = [
    "audio",
    "logit_bias",
    "logprobs",
    "metadata",
    "modalities",
    "moderation",
    "prediction",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "safety_identifier",
    "service_tier",
    "store",
    "top_logprobs",
    "user",
    "verbosity",
    "web_search_options",
    "stream_options.include_obfuscation",
];

/// Extras that even providers with closed bodies know.
const CLOSED: [&str; 4] = ["logit_bias", "logprobs", "top_logprobs", "user"];

/// Members of Google's `extra_body` that only say how the answer is made. Others have a price of
/// their own, or refer to what the operator's key keeps there (`cached_content`).
const GOOGLES: [&str; 2] = ["safety_settings", "thinking_config"];

/// Extras of Mistral and Responses that mean the same here.
const SHARED: [&str; 10] = [
    "logprobs",
    "metadata",
    "prediction",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "user",
    "verbosity",
];

pub(crate) fn encode(
    chat: &Chat,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Result<Encoded, Fault> {
    let tools = Tools::plan(chat, target, notes);
    let mut body = Body {
        out: b"{\"model\":".to_vec(),
        target,
        notes,
    };
    json::string(&mut body.out, target.model);
    body.out.extend_from_slice(b",\"messages\":");
    let mut messages = Messages::new(chat, target);
    messages.write(&mut body.out, body.notes);
    let mut asked = messages.asked();
    body.stream(chat.stream.on);
    tools.write(&mut body.out, chat, body.target, body.notes);
    tools.tell(&mut asked);
    let asked_for = body.reasoning(&chat.reasoning);
    let sent = body.nearest(&chat.reasoning);
    let reasons = effort::reasons(target.quirks, sent);
    body.sampling(&chat.sampling, reasons);
    if let Some(key) = &chat.cache_key {
        if body.is_closed() {
            body.notes.drop("prompt_cache_key");
        } else {
            body.field("prompt_cache_key", key);
        }
    }
    if chat.cache.is_some() {
        body.notes.drop("cache_control");
    }
    for extra in &chat.extras {
        // A value that has no canonical name stayed an extra beside what was derived.
        if asked_for.contains(&extra.name.as_str()) {
            body.notes.drop(&extra.name);
        } else {
            body.extra(extra);
        }
    }
    body.out.push(b'}');
    Ok(Encoded {
        body: body.out,
        asked,
        beta: None,
    })
}

/// The body being written: every member after the first two.
pub(crate) struct Body<'a, 'n> {
    pub(crate) out: Vec<u8>,
    pub(crate) target: &'a Target<'a>,
    pub(crate) notes: &'n mut Notes,
}

impl Body<'_, '_> {
    pub(crate) fn field(&mut self, name: &str, value: &impl Serialize) {
        self.out.push(b',');
        json::string(&mut self.out, name);
        self.out.push(b':');
        json::value(&mut self.out, value);
    }

    /// Writes a field that was given, unless a quirk forbids it.
    pub(super) fn unless(&mut self, quirk: Quirk, name: &str, value: Option<&impl Serialize>) {
        match value {
            Some(_) if self.has(quirk) => self.notes.drop(name),
            Some(value) => self.field(name, value),
            None => {}
        }
    }

    /// Writes a field that OpenAI does not know and closed bodies refuse.
    pub(super) fn beyond_openai(&mut self, name: &str, value: Option<&impl Serialize>) {
        let refused = self.has(Quirk::OpenaiOwn) || self.has(Quirk::ClosedBody);
        match value {
            Some(_) if refused => self.notes.drop(name),
            Some(value) => self.field(name, value),
            None => {}
        }
    }

    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.target.quirks.has(quirk)
    }

    /// Whether the body takes less than OpenAI documents.
    fn is_closed(&self) -> bool {
        self.has(Quirk::ClosedBody) && !self.has(Quirk::OpenaiOwn)
    }

    pub(crate) fn stream(&mut self, on: bool) {
        if !on {
            return;
        }
        self.field("stream", &true);
        // Asked for even if the client did not: the call is billed by it.
        if !self.has(Quirk::NoStreamOptions) {
            self.out
                .extend_from_slice(br#","stream_options":{"include_usage":true}"#);
        }
    }

    /// Asks for reasoning as the provider wants it; the names of the members that do.
    fn reasoning(&mut self, ask: &ReasoningAsk) -> Vec<&'static str> {
        let mut names = Vec::new();
        let said = ask.mode != ReasoningMode::Unsaid || ask.budget_tokens.is_some();
        let off = ask.mode == ReasoningMode::Off || ask.effort == Some(Effort::None);
        // Who always thinks refuses the switch that says no, and gets the least effort instead.
        let switches = (said || ask.effort.is_some()) && !(off && self.has(Quirk::AlwaysThinks));
        let mut carried = false;
        let refusals = [
            Quirk::NoReasoningEffort,
            Quirk::EffortInResponses,
            Quirk::NoReasoning,
        ];
        if !refusals.into_iter().any(|quirk| self.has(quirk)) {
            if let Some(sent) = self.nearest(ask) {
                if effort(ask) != Some(sent) {
                    let said = match ask.effort {
                        Some(_) => "reasoning_effort",
                        None => "thinking",
                    };
                    self.notes.drop(said);
                }
                names.push(self.effort(sent));
            }
            carried = true;
        }
        if self.has(Quirk::ThinkingSwitch) {
            if switches {
                let switch = if off { "disabled" } else { "enabled" };
                self.out.extend_from_slice(br#","thinking":{"type":"#);
                json::string(&mut self.out, switch);
                self.out.push(b'}');
                names.push("thinking");
            }
            carried = true;
        }
        if self.has(Quirk::EnableThinking) {
            if switches {
                self.field("enable_thinking", &!off);
                names.push("enable_thinking");
            }
            carried = true;
        }
        if self.has(Quirk::ReasoningSplit) {
            self.field("reasoning_split", &true);
            names.push("reasoning_split");
        }
        if !carried && ask.effort.is_some() {
            self.notes.drop("reasoning_effort");
        }
        if !carried && said {
            self.notes.drop("thinking");
        }
        match ask.show {
            None | Some(Show::Auto) => {}
            Some(Show::Concise | Show::Detailed | Show::Summarized | Show::Omitted) => {
                self.notes.drop("reasoning_summary");
            }
        }
        names
    }

    /// The effort that comes nearest to what was asked, of those that the model takes here.
    fn nearest(&self, ask: &ReasoningAsk) -> Option<Effort> {
        let quirks = if self.has(Quirk::NoMaxEffortInChat) {
            self.target.quirks.with(Quirk::NoMaxEffort)
        } else {
            self.target.quirks
        };
        effort(ask).map(|asked| effort::nearest(quirks, asked))
    }

    fn effort(&mut self, effort: Effort) -> &'static str {
        if self.has(Quirk::ReasoningObject) {
            self.out.extend_from_slice(br#","reasoning":{"effort":"#);
            json::string(&mut self.out, effort.name());
            self.out.push(b'}');
            return "reasoning";
        }
        self.field("reasoning_effort", &effort.name());
        "reasoning_effort"
    }

    fn extra(&mut self, extra: &Extra) {
        let name = match (extra.dialect, extra.name.as_str()) {
            (Dialect::OpenaiResponses, "text.verbosity") => "verbosity",
            (_, name) => name,
        };
        let known = match extra.dialect {
            Dialect::OpenaiChat => true,
            Dialect::MistralChat | Dialect::OpenaiResponses => SHARED.contains(&name),
            Dialect::OpenaiCompletions
            | Dialect::OpenaiEmbeddings
            | Dialect::AnthropicMessages
            | Dialect::MistralFim
            | Dialect::MistralEmbeddings
            | Dialect::LlamaInfill => false,
        };
        let taken = if self.has(Quirk::OpenaiOwn) {
            OPENAI.contains(&name)
        } else {
            !self.has(Quirk::ClosedBody)
                || CLOSED.contains(&name)
                || (self.has(Quirk::GoogleExtras) && is_googles(extra))
        };
        if known && taken && !self.refuses(name) {
            self.field(name, &extra.value);
        } else {
            self.notes.drop(&extra.name);
        }
    }

    /// Whether a quirk forbids the extra `name`.
    pub(crate) fn refuses(&self, name: &str) -> bool {
        match name {
            "logit_bias" => self.has(Quirk::NoLogitBias),
            "logprobs" | "top_logprobs" => self.has(Quirk::NoLogprobs),
            _ => super::is_nested(name),
        }
    }
}

/// Whether an extra is Google's own, and asks for nothing that a call through us may not.
fn is_googles(extra: &Extra) -> bool {
    if extra.name != "extra_body" {
        return false;
    }
    let members = |raw| Object::read(raw, &Path::Root).ok();
    let Some(mut vendors) = members(extra.value.raw()) else {
        return false;
    };
    let google = vendors.take("google").and_then(members);
    google.is_some_and(|own| own.names().all(|name| GOOGLES.contains(&name)))
        && vendors.names().next().is_none()
}

/// The effort that comes nearest to what was asked.
fn effort(ask: &ReasoningAsk) -> Option<Effort> {
    if let Some(effort) = ask.effort {
        return Some(effort);
    }
    match (ask.mode, ask.budget_tokens) {
        (ReasoningMode::Off, _) => Some(Effort::None),
        (_, Some(0..=4_096)) => Some(Effort::Low),
        (_, Some(4_097..=16_384)) => Some(Effort::Medium),
        (_, Some(_)) => Some(Effort::High),
        (ReasoningMode::On, None) => Some(Effort::Medium),
        (ReasoningMode::Unsaid | ReasoningMode::Adaptive | ReasoningMode::BetweenTools, None) => {
            None
        }
    }
}
