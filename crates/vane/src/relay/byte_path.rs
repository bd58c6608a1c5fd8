//! Whether a client's bytes may go upstream but for a few splices.
//!
//! Asked of what the scan has found, of a few members and of nothing else: this is the path that has to
//! stay cheap. Where it says yes, the provider takes the call as it stands; in doubt it says no, and the
//! call is translated.

use super::decode::{OWN_FIELDS, RawCall};
use super::foreign;
use super::plan::Choice;
use serde::Deserialize;
use serde_json::value::RawValue;
use vane_dialect::call::Effort;
use vane_dialect::head::{Head, Word};
use vane_dialect::json::{Object, Path, Str};
use vane_dialect::quirk::{Quirk, Quirks};
use vane_dialect::{Dialect, anthropic_messages, mistral_chat};

/// Whether the client's bytes may go upstream but for a few splices.
pub(super) fn goes_as_it_is(call: &RawCall, choice: &Choice) -> bool {
    if choice.dialect == Dialect::MistralChat && choice.offer.quirks.has(Quirk::ClosedBody) {
        return !call.sealed && is_legal_chat(call, choice.offer.quirks);
    }
    call.dialect() == choice.dialect
        && !call.sealed
        && !needs_memory(call)
        && !is_in_other_words(call, choice.offer.quirks)
        && !needs_floats(call, choice.offer.quirks)
        && !is_for_another(call, choice)
        && !foreign::has_ids(call, choice)
        && !needs_rewriting(choice.offer.quirks, choice.dialect, &call.head)
        // Fields of the union door that are Mistral's alone.
        && (call.dialect() != Dialect::OpenaiChat
            || call.head.member("random_seed").or(call.head.member("safe_prompt")).is_none())
}

/// Whether a call to the responses dialect goes on from what its provider stored, or is to be
/// asked for later. All accounts share the provider's key, so one could read what another stored;
/// the decoder refuses it by name. Items are left to the provider: the SDK of one client refers to
/// its own as soon as it may.
fn needs_memory(call: &RawCall) -> bool {
    let said = |key: &str| {
        let raw = call.head.raw(key);
        raw.is_some_and(|raw| raw != "null" && raw != "false")
    };
    call.dialect() == Dialect::OpenaiResponses
        && (said("previous_response_id") || said("conversation") || said("background"))
}

/// Whether a chat is written in words of other dialects, which its decoder reads and a provider of chats
/// refuses: Cursor writes Anthropic's or those of responses, by the name of the model. Of tools the
/// first is looked at, for who writes one function so writes all; all of them where there are others.
fn is_in_other_words(call: &RawCall, quirks: Quirks) -> bool {
    if call.dialect() != Dialect::OpenaiChat {
        return false;
    }
    let head = &call.head;
    let anthropics = [
        Word::Image,
        Word::InputSchema,
        Word::ToolResult,
        Word::ToolUse,
    ];
    head.raw("messages").is_none()
        || anthropics.iter().any(|word| head.times(*word) > 0)
        || head.raw("tool_choice").is_some_and(is_flat)
        || head.raw("tools").and_then(first).is_some_and(is_flat)
        || (call.hosted.beyond_functions && !has_legal_custom_tools(head, quirks))
        || (quirks.has(Quirk::OpenaiOwn) && has_empty_content(head))
}

/// Whether a tool, or a choice of one, is named without an object around the name.
fn is_flat(tool: &str) -> bool {
    let Ok(mut tool) = Object::read_str(tool, &Path::Root) else {
        return false;
    };
    let kind: Option<Str<'_>> = tool.get("type", &Path::Root).ok().flatten();
    match kind.as_ref().map(|kind| &*kind.0) {
        Some(kind @ ("function" | "custom")) => tool.peek(kind).is_none(),
        Some("none" | "auto" | "required" | "any" | "tool") => true,
        Some(_) | None => false,
    }
}

/// The first value of a list.
fn first(list: &str) -> Option<&str> {
    let list = list.trim_start().strip_prefix('[')?;
    let mut values = serde_json::Deserializer::from_str(list).into_iter::<&RawValue>();
    values.next()?.ok().map(RawValue::get)
}

fn has_legal_custom_tools(head: &Head, quirks: Quirks) -> bool {
    let tools: Result<Vec<&RawValue>, _> =
        serde_json::from_str(head.raw("tools").unwrap_or_default());
    quirks.has(Quirk::OpenaiOwn)
        && !quirks.has(Quirk::FunctionsOnly)
        && tools.is_ok_and(|tools| !tools.iter().any(|tool| is_flat(tool.get())))
}

/// Whether some message may have a list without parts, as Cursor's do beside calls: OpenAI refuses it.
fn has_empty_content(head: &Head) -> bool {
    let empty = [r#""content":[]"#, r#""content": []"#];
    let has = |empty: &str| memchr::memmem::find(head.body(), empty.as_bytes()).is_some();
    head.times(Word::ToolCalls) > 0 && empty.into_iter().any(has)
}

/// Whether a call holds what only Anthropic takes, and goes to another that speaks its dialect.
pub(super) fn is_for_another(call: &RawCall, choice: &Choice) -> bool {
    choice.dialect == Dialect::AnthropicMessages
        && !anthropic_messages::is_anthropic(&choice.offer.provider.id)
        && anthropic_messages::is_for_anthropic_alone(&call.head)
}

/// Whether vectors are asked for in a form that the provider refuses or does not know: those that
/// it gives are turned into it. Official SDKs name one in every call.
fn needs_floats(call: &RawCall, quirks: Quirks) -> bool {
    call.dialect() == Dialect::OpenaiEmbeddings
        && (!quirks.has(Quirk::OpenaiOwn) || quirks.has(Quirk::NoBase64))
        && call.head.member("encoding_format").is_some()
}

/// What the scan of a chat to Mistral answers for, better than a look for a word does.
const SCANNED: [Quirk; 7] = [
    Quirk::ClosedBody,
    Quirk::NoDeveloper,
    Quirk::NoMessageName,
    Quirk::NineCharToolIds,
    Quirk::NoUserAfterTool,
    Quirk::TextOrCalls,
    Quirk::NoReasoning,
];

/// Whether a chat of either door may go to Mistral as it stands.
fn is_legal_chat(call: &RawCall, quirks: Quirks) -> bool {
    let door = call.dialect();
    matches!(door, Dialect::MistralChat | Dialect::OpenaiChat)
        && !needs_rewriting(quirks.without(&SCANNED), Dialect::MistralChat, &call.head)
        && mistral_chat::legal::chat(&call.head, door, &OWN_FIELDS, quirks)
}

/// Whether one of the offer's quirks is touched by what stands in the body.
fn needs_rewriting(quirks: Quirks, dialect: Dialect, head: &Head) -> bool {
    if quirks == Quirks::default() {
        return false;
    }
    let said = Said {
        quirks,
        dialect,
        head,
        effort: effort(dialect, head),
    };
    // The state of one provider is no other's: the encoder leaves it out and says so.
    let foreign = !quirks.has(Quirk::ThoughtSignature) && said.says(Word::ThoughtSignature);
    let mut quirks = Quirk::ALL.iter().filter(|&&quirk| quirks.has(quirk));
    foreign || said.asks_elsewhere() || quirks.any(|&quirk| said.touches(quirk))
}

/// What a body says, before it is decoded.
struct Said<'a> {
    quirks: Quirks,
    dialect: Dialect,
    head: &'a Head,
    effort: Option<Effort>,
}

impl Said<'_> {
    fn has(&self, key: &str) -> bool {
        self.head.raw(key).is_some()
    }

    fn says(&self, word: Word) -> bool {
        self.head.times(word) > 0
    }

    fn in_chat(&self) -> bool {
        self.dialect == Dialect::OpenaiChat
    }

    /// Whether a chat asks for reasoning, or for none, by a member that other providers have.
    fn asks_elsewhere(&self) -> bool {
        let others = |own: Quirk, key: &str| !self.quirks.has(own) && self.has(key);
        self.in_chat()
            && (others(Quirk::ReasoningObject, "reasoning")
                || others(Quirk::ThinkingSwitch, "thinking"))
    }

    fn switches_thoughts(&self) -> bool {
        self.in_chat() && (self.effort.is_some() || self.has("thinking"))
    }

    /// Whether what stands in the body must be said otherwise for a quirk.
    fn touches(&self, quirk: Quirk) -> bool {
        match quirk {
            Quirk::MaxTokens => self.has("max_completion_tokens"),
            Quirk::MaxCompletionTokens => self.has("max_tokens"),
            Quirk::NoDeveloper => self.says(Word::Developer),
            Quirk::NoMessageName => self.says(Word::Name),
            Quirk::SystemFirst => self.has_late_system(),
            Quirk::NoStreamOptions => self.has("stream_options"),
            Quirk::NoParallelToolCalls => self.has("parallel_tool_calls"),
            Quirk::NoToolChoice => self.has("tool_choice"),
            Quirk::NoForcedTool => self.forces_a_tool(),
            Quirk::NoStrictTools => self.says(Word::Strict),
            Quirk::NoJsonSchema => self.says(Word::JsonSchema),
            Quirk::NoSampling | Quirk::SamplingUnlessReasoning => {
                self.has("temperature") || self.has("top_p") || self.has("top_k")
            }
            Quirk::OneSampling => self.has("temperature") && self.has("top_p"),
            Quirk::NoPenalties => self.has("presence_penalty") || self.has("frequency_penalty"),
            Quirk::NoStop => self.has("stop"),
            Quirk::NoLogprobs => self.has("logprobs") || self.has("top_logprobs"),
            Quirk::NoLogitBias => self.has("logit_bias"),
            Quirk::SingleChoice => self.head.raw("n").is_some_and(|n| n != "1"),
            Quirk::OpenaiOwn => self.is_beyond_openai(),
            Quirk::ClosedBody => !self.head.keys().all(|key| is_legal(self.dialect, key)),
            Quirk::SchemaGemini => self.has("tools") || self.has("response_format"),
            Quirk::NineCharToolIds
            | Quirk::NoUserAfterTool
            | Quirk::TextOrCalls
            | Quirk::SignedCalls => self.says(Word::ToolCalls),
            Quirk::NoImages => self.says(Word::ImageUrl),
            Quirk::NoPrefill | Quirk::PrefillInBeta => self.in_chat() && self.says(Word::Prefix),
            Quirk::NoTextParts => self.in_chat() && self.says(Word::Text),
            Quirk::NoTools => self.in_chat() && (self.has("tools") || self.has("functions")),
            Quirk::NoSeed => self.has("seed"),
            Quirk::NoReasoningEffort => self.effort.is_some(),
            // Who is not told by the member that it knows thinks on, and bills what it thought.
            Quirk::EffortInResponses
            | Quirk::ThinkingSwitch
            | Quirk::EnableThinking
            | Quirk::ReasoningObject => self.in_chat() && self.effort.is_some(),
            Quirk::AlwaysThinks => self.switches_thoughts(),
            Quirk::NoNoneEffort => self.effort == Some(Effort::None),
            Quirk::NoMinimalEffort => self.effort == Some(Effort::Minimal),
            Quirk::NoLowEffort => self.effort == Some(Effort::Low),
            Quirk::NoMediumEffort => self.effort == Some(Effort::Medium),
            Quirk::NoXhighEffort => self.effort == Some(Effort::Xhigh),
            Quirk::NoMaxEffort => self.effort == Some(Effort::Max),
            Quirk::NoMaxEffortInChat => self.in_chat() && self.effort == Some(Effort::Max),
            Quirk::NoThinkingBudget => self.says(Word::BudgetTokens),
            Quirk::ReasoningReplay => self.lacks_reasoning(),
            // What only the translator writes or a client may write itself, what the route or the
            // request's own checks decide, and how answers are read and billed.
            #[rustfmt::skip] // One name to a line would push the decisions off the screen.
            Quirk::GoogleExtras | Quirk::FunctionsOnly | Quirk::NoBase64 | Quirk::CacheControl
            | Quirk::ReasonsUnasked | Quirk::NoSuffix | Quirk::NoToolsWhileReasoning
            | Quirk::ToolImages | Quirk::Documents | Quirk::NoReasoning | Quirk::ReasoningContent
            | Quirk::ReasoningText | Quirk::ThoughtSignature | Quirk::ThinkTags | Quirk::ThoughtTags
            | Quirk::ReasoningSplit | Quirk::NoAdaptiveThinking | Quirk::BindsThoughts
            | Quirk::StreamsOnly | Quirk::UsageUnasked | Quirk::CostReported
            | Quirk::RequestFee => false,
        }
    }

    /// Whether a system message stands anywhere but first.
    fn has_late_system(&self) -> bool {
        match self.head.times(Word::System) {
            0 => false,
            1 => self.has("instructions") || !begins_with_system(self.head),
            _ => true,
        }
    }

    fn forces_a_tool(&self) -> bool {
        let Some(choice) = self.head.raw("tool_choice") else {
            return false;
        };
        if self.dialect == Dialect::AnthropicMessages {
            return choice.contains("\"any\"") || choice.contains("\"tool\"");
        }
        choice != "\"auto\"" && choice != "\"none\""
    }

    /// OpenRouter, which takes no tools but functions, takes more fields than OpenAI.
    fn is_beyond_openai(&self) -> bool {
        let mut keys = self.head.keys();
        self.in_chat()
            && !self.quirks.has(Quirk::FunctionsOnly)
            && keys.any(|key| BEYOND_OPENAI.contains(&key))
    }

    /// Whether some list of calls has no reasoning beside it: DeepSeek and Moonshot want it there.
    fn lacks_reasoning(&self) -> bool {
        self.head.times(Word::ToolCalls) > self.head.times(Word::ReasoningContent)
    }
}

/// Whether the first message or item is the system's.
fn begins_with_system(head: &Head) -> bool {
    #[derive(Deserialize)]
    struct Said<'a> {
        #[serde(borrow)]
        role: Str<'a>,
    }
    let list = head.raw("messages").or(head.raw("input"));
    let Some(list) = list.and_then(|list| list.trim_start().strip_prefix('[')) else {
        return false;
    };
    let mut said = serde_json::Deserializer::from_str(list).into_iter::<Said<'_>>();
    matches!(said.next(), Some(Ok(said)) if said.role.0 == "system")
}

/// What other providers take in a chat, and OpenAI refuses the whole call for.
const BEYOND_OPENAI: [&str; 12] = [
    "document_image_limit",
    "document_page_limit",
    "guardrails",
    "min_p",
    "min_tokens",
    "prompt_mode",
    "random_seed",
    "reasoning",
    "repetition_penalty",
    "safe_prompt",
    "thinking",
    "top_k",
];

/// The effort that is asked for, where OpenAI's dialects say it.
fn effort(dialect: Dialect, head: &Head) -> Option<Effort> {
    let name: Str<'_> = match dialect {
        Dialect::OpenaiResponses => {
            let reasoning = Object::read_str(head.raw("reasoning")?, &Path::Root);
            reasoning.ok()?.get("effort", &Path::Root).ok()??
        }
        Dialect::OpenaiChat | Dialect::MistralChat => {
            serde_json::from_str(head.raw("reasoning_effort")?).ok()?
        }
        // Anthropic's clients go on from its own word on what a model does not take.
        Dialect::AnthropicMessages
        | Dialect::OpenaiCompletions
        | Dialect::OpenaiEmbeddings
        | Dialect::MistralFim
        | Dialect::MistralEmbeddings
        | Dialect::LlamaInfill => return None,
    };
    Effort::from_name(&name.0)
}

/// Whether a closed body of `dialect` may have `key`: Vane's own are cut out anyway.
fn is_legal(dialect: Dialect, key: &str) -> bool {
    let known: &[&str] = match dialect {
        Dialect::MistralFim => &MISTRAL_FIM_KEYS,
        Dialect::MistralEmbeddings => &MISTRAL_EMBEDDINGS_KEYS,
        // Messages are closed too, and only the encoder looks into them.
        _ => &[],
    };
    known.contains(&key) || OWN_FIELDS.contains(&key)
}

const MISTRAL_FIM_KEYS: [&str; 12] = [
    "model",
    "prompt",
    "suffix",
    "temperature",
    "top_p",
    "max_tokens",
    "min_tokens",
    "stop",
    "random_seed",
    "stream",
    "metadata",
    "prompt_cache_key",
];

const MISTRAL_EMBEDDINGS_KEYS: [&str; 6] = [
    "model",
    "input",
    "output_dimension",
    "output_dtype",
    "encoding_format",
    "metadata",
];

#[cfg(test)]
mod tests;
