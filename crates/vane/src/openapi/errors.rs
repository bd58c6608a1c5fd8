//! Errors by dialect, and the headers that answers carry.
//!
//! Invariant: the shapes are those that `rescue` makes; the names of headers those of docs/headers.md.

use serde_json::{Map, Value, json};

use super::operation::Kind;
use super::schema::{always, object, one_of, or_null, reference, text};

/// In which shape a route tells of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Envelope {
    Openai,
    Anthropic,
    Mistral,
}

/// On every answer of a route with a key.
pub(super) const OF_ALL: [&str; 1] = ["vane-request-id"];

/// On the answer to a call, besides.
pub(super) const OF_CALLS: [&str; 8] = [
    "vane-request-id",
    "vane-model",
    "vane-provider",
    "vane-cost",
    "vane-dropped",
    "vane-balance",
    "vane-budget-remaining",
    "x-ratelimit-remaining-requests",
];

impl Envelope {
    const fn name(self) -> &'static str {
        match self {
            Self::Openai => "OpenaiError",
            Self::Anthropic => "AnthropicError",
            Self::Mistral => "MistralError",
        }
    }

    /// Statuses that are described by themselves.
    pub(super) const fn statuses(self, kind: Kind) -> &'static [&'static str] {
        match (kind, self) {
            // An empty balance: OpenAI's clients would try a 402 again.
            (Kind::Call(_), Self::Openai) => &["400", "401", "403", "404", "409", "429", "503"],
            (Kind::Call(_), Self::Anthropic) => {
                &["400", "401", "402", "403", "404", "409", "429", "529"]
            }
            (Kind::Call(_), Self::Mistral) => {
                &["400", "401", "402", "403", "404", "409", "429", "503"]
            }
            _ => &["400", "401", "403", "404"],
        }
    }

    pub(super) fn response(self, status: &str) -> Value {
        let about = match status {
            "400" => "Invalid",
            "401" => "Unauthenticated",
            "402" => "NoFunds",
            "403" => "Forbidden",
            "404" => "NotFound",
            "409" => "Conflict",
            "429" => "Limited",
            "503" | "529" => "Unavailable",
            _ => "Failure",
        };
        let dialect = self.name().trim_end_matches("Error");
        json!({ "$ref": format!("#/components/responses/{dialect}{about}") })
    }
}

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let openai = object(
        &["message", "type"],
        vec![
            ("message", text("The cause and the next step.")),
            ("type", text("The class of error.")),
            ("param", or_null(text("The field at fault."))),
            ("code", or_null(text("What a program may act on."))),
        ],
    );
    let anthropic = object(
        &["type", "message"],
        vec![
            ("type", text("The class of error.")),
            ("message", text("The cause and the next step.")),
        ],
    );
    vec![
        ("OpenaiError", object(&["error"], vec![("error", openai)])),
        (
            "AnthropicError",
            object(
                &["type", "error"],
                vec![
                    ("type", always("error")),
                    ("error", anthropic),
                    ("request_id", text("The id of the call.")),
                ],
            ),
        ),
        (
            "MistralError",
            object(
                &["object", "message", "type"],
                vec![
                    ("object", one_of(&["error"], "Always `error`.")),
                    ("message", text("The cause and the next step.")),
                    ("type", text("The class of error.")),
                    ("param", or_null(text("The field at fault."))),
                    ("code", or_null(text("What a program may act on."))),
                ],
            ),
        ),
    ]
}

pub(super) fn responses() -> Value {
    let kinds = [
        (
            "Invalid",
            "The request is malformed, or asks for what cannot be.",
        ),
        ("Unauthenticated", "No key, or one that is not good."),
        (
            "NoFunds",
            "The balance or the key's budget does not pay for the call.",
        ),
        ("Forbidden", "The key may not do this."),
        ("NotFound", "There is no such thing, model or route."),
        (
            "Conflict",
            "An `Idempotency-Key` is in use, or was used for something else.",
        ),
        (
            "Limited",
            "A limit of the key, of every provider, or of the balance; `retry-after` says when to come again.",
        ),
        ("Unavailable", "Nobody can take the call now."),
        ("Failure", "Any other failure, in the same shape."),
    ];
    let mut all = Map::new();
    for envelope in [Envelope::Openai, Envelope::Anthropic, Envelope::Mistral] {
        let dialect = envelope.name().trim_end_matches("Error");
        for (kind, about) in kinds {
            let mut names = OF_ALL.to_vec();
            if ["Limited", "Unavailable", "NoFunds", "Conflict"].contains(&kind) {
                names.push("retry-after");
            }
            let content = json!({ "application/json": { "schema": reference(envelope.name()) } });
            let response =
                json!({ "description": about, "headers": named(&names), "content": content });
            // OpenAI's routes have no 402.
            if !(kind == "NoFunds" && envelope == Envelope::Openai) {
                all.insert(format!("{dialect}{kind}"), response);
            }
        }
    }
    all.into()
}

/// References to headers by name.
pub(super) fn named(names: &[&str]) -> Value {
    let each = names.iter().map(|name| {
        let at = format!("#/components/headers/{name}");
        ((*name).to_owned(), json!({ "$ref": at }))
    });
    Value::Object(each.collect())
}

pub(super) fn headers() -> Value {
    let all = [
        (
            "vane-request-id",
            "The id of the call; its receipt is at `/v1/receipts/{id}`.",
        ),
        ("vane-model", "The model that was asked for."),
        ("vane-provider", "Who answered."),
        (
            "vane-cost",
            "US dollars, exact; on whole answers. A stream says it at its end.",
        ),
        (
            "vane-dropped",
            "Names of what could not be carried to this provider, separated by commas.",
        ),
        (
            "vane-balance",
            "What a prepaid account has left, in US dollars.",
        ),
        (
            "vane-budget-remaining",
            "What the key's budget had left when the call began.",
        ),
        (
            "x-ratelimit-remaining-requests",
            "Calls that the key may still make within a minute, where it has a limit. `/v1/messages` says it as Anthropic does.",
        ),
        ("retry-after", "Seconds."),
    ];
    let each = all.map(|(name, about)| {
        let header = json!({ "description": about, "schema": { "type": "string" } });
        (name.to_owned(), header)
    });
    Value::Object(each.into_iter().collect())
}
