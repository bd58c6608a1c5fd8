//! Bodies of calls by dialect: the fields that Vane knows. Others pass to providers that speak the
//! dialect, so that none of these objects is closed.

use serde_json::{Value, json};

use super::schema::{any, boolean, integer, list, number, one_of, open, or_null, text};

/// Vane's own fields, in every dialect.
fn own() -> Vec<(&'static str, Value)> {
    let providers = |about: &str| json!({ "type": "array", "items": { "type": "string" }, "maxItems": 16, "description": about });
    vec![
        (
            "models",
            providers(
                "Models to fall back to after `model`, in this order. Vane's own: it does not go up.",
            ),
        ),
        (
            "provider",
            open(
                &[],
                vec![
                    ("order", providers("Providers to try first, by id.")),
                    ("only", providers("No others.")),
                    ("ignore", providers("Never these.")),
                ],
            ),
        ),
    ]
}

fn model() -> (&'static str, Value) {
    ("model", text("The id of a model, or any name it goes by."))
}

fn stream() -> (&'static str, Value) {
    ("stream", boolean("Whether the answer comes as it is made."))
}

fn sampling() -> Vec<(&'static str, Value)> {
    vec![
        (
            "temperature",
            number("How much chance there is in the choice of tokens."),
        ),
        (
            "top_p",
            number("Chooses among the likeliest tokens that make up this share."),
        ),
    ]
}

fn stop() -> (&'static str, Value) {
    (
        "stop",
        json!({ "type": ["string", "array", "null"], "items": { "type": "string" }, "description": "Texts at which the answer ends." }),
    )
}

fn closed(required: &[&str], parts: Vec<Vec<(&'static str, Value)>>) -> Value {
    open(required, parts.into_iter().flatten().collect())
}

pub(super) fn chat() -> Value {
    let messages = open(
        &["role"],
        vec![
            (
                "role",
                text("`system`, `developer`, `user`, `assistant` or `tool`."),
            ),
            (
                "content",
                json!({ "type": ["string", "array", "null"], "description": "A text, or a list of parts." }),
            ),
            ("tool_calls", any("Calls of tools that an assistant made.")),
            ("tool_call_id", text("Which call this is the result of.")),
        ],
    );
    closed(
        &["model", "messages"],
        vec![
            vec![
                model(),
                (
                    "messages",
                    list(&messages, "The conversation, oldest first."),
                ),
            ],
            vec![
                stream(),
                (
                    "stream_options",
                    any("`include_usage`: a last chunk with usage and cost."),
                ),
                (
                    "max_completion_tokens",
                    integer("The most output, reasoning included."),
                ),
                ("max_tokens", integer("The same, by its older name.")),
                ("min_tokens", integer("The least output. Mistral's.")),
            ],
            sampling(),
            chat_settings(),
            own(),
        ],
    )
}

fn chat_settings() -> Vec<(&'static str, Value)> {
    vec![
        stop(),
        (
            "seed",
            json!({ "type": ["integer", "null"], "description": "For answers that repeat." }),
        ),
        (
            "random_seed",
            json!({ "type": ["integer", "null"], "description": "The same, by Mistral's name." }),
        ),
        ("n", integer("How many answers.")),
        ("presence_penalty", number("Against what was said at all.")),
        ("frequency_penalty", number("Against what was said often.")),
        ("logit_bias", any("More or less of single tokens.")),
        ("logprobs", any("Probabilities of the tokens.")),
        ("top_logprobs", integer("Of how many tokens each.")),
        (
            "tools",
            any("What the model may call. Schemas go up as they are written."),
        ),
        (
            "tool_choice",
            any("`auto`, `none`, `required`, or one tool."),
        ),
        (
            "parallel_tool_calls",
            boolean("Whether several tools may be called at once."),
        ),
        (
            "response_format",
            any("Text, a JSON object, or JSON by a schema."),
        ),
        ("reasoning_effort", text("How much the model thinks.")),
        ("safe_prompt", boolean("Mistral's.")),
        (
            "prompt_cache_key",
            text("Helps the provider to find a warm prompt."),
        ),
        (
            "service_tier",
            text("Refused where the tier has no stated price."),
        ),
        ("user", text("Who asks, for the provider's own checks.")),
        ("metadata", any("For the provider.")),
    ]
}

pub(super) fn fim() -> Value {
    closed(
        &["model", "prompt"],
        vec![
            vec![
                model(),
                ("prompt", text("The code before the gap.")),
                ("suffix", or_null(text("The code after it."))),
                stream(),
                ("max_tokens", or_null(integer("The most output."))),
                ("min_tokens", or_null(integer("The least output."))),
                (
                    "random_seed",
                    json!({ "type": ["integer", "null"], "description": "For answers that repeat." }),
                ),
                stop(),
            ],
            sampling(),
            own(),
        ],
    )
}

pub(super) fn completions() -> Value {
    closed(
        &["model", "prompt"],
        vec![
            vec![
                model(),
                (
                    "prompt",
                    any(
                        "The text to go on with, or the code before the gap. A list where the provider takes one.",
                    ),
                ),
                (
                    "suffix",
                    or_null(text(
                        "The code after the gap: the model fills in the middle.",
                    )),
                ),
                stream(),
                (
                    "stream_options",
                    any("`include_usage`: a last chunk with usage and cost."),
                ),
                ("max_tokens", or_null(integer("The most output."))),
                ("n", integer("How many answers.")),
                ("echo", boolean("Whether the prompt is repeated.")),
                ("logprobs", any("Probabilities of the tokens.")),
                (
                    "seed",
                    json!({ "type": ["integer", "null"], "description": "For answers that repeat." }),
                ),
                ("user", text("Who asks, for the provider's own checks.")),
                stop(),
            ],
            sampling(),
            own(),
        ],
    )
}

pub(super) fn responses() -> Value {
    closed(
        &["model", "input"],
        vec![
            vec![
                model(),
                (
                    "input",
                    json!({ "type": ["string", "array"], "description": "A text, or items: messages, calls of tools, their results, reasoning." }),
                ),
                ("instructions", or_null(text("What the system says."))),
                stream(),
                (
                    "max_output_tokens",
                    or_null(integer("The most output, reasoning included.")),
                ),
                (
                    "max_tool_calls",
                    or_null(integer("The most calls of hosted tools.")),
                ),
                ("tools", any("What the model may call.")),
                (
                    "tool_choice",
                    any("`auto`, `none`, `required`, or one tool."),
                ),
                (
                    "parallel_tool_calls",
                    boolean("Whether several tools may be called at once."),
                ),
                ("text", any("The format of the answer.")),
                (
                    "reasoning",
                    any("How much the model thinks, and what is shown of it."),
                ),
                (
                    "include",
                    any("`reasoning.encrypted_content`: its state, for the next turn."),
                ),
                (
                    "store",
                    boolean("Nothing is stored here, whatever this says."),
                ),
                ("metadata", any("Comes back with the answer.")),
                (
                    "service_tier",
                    text("Refused where the tier has no stated price."),
                ),
            ],
            sampling(),
            own(),
        ],
    )
}

pub(super) fn messages() -> Value {
    let message = open(
        &["role", "content"],
        vec![
            ("role", text("`user` or `assistant`.")),
            (
                "content",
                json!({ "type": ["string", "array"], "description": "A text, or blocks." }),
            ),
        ],
    );
    closed(
        &["model", "messages"],
        vec![
            vec![
                model(),
                (
                    "messages",
                    list(&message, "The conversation, oldest first."),
                ),
                (
                    "system",
                    json!({ "type": ["string", "array"], "description": "What the system says." }),
                ),
                (
                    "max_tokens",
                    integer("The most output. Required for a call, not for a count."),
                ),
                stream(),
                (
                    "top_k",
                    integer("Chooses among so many of the likeliest tokens."),
                ),
                (
                    "stop_sequences",
                    list(
                        &json!({ "type": "string" }),
                        "Texts at which the answer ends.",
                    ),
                ),
                (
                    "tools",
                    any("What the model may call. Schemas go up as they are written."),
                ),
                ("tool_choice", any("`auto`, `any`, `none`, or one tool.")),
                ("thinking", any("Whether and how much the model thinks.")),
                (
                    "cache_control",
                    any("Where the provider is to cache the prompt."),
                ),
                (
                    "output_config",
                    any("Effort, and the format of the answer."),
                ),
                (
                    "service_tier",
                    text("Refused where the tier has no stated price."),
                ),
                ("metadata", any("For the provider.")),
            ],
            sampling(),
            own(),
        ],
    )
}

pub(super) fn embeddings() -> Value {
    closed(
        &["model", "input"],
        vec![
            vec![
                model(),
                (
                    "input",
                    json!({ "type": ["string", "array"], "description": "A text, or several." }),
                ),
                (
                    "encoding_format",
                    one_of(&["float", "base64"], "How a vector is written."),
                ),
                ("dimensions", integer("How long a vector is.")),
                ("output_dimension", integer("The same, by Mistral's name.")),
                (
                    "output_dtype",
                    text("Mistral's: `float`, `int8` and others."),
                ),
                ("user", text("Who asks, for the provider's own checks.")),
            ],
            own(),
        ],
    )
}
