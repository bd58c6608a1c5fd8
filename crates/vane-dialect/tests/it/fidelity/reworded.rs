//! Differences that are no losses, each with its reason. An entry that explains nothing fails the
//! test, so that this list cannot outlive its reasons.

use vane_dialect::Dialect;

#[derive(Debug)]
pub(crate) struct Reworded {
    pub(crate) feature: &'static str,
    /// None: from every door.
    pub(crate) doors: &'static [Dialect],
    pub(crate) upstreams: &'static [&'static str],
    pub(crate) how: &'static str,
}

const fn reworded(
    feature: &'static str,
    doors: &'static [Dialect],
    upstreams: &'static [&'static str],
    how: &'static str,
) -> Reworded {
    Reworded {
        feature,
        doors,
        upstreams,
        how,
    }
}

const NONE: &[Dialect] = &[];
const MESSAGES: &[Dialect] = &[Dialect::AnthropicMessages];
const CHATS: &[&str] = &["openai_chat", "deepseek"];
const BUT_RESPONSES: &[&str] = &[
    "openai_chat",
    "deepseek",
    "anthropic_messages",
    "mistral_chat",
];
const NO_CUSTOM: &[&str] = &["deepseek", "anthropic_messages", "mistral_chat"];

pub(crate) const REWORDED: &[Reworded] = &[
    reworded(
        "several text blocks",
        NONE,
        &["deepseek"],
        "as one text with blank lines between: it takes no lists",
    ),
    reworded(
        "developer role",
        NONE,
        &["deepseek", "anthropic_messages", "mistral_chat"],
        "as a system message",
    ),
    reworded(
        "system later",
        NONE,
        &["anthropic_messages", "mistral_chat"],
        "as marked text of the user, which every model takes",
    ),
    reworded(
        "tool without properties",
        NONE,
        &["openai_chat", "deepseek", "openai_responses"],
        "with empty ones: OpenAI refuses an object without",
    ),
    reworded(
        "custom tool",
        NONE,
        NO_CUSTOM,
        "as a function with one string",
    ),
    reworded(
        "custom tool call",
        NONE,
        NO_CUSTOM,
        "as a call of a function with one string",
    ),
    reworded(
        "namespaced call",
        NONE,
        BUT_RESPONSES,
        "under the name `ns__f`, given back apart",
    ),
    reworded(
        "tool choice: allowed tools",
        NONE,
        &["anthropic_messages", "mistral_chat"],
        "only the allowed tools are sent",
    ),
    reworded(
        "long call ids",
        NONE,
        &["mistral_chat"],
        "with ids of nine letters, given back as they were",
    ),
    reworded(
        "user text after results",
        NONE,
        &["mistral_chat"],
        "as marked text of the last result: the provider refuses a user message there",
    ),
    reworded(
        "failed tool",
        MESSAGES,
        &[
            "openai_chat",
            "deepseek",
            "openai_responses",
            "mistral_chat",
        ],
        "as text that begins with `Error:`",
    ),
    reworded(
        "image in a tool result",
        NONE,
        &["openai_chat", "deepseek", "mistral_chat"],
        "in a user message after the results",
    ),
    reworded(
        "document as text",
        NONE,
        &[
            "openai_chat",
            "deepseek",
            "openai_responses",
            "mistral_chat",
        ],
        "as text",
    ),
    reworded(
        "audio",
        &[Dialect::OpenaiChat],
        &["mistral_chat"],
        "without its format, which the provider finds out",
    ),
    reworded(
        "audio",
        &[Dialect::MistralChat],
        CHATS,
        "with the format that its first bytes tell",
    ),
    reworded(
        "part of an unknown type",
        &[Dialect::OpenaiResponses],
        &["openai_responses"],
        "in a message of its own",
    ),
    reworded(
        "refusal in the history",
        NONE,
        &["deepseek", "anthropic_messages", "mistral_chat"],
        "as text of the assistant",
    ),
    reworded(
        "JSON schema",
        NONE,
        &["anthropic_messages"],
        "without a name, always strict, and with no members but those that are named",
    ),
    reworded(
        "JSON schema",
        MESSAGES,
        &["openai_chat", "openai_responses", "mistral_chat"],
        "with a name made up",
    ),
    reworded(
        "JSON schema with bounds",
        MESSAGES,
        &["openai_chat", "openai_responses", "mistral_chat"],
        "with a name made up",
    ),
    reworded("effort", NONE, &["deepseek"], "and reasoning switched on"),
    reworded(
        "effort",
        NONE,
        &["anthropic_messages"],
        "and adaptive thinking switched on",
    ),
    reworded(
        "no reasoning",
        NONE,
        &[
            "openai_chat",
            "deepseek",
            "openai_responses",
            "anthropic_messages",
            "mistral_chat",
        ],
        "as the dialect's own switch",
    ),
    reworded(
        "adaptive reasoning",
        NONE,
        &["openai_chat", "openai_responses", "mistral_chat"],
        "left to the model, as it does anyway",
    ),
    reworded(
        "adaptive reasoning",
        NONE,
        &["deepseek"],
        "as reasoning switched on",
    ),
    reworded(
        "reasoning budget",
        NONE,
        &["openai_chat", "deepseek", "openai_responses"],
        "as the effort nearest to the budget",
    ),
    reworded(
        "reasoning shown",
        MESSAGES,
        &["openai_responses", "mistral_chat"],
        "hidden from the client by Vane",
    ),
    reworded(
        "user",
        NONE,
        &["anthropic_messages"],
        "as `metadata.user_id`; an e-mail address or a telephone number, which is refused there, is dropped",
    ),
    reworded(
        "safety identifier",
        NONE,
        &["anthropic_messages"],
        "as `metadata.user_id`; an e-mail address or a telephone number, which is refused there, is dropped",
    ),
    reworded(
        "store",
        NONE,
        &["openai_responses"],
        "never stored in any case",
    ),
    reworded(
        "floats",
        NONE,
        &["openai_embeddings", "mistral_embeddings"],
        "not said, because it is the default",
    ),
];
