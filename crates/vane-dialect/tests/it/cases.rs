//! The streams that are read: recorded-looking traffic of each upstream dialect, and the clients
//! it is told to.

use std::fs;
use vane_dialect::Dialect;

pub(crate) const HOME: &str = "tests/golden/streams";

pub(crate) struct Case {
    pub(crate) upstream: Dialect,
    pub(crate) name: &'static str,
    pub(crate) clients: &'static [Dialect],
    /// There is a whole answer with the same content.
    pub(crate) twin: bool,
}

impl Case {
    pub(crate) fn stem(&self) -> String {
        format!("{HOME}/{}/{}", self.upstream.name(), self.name)
    }

    pub(crate) fn stream(&self) -> Vec<u8> {
        fs::read(format!("{}.sse", self.stem())).unwrap()
    }

    pub(crate) fn whole(&self) -> Vec<u8> {
        fs::read(format!("{}.json", self.stem())).unwrap()
    }
}

const fn case(upstream: Dialect, name: &'static str, clients: &'static [Dialect]) -> Case {
    Case {
        upstream,
        name,
        clients,
        twin: true,
    }
}

const fn untwinned(upstream: Dialect, name: &'static str, clients: &'static [Dialect]) -> Case {
    Case {
        upstream,
        name,
        clients,
        twin: false,
    }
}

use Dialect::{
    AnthropicMessages, MistralChat, MistralFim, OpenaiChat, OpenaiCompletions, OpenaiResponses,
};

const CHATS: &[Dialect] = &[OpenaiChat, OpenaiResponses, AnthropicMessages, MistralChat];
const NONE: &[Dialect] = &[];

pub(crate) const CASES: &[Case] = &[
    case(OpenaiChat, "openai_text", CHATS),
    case(OpenaiChat, "openai_parallel_tools", CHATS),
    case(OpenaiChat, "openai_refusal", CHATS),
    case(
        OpenaiChat,
        "openai_custom_tool",
        &[AnthropicMessages, OpenaiResponses],
    ),
    case(OpenaiChat, "deepseek_reasoning", CHATS),
    case(OpenaiChat, "openrouter", &[AnthropicMessages]),
    case(OpenaiChat, "groq", &[AnthropicMessages, OpenaiResponses]),
    case(OpenaiChat, "gemini_tool", CHATS),
    case(OpenaiChat, "gemini_signed", CHATS),
    case(OpenaiChat, "gemini_signed_text", CHATS),
    case(
        OpenaiChat,
        "t1_t2_whole_tool_and_empty_list",
        &[AnthropicMessages, OpenaiResponses],
    ),
    case(OpenaiChat, "moonshot_usage_in_choice", NONE),
    case(OpenaiChat, "t17_unknown_finish", CHATS),
    case(OpenaiChat, "content_filter", CHATS),
    untwinned(OpenaiChat, "done_without_finish", &[AnthropicMessages]),
    untwinned(OpenaiChat, "cut", CHATS),
    case(OpenaiChat, "t18_error_first", NONE),
    untwinned(OpenaiChat, "error_midway", CHATS),
    case(OpenaiChat, "t18_html", NONE),
    case(OpenaiChat, "t14_loose_frames", NONE),
    case(AnthropicMessages, "text_and_caches", CHATS),
    case(AnthropicMessages, "thinking_and_tools", CHATS),
    case(AnthropicMessages, "redacted_thinking", CHATS),
    case(
        AnthropicMessages,
        "web_search",
        &[OpenaiChat, OpenaiResponses],
    ),
    case(AnthropicMessages, "refusal", &[OpenaiChat, OpenaiResponses]),
    case(
        AnthropicMessages,
        "stop_sequence",
        &[OpenaiChat, OpenaiResponses],
    ),
    case(
        AnthropicMessages,
        "t19_counts_only_at_the_start",
        &[OpenaiChat],
    ),
    untwinned(AnthropicMessages, "error_midway", &[OpenaiChat]),
    untwinned(AnthropicMessages, "cut", NONE),
    case(OpenaiResponses, "text", CHATS),
    case(OpenaiResponses, "reasoning_and_calls", CHATS),
    case(OpenaiResponses, "t1_only_done_items", &[OpenaiChat]),
    case(
        OpenaiResponses,
        "incomplete",
        &[OpenaiChat, AnthropicMessages],
    ),
    untwinned(OpenaiResponses, "failed_midway", &[AnthropicMessages]),
    case(OpenaiResponses, "t18_failed_first", NONE),
    case(
        OpenaiResponses,
        "custom_and_namespace",
        &[OpenaiChat, AnthropicMessages],
    ),
    case(OpenaiResponses, "web_search", &[OpenaiChat]),
    case(OpenaiResponses, "refusal", &[OpenaiChat, AnthropicMessages]),
    case(MistralChat, "text_usage_on_last", CHATS),
    case(MistralChat, "two_tools_in_one_delta", CHATS),
    case(MistralChat, "reasoning", CHATS),
    case(
        MistralChat,
        "model_length",
        &[OpenaiChat, AnthropicMessages, OpenaiResponses],
    ),
    untwinned(MistralChat, "error_midway", NONE),
    case(MistralFim, "fill", &[OpenaiCompletions, MistralFim]),
    case(OpenaiCompletions, "fill", &[MistralFim, OpenaiCompletions]),
    // Providers whose traffic was written from their documentation.
    case(OpenaiChat, "together_says_text_twice", &[AnthropicMessages]),
    case(
        OpenaiChat,
        "minimax_repeats_the_whole",
        &[AnthropicMessages],
    ),
    case(OpenaiChat, "t18_minimax_base_resp", NONE),
    case(
        OpenaiChat,
        "azure_filters",
        &[AnthropicMessages, MistralChat],
    ),
    case(OpenaiChat, "perplexity_cumulative", &[AnthropicMessages]),
    case(OpenaiChat, "m1_xai_reasoning_outside", &[OpenaiResponses]),
    case(
        OpenaiChat,
        "t3_gemini_calls_without_index_or_id",
        &[AnthropicMessages, MistralChat],
    ),
    case(
        OpenaiChat,
        "t3_every_call_has_index_0_and_no_id",
        &[OpenaiResponses],
    ),
    case(OpenaiChat, "local_server_quirks", CHATS),
    case(OpenaiChat, "alibaba_pieces", &[AnthropicMessages]),
    case(
        OpenaiChat,
        "t4_openrouter_signed_details",
        &[AnthropicMessages, OpenaiResponses],
    ),
    untwinned(
        OpenaiChat,
        "openrouter_error_midway",
        &[AnthropicMessages, OpenaiResponses],
    ),
    case(OpenaiChat, "t18_openrouter_error_in_choice", NONE),
    case(
        OpenaiChat,
        "openai_citations",
        &[AnthropicMessages, OpenaiResponses],
    ),
    case(OpenaiChat, "cerebras_time_info", &[AnthropicMessages]),
    case(OpenaiChat, "zai_sensitive", &[AnthropicMessages]),
    untwinned(OpenaiChat, "groq_error_event", &[AnthropicMessages]),
    untwinned(AnthropicMessages, "fine_grained_input_is_no_json", CHATS),
    case(
        AnthropicMessages,
        "m1_null_counts_do_not_erase",
        &[OpenaiChat],
    ),
    case(
        AnthropicMessages,
        "pause_turn_and_container",
        &[OpenaiChat, OpenaiResponses],
    ),
    case(AnthropicMessages, "m1_compaction_is_billed", &[OpenaiChat]),
    case(AnthropicMessages, "t18_overloaded_first", NONE),
    untwinned(
        AnthropicMessages,
        "overloaded_midway",
        &[OpenaiChat, OpenaiResponses],
    ),
    case(
        AnthropicMessages,
        "web_citations_of_a_part",
        &[OpenaiChat, OpenaiResponses],
    ),
    case(
        AnthropicMessages,
        "document_citations",
        &[OpenaiChat, OpenaiResponses],
    ),
    case(AnthropicMessages, "compatible_server", &[OpenaiChat]),
    case(
        OpenaiResponses,
        "citations_phase_and_obfuscation",
        &[OpenaiChat, AnthropicMessages],
    ),
    case(
        OpenaiResponses,
        "open_model_reasoning_text",
        &[OpenaiChat, AnthropicMessages],
    ),
    untwinned(
        OpenaiResponses,
        "error_event_midway",
        &[OpenaiChat, AnthropicMessages],
    ),
    untwinned(OpenaiResponses, "t18_context_length_in_the_stream", NONE),
    case(
        OpenaiResponses,
        "hosted_code_image_and_refusal_part",
        &[OpenaiChat, AnthropicMessages],
    ),
    case(MistralChat, "thinking_references_and_calls", CHATS),
    case(MistralChat, "t18_finish_error", NONE),
    case(OpenaiCompletions, "deepseek_fim", &[MistralFim]),
    case(OpenaiCompletions, "vllm", &[MistralFim]),
    case(OpenaiCompletions, "together", &[MistralFim]),
    case(MistralFim, "hosted", &[OpenaiCompletions]),
    case(MistralFim, "empty_fill", &[OpenaiCompletions, MistralFim]),
];
