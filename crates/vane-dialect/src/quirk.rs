//! Quirks: how providers of one dialect differ, as data.
//!
//! A provider is never a type. What its row of the catalogue cannot say with a path and a key
//! kind it says with a list of these names; encoders ask for them and for nothing else.

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
    /// Wants `max_tokens`; does not know `max_completion_tokens`.
    MaxTokens = "max_tokens",
    /// Does not know the `developer` role: `system` instead.
    NoDeveloper = "no_developer",
    /// A system message may only stand first: later ones are folded into user turns.
    SystemFirst = "system_first",
    /// Refuses `stream_options`; usage comes without asking, or not at all.
    NoStreamOptions = "no_stream_options",
    /// Refuses `parallel_tool_calls`.
    NoParallelToolCalls = "no_parallel_tool_calls",
    /// Does not know `tool_choice: "required"` nor a named tool.
    NoForcedTool = "no_forced_tool",
    /// Takes reasoning of earlier turns back as `reasoning_content`.
    ReasoningContent = "reasoning_content",
    /// Takes reasoning of earlier turns back as `reasoning`.
    ReasoningText = "reasoning_text",
    /// Takes `reasoning_effort`; without this quirk an OpenAI-compatible provider other than
    /// OpenAI may refuse it.
    ReasoningEffort = "reasoning_effort",
    /// Thinking is switched by `thinking: {"type": "enabled" | "disabled"}` on the chat body.
    ThinkingSwitch = "thinking_switch",
    /// No `response_format: json_schema`: `json_object` and a note.
    NoJsonSchema = "no_json_schema",
    /// Refuses temperature, top_p and penalties (reasoning models).
    NoSampling = "no_sampling",
    /// Refuses `stop`.
    NoStop = "no_stop",
    /// Refuses keys that its documentation does not name.
    ClosedBody = "closed_body",
    /// JSON Schemas must be reduced to the OpenAPI subset that Gemini takes.
    SchemaGemini = "schema_gemini",
    /// Tool-call ids must be nine alphanumerics (Mistral models before tokenizer v13).
    NineCharToolIds = "nine_char_tool_ids",
    /// A user message directly after a tool message is refused.
    NoUserAfterTool = "no_user_after_tool",
    /// An assistant message has text or tool calls, never both (Mistral before tokenizer v7).
    TextOrCalls = "text_or_calls",
    /// An assistant message at the end is refused rather than continued.
    NoPrefill = "no_prefill",
    /// Takes images in tool results (most OpenAI-compatible providers do not).
    ToolImages = "tool_images",
    /// Takes no images at all.
    NoImages = "no_images",
    /// Takes PDF and file parts.
    Documents = "documents",
    /// Refuses manual thinking budgets: effort only (recent Anthropic models).
    NoThinkingBudget = "no_thinking_budget",
    /// Refuses the `seed` field.
    NoSeed = "no_seed",
    /// Is OpenAI's own service or an exact twin: takes custom tools, `allowed_tools`, refusals,
    /// cache breakpoints and every documented field, and refuses all others.
    OpenaiOwn = "openai_own",
    /// Takes `cache_control` marks on parts of chat messages (OpenRouter).
    CacheControl = "cache_control",
    /// Text must be a string: several parts are joined.
    NoTextParts = "no_text_parts",
    /// The model does not reason: refuses reasoning of earlier turns and every ask for it
    /// (Mistral's models without reasoning).
    NoReasoning = "no_reasoning",
}

/// The quirks of one offer, looked up by bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quirks(u64);

impl Quirks {
    #[must_use]
    pub const fn has(self, quirk: Quirk) -> bool {
        self.0 & Self::bit(quirk) != 0
    }

    #[must_use]
    pub const fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | Self::bit(quirk))
    }

    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn bit(quirk: Quirk) -> u64 {
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
        assert!(Quirk::ALL.len() <= 64);
    }
}
