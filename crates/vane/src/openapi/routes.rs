//! Which operations stand behind each route.
//!
//! Invariant: every route is matched by name, so that a new one does not compile until it is
//! described here, or said to be a page for people.

use http::Method;
use serde_json::json;
use vane_dialect::Dialect;

use super::errors::Envelope;
use super::operation::{Kind, Operation};
use super::schema::{integer, one_of, or_null, reference, text};
use super::{calls, money, own};
use crate::api::Page;
use crate::relay::Door;
use crate::router::{PREFIXES, ROUTES, Route};
use crate::site;

const IDEMPOTENT: &str = "A repeat within 24 hours runs nothing again.";

/// Every path, as OpenAPI writes it, with its operations; pages for people have none.
#[must_use]
pub fn all() -> Vec<(String, Vec<Operation>)> {
    let exact = ROUTES.iter();
    let exact = exact.map(|(path, route)| ((*path).to_owned(), operations(*route)));
    let varied = PREFIXES.iter().map(|(prefix, suffix, route)| {
        let path = format!("{prefix}{{id}}{suffix}");
        (path, operations(*route))
    });
    exact.chain(varied).collect()
}

/// What a route takes and answers.
fn operations(route: Route) -> Vec<Operation> {
    match route {
        Route::Call(door) => vec![call(door)],
        Route::Count(door) => vec![count(door)],
        Route::Models(door) => vec![models(door)],
        Route::Model(door) => vec![model(door)],
        Route::Api(page, _) => api(page),
        Route::Webhook(_) => vec![webhook()],
        Route::Live => vec![health("live", "Whether the process runs")],
        Route::Ready => vec![health("ready", "Whether calls can be taken now")],
        Route::Metrics => vec![
            operation(
                Method::GET,
                "Operation",
                "metrics",
                "Counters for Prometheus",
            )
            .about("For callers on loopback, unless `metrics_public` is set.")
            .of(Kind::Open),
        ],
        Route::People(_) => Vec::new(),
        Route::Site(page) => files(page),
        // Only pages of this server may ask there: nothing for programs.
        Route::Play(_) | Route::PlayReceipt => Vec::new(),
    }
}

fn operation(
    method: Method,
    tag: &'static str,
    id: &'static str,
    summary: &'static str,
) -> Operation {
    Operation::new(method, tag, id, summary)
}

/// Mistral's routes have the names of the others with a prefix.
fn is_mistrals(door: Door) -> bool {
    door.route.starts_with("/mistral/")
        || matches!(
            door.dialect,
            Dialect::MistralChat | Dialect::MistralEmbeddings
        )
}

fn call(door: Door) -> Operation {
    let strictly = is_mistrals(door);
    let (id, summary, body, example, answer) = match door.dialect {
        Dialect::OpenaiChat | Dialect::MistralChat => (
            if strictly { "mistralChat" } else { "chat" },
            if strictly {
                "Chat, in Mistral's dialect to the letter"
            } else {
                "Chat"
            },
            calls::chat(),
            json!({ "model": "codestral-latest", "messages": [{ "role": "user", "content": "Hello" }] }),
            "ChatAnswer",
        ),
        Dialect::OpenaiCompletions => (
            "complete",
            "Completion, also between a prefix and a suffix",
            calls::completions(),
            json!({ "model": "codestral-latest", "prompt": "def add(a, b):\n", "suffix": "\nprint(add(1, 2))", "max_tokens": 64 }),
            "CompletionAnswer",
        ),
        Dialect::MistralFim => (
            if strictly { "mistralFim" } else { "fim" },
            if strictly {
                "Fill in the middle, at Mistral's own path"
            } else {
                "Fill in the middle"
            },
            calls::fim(),
            json!({ "model": "codestral-latest", "prompt": "def add(a, b):\n", "suffix": "\nprint(add(1, 2))", "max_tokens": 64 }),
            "ChatAnswer",
        ),
        Dialect::OpenaiResponses => (
            "respond",
            "A response, in OpenAI's newer dialect",
            calls::responses(),
            json!({ "model": "codestral-latest", "input": "Hello" }),
            "ResponsesAnswer",
        ),
        Dialect::AnthropicMessages => (
            "message",
            "A message, in Anthropic's dialect",
            calls::messages(),
            json!({ "model": "codestral-latest", "max_tokens": 200, "messages": [{ "role": "user", "content": "Hello" }] }),
            "MessagesAnswer",
        ),
        Dialect::OpenaiEmbeddings | Dialect::MistralEmbeddings | Dialect::LlamaInfill => (
            if strictly { "mistralEmbed" } else { "embed" },
            if strictly {
                "Embeddings, in Mistral's dialect"
            } else {
                "Embeddings"
            },
            calls::embeddings(),
            json!({ "model": "codestral-embed", "input": "def add(a, b)" }),
            "EmbeddingsAnswer",
        ),
    };
    operation(Method::POST, "Calls", id, summary)
        .of(Kind::Call(envelope(door)))
        .heeds(
            "vane-strict",
            "`true`: refuse instead of dropping what the provider cannot be told.",
        )
        .heeds("Idempotency-Key", IDEMPOTENT)
        .takes(body, example)
        .answers(reference(answer))
}

const fn envelope(door: Door) -> Envelope {
    match door.dialect {
        Dialect::AnthropicMessages => Envelope::Anthropic,
        Dialect::MistralChat | Dialect::MistralFim | Dialect::MistralEmbeddings => {
            Envelope::Mistral
        }
        Dialect::OpenaiChat
        | Dialect::OpenaiCompletions
        | Dialect::OpenaiResponses
        | Dialect::OpenaiEmbeddings
        | Dialect::LlamaInfill => Envelope::Openai,
    }
}

fn count(door: Door) -> Operation {
    let about = "The provider's own count where it has one, else an estimate on the high side. Nothing is billed.";
    let counts = match door.dialect {
        Dialect::AnthropicMessages => operation(
            Method::POST,
            "Calls",
            "countMessage",
            "Count the input of a message",
        )
        .takes(
            calls::messages(),
            json!({ "model": "codestral-latest", "messages": [{ "role": "user", "content": "Hello" }] }),
        ),
        _ => operation(
            Method::POST,
            "Calls",
            "countResponse",
            "Count the input of a response",
        )
        .takes(
            calls::responses(),
            json!({ "model": "codestral-latest", "input": "Hello" }),
        ),
    };
    counts
        .about(about)
        .of(Kind::Keyed(envelope(door)))
        .answers(reference("TokenCount"))
}

fn models(door: Door) -> Operation {
    let id = if is_mistrals(door) {
        "mistralModels"
    } else {
        "models"
    };
    operation(
        Method::GET,
        "Models",
        id,
        "The models that this key can call",
    )
    .about("In a shape that the clients of OpenAI, Anthropic and Mistral read.")
    .of(Kind::Keyed(envelope(door)))
    .asks("limit", &integer("How many at most."))
    .asks("after_id", &text("Those after this one."))
    .answers(reference("ModelList"))
}

fn model(door: Door) -> Operation {
    let id = if is_mistrals(door) {
        "mistralModel"
    } else {
        "model"
    };
    operation(Method::GET, "Models", id, "One model")
        .of(Kind::Keyed(envelope(door)))
        .at("id", "The id of a model, or any name it goes by.")
        .answers(reference("Model"))
}

fn webhook() -> Operation {
    let event = super::schema::open(
        &["id", "type"],
        vec![("id", text("The event.")), ("type", text("What happened."))],
    );
    let told = super::schema::any("What became of it.");
    operation(
        Method::POST,
        "Operation",
        "stripe",
        "What Stripe has to say",
    )
    .about("Signed by Stripe, in `stripe-signature`. See the page about payments.")
    .of(Kind::Signed)
    .takes(event, json!({ "id": "evt_1", "type": "ping" }))
    .answers(told)
}

fn health(id: &'static str, summary: &'static str) -> Operation {
    let status = super::schema::object(
        &["status"],
        vec![(
            "status",
            text("`live`, `ready`, or what is wrong; then with the status 503."),
        )],
    );
    operation(Method::GET, "Operation", id, summary)
        .of(Kind::Open)
        .answers(status)
}

/// Pages that are data. All others are for people.
fn files(page: site::Page) -> Vec<Operation> {
    use site::Page;
    let file = |id, summary| operation(Method::GET, "Operation", id, summary).of(Kind::Open);
    match page {
        Page::ModelsJson => {
            vec![file("catalogue", "The catalogue with all prices").answers(money::models_file())]
        }
        Page::OpenApi => vec![
            file("openapi", "This document").answers(super::schema::open(
                &["openapi", "paths"],
                vec![
                    ("openapi", text("`3.1.0`.")),
                    ("paths", super::schema::any("Every route.")),
                ],
            )),
        ],
        Page::StatusJson => {
            vec![file("status", "What works now").answers(reference("Status"))]
        }
        Page::Home
        | Page::HomeTwin
        | Page::Models
        | Page::ModelsTwin
        | Page::Model
        | Page::Maker
        | Page::Provider
        | Page::Compare
        | Page::Playground
        | Page::Docs
        | Page::DocsTwin
        | Page::DocsChapter
        | Page::UseCase
        | Page::DocsSearch
        | Page::Status
        | Page::StatusTwin
        | Page::StatusFeed
        | Page::Robots
        | Page::Sitemap
        | Page::Llms
        | Page::LlmsFull
        | Page::Asset
        | Page::Favicon => Vec::new(),
    }
}

fn api(page: Page) -> Vec<Operation> {
    match page {
        Page::Credits => vec![
            operation(Method::GET, "Money", "credits", "What the account has")
                .about("And what the key that asks may still spend, if it has a budget.")
                .answers(reference("Credits")),
        ],
        Page::Entries => vec![
            operation(
                Method::GET,
                "Money",
                "entries",
                "All that changed the balance, the newest first",
            )
            .asks("limit", &integer("1 to 1,000; 20 unless said."))
            .asks("before", &integer("That of the page before."))
            .answers(reference("EntryList")),
        ],
        Page::Usage => vec![usage()],
        Page::Receipts => vec![
            operation(
                Method::GET,
                "Money",
                "receipts",
                "Receipts, the newest first",
            )
            .asks("limit", &integer("1 to 100; 20 unless said."))
            .asks("before", &integer("That of the page before."))
            .answers(reference("ReceiptList")),
        ],
        Page::Receipt => vec![
            operation(Method::GET, "Money", "receipt", "One receipt, line by line")
                .at("id", "The call's `vane-request-id`.")
                .answers(reference("Receipt")),
        ],
        Page::TopUps => vec![
            operation(Method::POST, "Money", "topUp", "Begin to pay for credit")
                .about("Where payments are on. Send the payer to `url`.")
                .heeds("Idempotency-Key", IDEMPOTENT)
                .takes(money::ask_top_up(), json!({ "amount": "25" }))
                .answers(reference("TopUp")),
        ],
        Page::TopUp => vec![
            operation(Method::GET, "Money", "showTopUp", "How a top-up stands")
                .at("id", "That of the answer that began it.")
                .answers(reference("TopUp")),
        ],
        Page::Account | Page::Changes => account(page),
        Page::Keys | Page::Key | Page::Rotation => keys(page),
        Page::Members | Page::Member => members(page),
    }
}

fn usage() -> Operation {
    operation(Method::GET, "Money", "usage", "What was used and spent")
        .about("From the first of the month to now, by day, unless asked otherwise.")
        .asks("from", &text("The first day, such as 2026-11-01, in UTC."))
        .asks("until", &text("The day after the last."))
        .asks(
            "by",
            &one_of(&["day", "model", "key", "day_model"], "What a row is of."),
        )
        .asks("key", &text("Only calls of this key."))
        .asks(
            "newest",
            &integer("1 to 1,000: what so many of the account's newest calls were like, as far as they are of these days."),
        )
        .answers(reference("UsageByTime"))
}

fn account(page: Page) -> Vec<Operation> {
    match page {
        Page::Changes => vec![
            operation(
                Method::GET,
                "Account",
                "changes",
                "Who changed what, newest first",
            )
            .asks("limit", &integer("1 to 100; 20 unless said."))
            .asks("before", &integer("That of the page before."))
            .answers(reference("ChangeList")),
        ],
        _ => vec![
            operation(
                Method::GET,
                "Account",
                "account",
                "The account, and who asks",
            )
            .answers(reference("Account")),
            operation(
                Method::PATCH,
                "Account",
                "renameAccount",
                "Rename the account",
            )
            .takes(own::rename(), json!({ "name": "crew" }))
            .answers(reference("Account")),
        ],
    }
}

fn keys(page: Page) -> Vec<Operation> {
    let id = "The id of a key.";
    match page {
        Page::Rotation => vec![
            operation(Method::POST, "Keys", "rotateKey", "Give a key another secret")
                .about("The one before it goes on working for the overlap.")
                .at("id", id)
                .takes(own::overlap(), json!({ "overlap_seconds": 3600 }))
                .answers(reference("NewKey")),
        ],
        Page::Key => vec![
            operation(Method::GET, "Keys", "showKey", "One key")
                .at("id", id)
                .answers(reference("Key")),
            operation(Method::PATCH, "Keys", "changeKey", "Change a key")
                .about("What is not named stays; null takes a limit away.")
                .at("id", id)
                .takes(own::changed_key(), json!({ "requests_per_minute": 60, "budget": null }))
                .answers(reference("Key")),
            operation(Method::DELETE, "Keys", "endKey", "End a key")
                .at("id", id)
                .answers(reference("Key")),
        ],
        _ => vec![
            operation(Method::GET, "Keys", "keys", "The keys of the account, oldest first")
                .asks("limit", &integer("1 to 1,000; 100 unless said."))
                .asks("after", &or_null(text("That of the page before.")))
                .answers(reference("KeyList")),
            operation(Method::POST, "Keys", "makeKey", "Make a key")
                .about("Its text is in this answer and nowhere else.")
                .heeds("Idempotency-Key", IDEMPOTENT)
                .takes(
                    own::new_key(),
                    json!({ "name": "laptop", "budget": { "amount": "5", "period": "day" }, "models": ["codestral-latest"] }),
                )
                .answers(reference("NewKey")),
        ],
    }
}

fn members(page: Page) -> Vec<Operation> {
    let id = "The id of a member.";
    match page {
        Page::Member => vec![
            operation(
                Method::PATCH,
                "Account",
                "changeMember",
                "Give a member another role",
            )
            .at("id", id)
            .takes(own::role(), json!({ "role": "admin" }))
            .answers(reference("Member")),
            operation(Method::DELETE, "Account", "removeMember", "Remove a member")
                .about("All keys that act for the member end with it.")
                .at("id", id)
                .answers(reference("RemovedMember")),
        ],
        _ => vec![
            operation(
                Method::GET,
                "Account",
                "members",
                "The members of the account",
            )
            .answers(reference("MemberList")),
            operation(Method::POST, "Account", "addMember", "Add a member")
                .takes(
                    own::new_member(),
                    json!({ "email": "bob@example.com", "role": "viewer" }),
                )
                .answers(reference("Member")),
        ],
    }
}
