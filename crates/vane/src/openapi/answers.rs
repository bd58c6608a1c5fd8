//! Shapes of answers to calls, by dialect. What a provider adds to them is passed on.

use serde_json::Value;

use super::schema::{
    always, any, integer, list, number, object, or_null, page_of, reference, text,
};

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let cost = || number("What the call cost in US dollars, with all its digits.");
    let usage = object(
        &["prompt_tokens", "completion_tokens", "cost"],
        vec![
            (
                "prompt_tokens",
                integer("Input, what came from a cache included."),
            ),
            ("completion_tokens", integer("Output, reasoning included.")),
            ("total_tokens", integer("Both.")),
            ("cost", cost()),
        ],
    );
    let parts = object(
        &["input_tokens", "output_tokens", "cost"],
        vec![
            (
                "input_tokens",
                integer("Input. Anthropic's does not include what came from a cache."),
            ),
            ("output_tokens", integer("Output, reasoning included.")),
            ("cost", cost()),
        ],
    );
    vec![
        ("Usage", usage),
        ("PartedUsage", parts),
        (
            "ChatAnswer",
            choices(
                "chat.completion",
                "message",
                &any("What the assistant says, and calls."),
            ),
        ),
        (
            "CompletionAnswer",
            choices("text_completion", "text", &text("What was written.")),
        ),
        ("ResponsesAnswer", answer_of_responses()),
        ("MessagesAnswer", answer_of_messages()),
        ("EmbeddingsAnswer", answer_of_embeddings()),
        (
            "TokenCount",
            object(
                &["input_tokens"],
                vec![(
                    "input_tokens",
                    integer(
                        "The provider's count, or an estimate: then the answer says `vane-estimate: true`.",
                    ),
                )],
            ),
        ),
        ("Model", one_model()),
        ("ModelList", page_of("Model", None)),
    ]
}

fn choices(kind: &str, member: &str, of: &Value) -> Value {
    let choice = object(
        &["index", member, "finish_reason"],
        vec![
            ("index", integer("Which of several.")),
            (member, of.clone()),
            (
                "finish_reason",
                or_null(text("`stop`, `length`, `tool_calls`, `content_filter`.")),
            ),
        ],
    );
    object(
        &["id", "object", "model", "choices", "usage"],
        vec![
            ("id", text("The provider's.")),
            ("object", always(kind)),
            ("created", integer("Unix seconds.")),
            (
                "model",
                text("The provider's word for the model that answered."),
            ),
            ("choices", list(&choice, "The answers.")),
            ("usage", reference("Usage")),
        ],
    )
}

fn answer_of_responses() -> Value {
    object(
        &["id", "object", "status", "model", "output", "usage"],
        vec![
            ("id", text("The provider's.")),
            ("object", always("response")),
            (
                "status",
                text("`completed`, or `incomplete` where a limit was reached."),
            ),
            (
                "model",
                text("The provider's word for the model that answered."),
            ),
            (
                "output",
                list(
                    &any("A message, a call of a tool, or reasoning."),
                    "In order.",
                ),
            ),
            ("usage", reference("PartedUsage")),
        ],
    )
}

fn answer_of_messages() -> Value {
    object(
        &[
            "id",
            "type",
            "role",
            "model",
            "content",
            "stop_reason",
            "usage",
        ],
        vec![
            ("id", text("The provider's.")),
            ("type", always("message")),
            ("role", always("assistant")),
            (
                "model",
                text("The provider's word for the model that answered."),
            ),
            (
                "content",
                list(&any("Text, thinking, or the use of a tool."), "In order."),
            ),
            (
                "stop_reason",
                or_null(text(
                    "`end_turn`, `max_tokens`, `tool_use`, `stop_sequence`, ...",
                )),
            ),
            ("usage", reference("PartedUsage")),
        ],
    )
}

fn answer_of_embeddings() -> Value {
    let one = object(
        &["object", "index", "embedding"],
        vec![
            ("object", always("embedding")),
            ("index", integer("Of which input.")),
            ("embedding", any("A list of numbers, or text in base64.")),
        ],
    );
    let usage = object(
        &["prompt_tokens", "cost"],
        vec![
            ("prompt_tokens", integer("Input.")),
            (
                "cost",
                number("What the call cost in US dollars, with all its digits."),
            ),
        ],
    );
    object(
        &["object", "data", "model", "usage"],
        vec![
            ("object", always("list")),
            ("data", list(&one, "One for each input.")),
            (
                "model",
                text("The provider's word for the model that answered."),
            ),
            ("usage", usage),
        ],
    )
}

fn one_model() -> Value {
    object(
        &[
            "id",
            "object",
            "owned_by",
            "name",
            "created",
            "capabilities",
        ],
        vec![
            ("id", text("What a call names.")),
            ("object", always("model")),
            ("type", text("`model`, or `base` for Mistral's clients.")),
            ("owned_by", text("Its maker.")),
            ("name", text("What people call it.")),
            (
                "display_name",
                text("The same, as Anthropic's clients read it."),
            ),
            ("created", integer("When it was released, in unix seconds.")),
            ("created_at", text("The same as an instant.")),
            ("max_context_length", integer("Tokens of input.")),
            ("max_output_tokens", integer("Tokens of output.")),
            ("capabilities", any("What it can do, each true or false.")),
        ],
    )
}
