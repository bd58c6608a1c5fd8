//! The members of a request's body, as far as the provider takes them.

use super::message_out::Messages;
use super::tool_out::Tools;
use crate::call::{Chat, Effort, Extra, ReasoningAsk, ReasoningMode, Sampling, Show};
use crate::codec::{Encoded, Target};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json;
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

/// Extras of Mistral and Responses that mean the same here.
const SHARED: [&str; 11] = [
    "logprobs",
    "metadata",
    "prediction",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "top_logprobs",
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
    body.reasoning(&chat.reasoning);
    body.sampling(&chat.sampling);
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
        body.extra(extra);
    }
    body.out.push(b'}');
    Ok(Encoded {
        body: body.out,
        asked,
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
    fn unless(&mut self, quirk: Quirk, name: &str, value: Option<&impl Serialize>) {
        match value {
            Some(_) if self.has(quirk) => self.notes.drop(name),
            Some(value) => self.field(name, value),
            None => {}
        }
    }

    /// Writes a field that OpenAI does not know and closed bodies refuse.
    fn beyond_openai(&mut self, name: &str, value: Option<&impl Serialize>) {
        let refused = self.has(Quirk::OpenaiOwn) || self.has(Quirk::ClosedBody);
        match value {
            Some(_) if refused => self.notes.drop(name),
            Some(value) => self.field(name, value),
            None => {}
        }
    }

    fn has(&self, quirk: Quirk) -> bool {
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

    pub(crate) fn sampling(&mut self, sampling: &Sampling) {
        let most = if self.has(Quirk::MaxTokens) {
            "max_tokens"
        } else {
            "max_completion_tokens"
        };
        if let Some(limit) = sampling.max_output {
            self.field(most, &limit);
        }
        self.beyond_openai("min_tokens", sampling.min_output.as_ref());
        self.unless(
            Quirk::NoSampling,
            "temperature",
            sampling.temperature.as_ref(),
        );
        self.unless(Quirk::NoSampling, "top_p", sampling.top_p.as_ref());
        let penalty = sampling.presence_penalty.as_ref();
        self.unless(Quirk::NoSampling, "presence_penalty", penalty);
        let penalty = sampling.frequency_penalty.as_ref();
        self.unless(Quirk::NoSampling, "frequency_penalty", penalty);
        self.beyond_openai("top_k", sampling.top_k.as_ref());
        self.beyond_openai("min_p", sampling.min_p.as_ref());
        let penalty = sampling.repetition_penalty.as_ref();
        self.beyond_openai("repetition_penalty", penalty);
        self.unless(Quirk::NoSeed, "seed", sampling.seed.as_ref());
        let stop = (!sampling.stop.is_empty()).then_some(&sampling.stop);
        self.unless(Quirk::NoStop, "stop", stop);
        if sampling.n.is_some_and(|n| n > 1) {
            self.notes.drop("n");
        }
    }

    fn reasoning(&mut self, ask: &ReasoningAsk) {
        let said = ask.mode != ReasoningMode::Unsaid || ask.budget_tokens.is_some();
        let off = ask.mode == ReasoningMode::Off || ask.effort == Some(Effort::None);
        let mut carried = false;
        if !self.has(Quirk::NoReasoningEffort) && !self.has(Quirk::NoReasoning) {
            if let Some(effort) = effort(ask) {
                self.field("reasoning_effort", &effort.name());
            }
            carried = true;
        }
        if self.has(Quirk::ThinkingSwitch) {
            if said || ask.effort.is_some() {
                let switch = if off { "disabled" } else { "enabled" };
                self.out.extend_from_slice(br#","thinking":{"type":"#);
                json::string(&mut self.out, switch);
                self.out.push(b'}');
            }
            carried = true;
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
            !self.has(Quirk::ClosedBody) || CLOSED.contains(&name)
        };
        // How a stream is padded concerns only the stream that the client itself gets.
        if known && taken && !name.starts_with("stream_options.") {
            self.field(name, &extra.value);
        } else {
            self.notes.drop(&extra.name);
        }
    }
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
