//! Quirks: how providers of one dialect differ, as data.
//!
//! A provider is never a type. What its row of the catalogue cannot say with a path and a key
//! kind it says with a list of these names; encoders ask for them and for nothing else.

use crate::json::Str;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

macro_rules! quirks {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Quirk { $($(#[$doc])* $variant,)* }

        impl Quirk {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

quirks! {
    /// Wants `max_tokens`; `max_completion_tokens` is refused or ignored.
    MaxTokens = "max_tokens",
    /// Wants `max_completion_tokens`; `max_tokens` is refused.
    MaxCompletionTokens = "max_completion_tokens",
    /// Does not know the `developer` role: `system` instead.
    NoDeveloper = "no_developer_role",
    /// Refuses `name` on messages.
    NoMessageName = "no_message_name",
    /// A system message may only stand first: later ones are folded into user turns.
    SystemFirst = "system_first",
    /// Refuses keys that its documentation does not name.
    ClosedBody = "closed_body",
    /// Takes `extra_body` with `google`'s members alone, for thoughts and safety, also where the
    /// body is closed.
    GoogleExtras = "google_extras",
    /// Is OpenAI's own service or an exact twin: takes custom tools, `allowed_tools`, refusals,
    /// cache breakpoints and every documented field, and refuses all others.
    OpenaiOwn = "openai_fields",
    /// Takes no tools of the client's but functions: no custom tools, no namespaces, also beside
    /// `openai_fields` (OpenRouter).
    FunctionsOnly = "functions_only",
    /// Answers base64 vectors with none, also beside `openai_fields` (OpenRouter).
    NoBase64 = "no_base64",
    /// Takes `cache_control` marks on parts of chat messages (OpenRouter).
    CacheControl = "cache_control",
    /// Text must be a string: several parts are joined.
    NoTextParts = "no_text_parts",

    /// Refuses temperature, top_p and top_k (reasoning models).
    NoSampling = "no_sampling",
    /// Takes sampling parameters only while reasoning effort is `none`.
    SamplingUnlessReasoning = "sampling_unless_reasoning",
    /// Reasons where no effort is named, and then takes no sampling parameters either.
    ReasonsUnasked = "reasons_unasked",
    /// Refuses `temperature` and `top_p` together.
    OneSampling = "one_sampling",
    /// Refuses `presence_penalty` and `frequency_penalty`.
    NoPenalties = "no_penalties",
    /// Refuses `stop`.
    NoStop = "no_stop",
    /// Refuses `seed`.
    NoSeed = "no_seed",
    /// Refuses `logprobs` and `top_logprobs`.
    NoLogprobs = "no_logprobs",
    /// Refuses `logit_bias`.
    NoLogitBias = "no_logit_bias",
    /// Refuses `n` other than 1.
    SingleChoice = "single_choice",
    /// Refuses `suffix`, even an empty one: fills in nowhere that Vane can ask.
    NoSuffix = "no_suffix",

    /// Calls no tools of the client's.
    NoTools = "no_tools",
    /// Ignores or refuses `tool_choice`.
    NoToolChoice = "no_tool_choice",
    /// Does not know `tool_choice: "required"` nor a named tool.
    NoForcedTool = "no_forced_tool_choice",
    /// Refuses `parallel_tool_calls`.
    NoParallelToolCalls = "no_parallel_tool_calls",
    /// Refuses `strict` on a function.
    NoStrictTools = "no_strict_tools",
    /// Refuses function tools in chat while reasoning; the responses dialect takes them.
    NoToolsWhileReasoning = "no_tools_while_reasoning",
    /// Tool-call ids must be nine alphanumerics (Mistral models before tokenizer v13).
    NineCharToolIds = "nine_char_tool_ids",
    /// Takes images in tool results (most OpenAI-compatible providers do not).
    ToolImages = "tool_images",

    /// No `response_format: json_schema`: `json_object` and a note.
    NoJsonSchema = "no_json_schema",
    /// JSON Schemas must be reduced to the OpenAPI subset that Gemini takes.
    SchemaGemini = "schema_gemini",

    /// A user message directly after a tool message is refused.
    NoUserAfterTool = "no_user_after_tool",
    /// An assistant message has text or tool calls, never both (Mistral before tokenizer v7).
    TextOrCalls = "text_or_calls",
    /// An assistant message at the end is refused rather than continued.
    NoPrefill = "no_prefill",
    /// Continues an assistant message only below `/beta` (DeepSeek).
    PrefillInBeta = "prefill_in_beta",
    /// Takes no images at all.
    NoImages = "no_images",
    /// Takes PDF and file parts.
    Documents = "documents",

    /// The model does not reason: refuses reasoning of earlier turns and every ask for it
    /// (Mistral's models without reasoning).
    NoReasoning = "no_reasoning",
    /// Takes reasoning of earlier turns back as `reasoning_content`.
    ReasoningContent = "reasoning_content",
    /// Takes reasoning of earlier turns back as `reasoning`.
    ReasoningText = "reasoning",
    /// Takes thought signatures back where it hung them: `extra_content` of calls and messages.
    ThoughtSignature = "thought_signature",
    /// The first tool call of a message is refused without a thought signature, even one that
    /// another model made (Gemini 3 and later).
    SignedCalls = "signed_calls",
    /// Reasoning text stands between `<think>` tags at the start of the content.
    ThinkTags = "think_tags",
    /// Reasoning text stands between `<thought>` tags at the start of the content (Google).
    ThoughtTags = "thought_tags",
    /// Reasoning text leaves the content for `reasoning_details` when `reasoning_split` asks so,
    /// and goes back there.
    ReasoningSplit = "reasoning_split",
    /// A message with tool calls is refused without `reasoning_content`, even an empty one.
    ReasoningReplay = "reasoning_replay",
    /// Refuses every effort.
    NoReasoningEffort = "no_reasoning_effort",
    /// Takes an effort in the responses dialect only, and reasons there only where one is named
    /// (MiniMax).
    EffortInResponses = "effort_in_responses",
    /// Takes no effort of `none`.
    NoNoneEffort = "no_none_effort",
    /// Takes no effort of `minimal`.
    NoMinimalEffort = "no_minimal_effort",
    /// Takes no effort of `low`.
    NoLowEffort = "no_low_effort",
    /// Takes no effort of `medium`.
    NoMediumEffort = "no_medium_effort",
    /// Takes no effort of `xhigh`.
    NoXhighEffort = "no_xhigh_effort",
    /// Takes no effort of `max`.
    NoMaxEffort = "no_max_effort",
    /// Takes an effort of `max` in the responses dialect only.
    NoMaxEffortInChat = "no_max_effort_in_chat",
    /// Reasoning is switched by `thinking: {"type": "enabled" | "disabled"}` on the chat body.
    ThinkingSwitch = "thinking_object",
    /// Reasoning is switched by `enable_thinking`.
    EnableThinking = "enable_thinking",
    /// Reasoning is set by `reasoning: {"effort": ...}`.
    ReasoningObject = "reasoning_object",
    /// Refuses manual thinking budgets: effort only (recent Anthropic models).
    NoThinkingBudget = "no_thinking_budget",
    /// Does not decide for itself how much to think: budgets only (Anthropic models before 4.6).
    NoAdaptiveThinking = "no_adaptive_thinking",
    /// Always thinks: refuses to be told not to.
    AlwaysThinks = "always_thinks",
    /// Refuses a thought whose conversation before it has changed, unless told to pass over it.
    BindsThoughts = "binds_thoughts",

    /// Answers as a stream only.
    StreamsOnly = "streams_only",
    /// Refuses `stream_options`; usage comes without asking, or not at all.
    NoStreamOptions = "no_stream_options",
    /// Sends usage in a stream without being asked.
    UsageUnasked = "usage_unasked",
    /// Usage carries the provider's own idea of the cost, in USD.
    CostReported = "cost_reported",
    /// Bills a fee for each request: an offer that does not state it is in no plan.
    RequestFee = "request_fee",
}

impl<'de> Deserialize<'de> for Quirk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Str::deserialize(deserializer)?;
        Self::from_name(&name.0)
            .ok_or_else(|| D::Error::custom(format_args!("unknown quirk {:?}", name.0)))
    }
}

impl<'de> Deserialize<'de> for Quirks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Quirk>::deserialize(deserializer).map(Self::from_iter)
    }
}

/// The quirks of one offer, looked up by bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quirks(u128);

impl Quirks {
    #[must_use]
    pub const fn has(self, quirk: Quirk) -> bool {
        self.0 & Self::bit(quirk) != 0
    }

    #[must_use]
    pub const fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | Self::bit(quirk))
    }

    /// These quirks but for `others`.
    #[must_use]
    pub fn without(self, others: &[Quirk]) -> Self {
        let others: Self = others.iter().copied().collect();
        Self(self.0 & !others.0)
    }

    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn bit(quirk: Quirk) -> u128 {
        1 << (quirk as u8)
    }
}

impl FromIterator<Quirk> for Quirks {
    fn from_iter<I: IntoIterator<Item = Quirk>>(quirks: I) -> Self {
        quirks.into_iter().fold(Self::default(), Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quirk_has_its_own_bit_and_name() {
        for (at, &quirk) in Quirk::ALL.iter().enumerate() {
            assert_eq!(Quirk::from_name(quirk.name()), Some(quirk));
            let others = Quirk::ALL
                .iter()
                .enumerate()
                .filter(|(i, _)| *i != at)
                .map(|(_, q)| *q);
            assert!(
                !others.collect::<Quirks>().has(quirk),
                "{quirk:?} shares its bit"
            );
        }
        assert!(Quirk::ALL.len() <= 128);
    }
}
