//! What the API says of money: credit, usage, receipts and top-ups. Amounts are text.

use serde_json::{Value, json};

use super::schema::{
    always, any, boolean, integer, list, object, one_of, or_null, page_of, strict, text, usd,
};

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("Credits", credits()),
        ("UsageByTime", usage()),
        ("Receipt", receipt()),
        (
            "ReceiptList",
            page_of(
                "Receipt",
                Some((
                    "before",
                    or_null(integer("For the next page; null on the last.")),
                )),
            ),
        ),
        ("Entry", entry()),
        (
            "EntryList",
            page_of(
                "Entry",
                Some((
                    "before",
                    or_null(integer("For the next page; null on the last.")),
                )),
            ),
        ),
        ("TopUp", top_up()),
    ]
}

pub(super) fn ask_top_up() -> Value {
    let amount = json!({
        "type": ["string", "number"],
        "description": "US dollars in whole cents, as text or as a number; it is read from its digits.",
    });
    strict(&["amount"], vec![("amount", amount)])
}

fn entry() -> Value {
    object(
        &[
            "object", "created", "kind", "amount", "balance", "reason", "receipt", "model",
        ],
        vec![
            ("object", always("entry")),
            ("created", integer("Unix seconds.")),
            ("kind", text("`call`, or what kind of credit it is.")),
            ("amount", usd("What was added; below zero, what was taken.")),
            ("balance", usd("What was posted after it.")),
            ("reason", or_null(text("Why, where it is no call."))),
            ("receipt", or_null(text("The id of the call's receipt."))),
            ("model", or_null(text("The model asked for."))),
        ],
    )
}

fn credits() -> Value {
    let budget = object(
        &["amount", "period", "spent", "remaining", "resets_on"],
        vec![
            ("amount", usd("The most in a period.")),
            ("period", one_of(&["day", "week", "month"], "In UTC.")),
            ("spent", usd("Since the period began.")),
            ("remaining", usd("What is left of it.")),
            ("resets_on", text("The day on which it begins anew.")),
        ],
    );
    let key = object(
        &["id", "name"],
        vec![
            ("id", text("The id of the key that asks.")),
            ("name", text("Its name.")),
            ("budget", budget),
        ],
    );
    object(
        &[
            "object",
            "account",
            "kind",
            "currency",
            "balance",
            "held",
            "promotional",
            "frozen",
            "key",
        ],
        vec![
            ("object", always("credits")),
            ("account", text("Its name.")),
            (
                "kind",
                one_of(&["metered", "prepaid"], "Whether a balance is needed."),
            ),
            ("currency", always("USD")),
            ("balance", usd("What there is.")),
            (
                "held",
                usd("What of it is lent to processes for running calls."),
            ),
            ("promotional", usd("The part of it that nobody paid for.")),
            (
                "frozen",
                boolean("Whether calls are refused until the operator has looked."),
            ),
            ("key", key),
        ],
    )
}

fn usage() -> Value {
    let row = object(
        &[
            "calls",
            "input_tokens",
            "cached_tokens",
            "output_tokens",
            "cost",
            "charged",
            "last_hour",
        ],
        vec![
            ("day", text("With `by=day` or `by=day_model`.")),
            ("model", text("With `by=model` or `by=day_model`.")),
            ("key", text("With `by=key`.")),
            ("calls", integer("How many.")),
            ("input_tokens", integer("Cached ones included.")),
            (
                "cached_tokens",
                integer("Those of them that were read from a cache."),
            ),
            ("output_tokens", integer("Reasoning included.")),
            ("cost", usd("What they cost.")),
            ("charged", usd("What the account paid of it.")),
            (
                "last_hour",
                integer("When the last hour with a call began, in Unix seconds."),
            ),
        ],
    );
    let total = object(
        &["calls", "cost", "charged"],
        vec![
            ("calls", integer("How many.")),
            ("cost", usd("What they cost.")),
            ("charged", usd("What the account paid of it.")),
        ],
    );
    object(
        &["object", "from", "until", "by", "data", "total"],
        vec![
            ("object", always("usage")),
            ("from", text("The first day.")),
            ("until", text("The day after the last.")),
            (
                "by",
                one_of(&["day", "model", "key", "day_model"], "What a row is of."),
            ),
            ("data", list(&row, "Rows with calls.")),
            ("total", total),
            ("newest", or_null(newest())),
        ],
    )
}

/// What the newest calls were like.
fn newest() -> Value {
    object(
        &["calls", "failed", "first_content_ms", "took_ms"],
        vec![
            ("calls", integer("How many were looked at.")),
            (
                "failed",
                integer("Those that failed, or were cut off with the process."),
            ),
            (
                "first_content_ms",
                spread("Of those that are done: to their first content."),
            ),
            ("took_ms", spread("Of those that are done: to their end.")),
        ],
    )
}

fn spread(about: &str) -> Value {
    let mut spread = object(
        &["p50", "p95"],
        vec![
            ("p50", integer("Half of them stayed within it.")),
            ("p95", integer("95 of 100 stayed within it.")),
        ],
    );
    spread["description"] = about.into();
    or_null(spread)
}

fn attempt() -> Value {
    let line = object(
        &["bucket", "quantity", "price", "amount"],
        vec![
            (
                "bucket",
                text("What was used: `input`, `cache_read`, `output`, ..."),
            ),
            ("quantity", integer("How much of it.")),
            ("price", usd("Of one.")),
            ("amount", usd("Quantity times price.")),
        ],
    );
    object(
        &[
            "provider", "model", "outcome", "began_ms", "took_ms", "cost", "lines",
        ],
        vec![
            ("provider", text("Who was asked.")),
            ("model", text("For which model.")),
            ("outcome", text("How it ended.")),
            ("fault", or_null(text("Why it failed."))),
            (
                "counted",
                or_null(text("`reported` by the provider, or `bytes/4`.")),
            ),
            ("rate_version", or_null(text("The prices that were used."))),
            (
                "began_ms",
                integer("Milliseconds after the beginning of the call."),
            ),
            (
                "first_content_ms",
                or_null(integer("From its beginning to its first content.")),
            ),
            ("took_ms", integer("From its beginning to its end.")),
            (
                "dropped",
                or_null(text("What was left out of the request, as `vane-dropped`.")),
            ),
            ("cost", usd("Of this attempt.")),
            ("lines", list(&line, "Line by line.")),
        ],
    )
}

fn receipt() -> Value {
    let attempt = attempt();
    object(
        &[
            "object", "id", "created", "key", "model", "status", "cost", "charged", "lost",
            "balance", "stream", "took_ms", "attempts",
        ],
        vec![
            ("object", always("receipt")),
            ("id", text("The call's `vane-request-id`.")),
            ("created", integer("Unix seconds.")),
            ("key", text("The id of the key that called.")),
            ("model", text("What was asked for.")),
            ("status", text("How the call ended.")),
            ("cost", usd("What it cost.")),
            ("charged", usd("What the account paid.")),
            ("lost", usd("What the operator paid.")),
            ("balance", usd("After it.")),
            ("held", or_null(usd("What was set aside for it."))),
            (
                "reported_cost",
                or_null(usd("What the provider says that it cost.")),
            ),
            ("stream", boolean("Whether it was asked for as a stream.")),
            (
                "first_content_ms",
                or_null(integer(
                    "From the beginning of the call to the first content.",
                )),
            ),
            (
                "took_ms",
                integer("How long the call took; as far as is known of one that was interrupted."),
            ),
            (
                "attempts",
                list(&attempt, "In the order in which they were made."),
            ),
        ],
    )
}

fn top_up() -> Value {
    object(
        &[
            "object", "id", "status", "currency", "amount", "fee", "total", "created",
        ],
        vec![
            ("object", always("top_up")),
            ("id", text("For asking again.")),
            (
                "status",
                one_of(&["open", "paid", "failed", "expired"], "How it stands."),
            ),
            ("currency", always("USD")),
            ("amount", usd("The credit.")),
            ("fee", usd("On top of it.")),
            ("total", usd("What is paid.")),
            ("url", or_null(text("Where it is paid, while it is open."))),
            ("created", integer("Unix seconds.")),
        ],
    )
}

/// The catalogue as a file.
pub(super) fn models_file() -> Value {
    object(
        &["as_of", "currency", "models"],
        vec![
            ("as_of", text("The day of the catalogue.")),
            ("currency", always("USD")),
            (
                "models",
                list(&any("A model with its offers and their prices."), "By id."),
            ),
        ],
    )
}
