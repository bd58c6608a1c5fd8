//! Where a provider or a model differs from the dialect that it speaks.
//!
//! A quirk is data: the catalogue lists it, an operator may list it for a server of their own,
//! and the encoder of a dialect asks for it. Invariant: an unknown quirk does not parse, because
//! it would be ignored silently.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

macro_rules! quirks {
    ($($(#[doc = $doc:literal])+ $quirk:ident = $name:literal,)+) => {
        /// One difference from the dialect as its maker defines it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Quirk { $($(#[doc = $doc])+ $quirk,)+ }

        impl Quirk {
            /// Every quirk, in the order of the enum.
            pub const ALL: &[Self] = &[$(Self::$quirk,)+];

            /// The word for it in data and configuration.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$quirk => $name,)+ }
            }
        }
    };
}

quirks! {
    /// Wants `max_tokens`; `max_completion_tokens` is refused or ignored.
    MaxTokens = "max_tokens",
    /// Wants `max_completion_tokens`; `max_tokens` is refused.
    MaxCompletionTokens = "max_completion_tokens",
    /// Knows no `developer` role: it becomes `system`.
    NoDeveloperRole = "no_developer_role",
    /// Refuses `name` on messages.
    NoMessageName = "no_message_name",
    /// Unknown keys of the body are refused: only what is known to be legal may be sent.
    ClosedBody = "closed_body",
    /// Takes the fields that are OpenAI's own (`store`, `prediction`, `verbosity`, ...).
    OpenaiFields = "openai_fields",

    /// Refuses `temperature`, `top_p` and `top_k`.
    NoSampling = "no_sampling",
    /// Takes sampling parameters only while reasoning effort is `none`.
    SamplingUnlessReasoning = "sampling_unless_reasoning",
    /// Refuses `temperature` and `top_p` together.
    OneSampling = "one_sampling",
    /// Refuses `presence_penalty` and `frequency_penalty`.
    NoPenalties = "no_penalties",
    /// Refuses `stop`.
    NoStop = "no_stop",
    /// Refuses `logprobs` and `top_logprobs`.
    NoLogprobs = "no_logprobs",
    /// Refuses `logit_bias`.
    NoLogitBias = "no_logit_bias",
    /// Refuses `n` other than 1.
    SingleChoice = "single_choice",

    /// Calls no tools of the client's.
    NoTools = "no_tools",
    /// Ignores or refuses `tool_choice`.
    NoToolChoice = "no_tool_choice",
    /// Refuses a `tool_choice` that forces a call: `required` or a named function.
    NoForcedToolChoice = "no_forced_tool_choice",
    /// Refuses `parallel_tool_calls`.
    NoParallelToolCalls = "no_parallel_tool_calls",
    /// Refuses `strict` on a function.
    NoStrictTools = "no_strict_tools",
    /// Refuses function tools in chat while reasoning; the responses dialect takes them.
    NoToolsWhileReasoning = "no_tools_while_reasoning",

    /// Knows no `response_format` of type `json_schema`, only `json_object`.
    NoJsonSchema = "no_json_schema",
    /// Takes the subset of JSON Schema that Gemini takes.
    SchemaGemini = "schema_gemini",

    /// Orders turns as Mistral does: no user turn after a tool turn, tool ids of 9 characters.
    MistralTurns = "mistral_turns",
    /// User and assistant turns must alternate after the system message.
    AlternatingTurns = "alternating_turns",
    /// Refuses a trailing assistant turn.
    NoPrefill = "no_prefill",

    /// Reasoning text stands in `reasoning_content`.
    ReasoningContent = "reasoning_content",
    /// Reasoning text stands in `reasoning`.
    Reasoning = "reasoning",
    /// Reasoning text stands between `<think>` tags in the content.
    ThinkTags = "think_tags",
    /// Reasoning text leaves the content for `reasoning_details` when `reasoning_split` asks so.
    ReasoningSplit = "reasoning_split",
    /// Reasoning text of earlier turns must come back with its tool calls.
    ReasoningReplay = "reasoning_replay",
    /// Refuses `reasoning_effort`.
    NoReasoningEffort = "no_reasoning_effort",
    /// Reasoning is switched by `thinking: {"type": ...}`.
    ThinkingObject = "thinking_object",
    /// Reasoning is switched by `enable_thinking`.
    EnableThinking = "enable_thinking",
    /// Reasoning is set by `reasoning: {"effort": ...}`.
    ReasoningObject = "reasoning_object",
    /// Refuses a thinking budget in tokens: thinking is adaptive.
    NoThinkingBudget = "no_thinking_budget",

    /// Refuses `stream_options`.
    NoStreamOptions = "no_stream_options",
    /// Sends usage in a stream without being asked.
    UsageUnasked = "usage_unasked",
    /// Streamed usage may stand in `choices[0].usage`.
    UsageInChoice = "usage_in_choice",
    /// Streamed usage may stand in `x_groq.usage`.
    UsageXGroq = "usage_x_groq",
    /// Usage carries the provider's own idea of the cost.
    CostReported = "cost_reported",
    /// Bills a fee for each request that no rate here knows: refused until someone prices it.
    RequestFee = "request_fee",
}

impl Quirk {
    /// The quirk of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|quirk| quirk.name() == name)
    }
}

impl<'de> Deserialize<'de> for Quirk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Quirk;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a quirk")
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<Quirk, E> {
                Quirk::from_name(name)
                    .ok_or_else(|| E::custom(format_args!("unknown quirk {name:?}")))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// A set of quirks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quirks(u64);

impl Quirks {
    #[must_use]
    pub const fn has(self, quirk: Quirk) -> bool {
        self.0 & Self::bit(quirk) != 0
    }

    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn iter(self) -> impl Iterator<Item = Quirk> {
        Quirk::ALL
            .iter()
            .copied()
            .filter(move |quirk| self.has(*quirk))
    }

    const fn bit(quirk: Quirk) -> u64 {
        // There are fewer than 64 quirks: `every_quirk_has_a_bit_of_its_own` says so.
        1 << (quirk as u64)
    }
}

impl FromIterator<Quirk> for Quirks {
    fn from_iter<I: IntoIterator<Item = Quirk>>(quirks: I) -> Self {
        Self(
            quirks
                .into_iter()
                .fold(0, |set, quirk| set | Self::bit(quirk)),
        )
    }
}

impl<'de> Deserialize<'de> for Quirks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Quirk>::deserialize(deserializer).map(Self::from_iter)
    }
}

#[cfg(test)]
mod tests {
    use super::{Quirk, Quirks};

    #[test]
    fn every_quirk_has_a_bit_of_its_own() {
        assert!(Quirk::ALL.len() < 64);
        let all: Quirks = Quirk::ALL.iter().copied().collect();
        assert_eq!(all.iter().count(), Quirk::ALL.len());
        for quirk in Quirk::ALL {
            assert_eq!(Quirk::from_name(quirk.name()), Some(*quirk));
        }
    }

    #[test]
    fn an_unknown_quirk_is_an_error() {
        assert!(serde_json::from_str::<Quirks>(r#"["max_tokens","max_tokns"]"#).is_err());
        let quirks: Quirks = serde_json::from_str(r#"["max_tokens"]"#).unwrap();
        assert!(quirks.has(Quirk::MaxTokens) && !quirks.has(Quirk::NoStop));
    }
}
