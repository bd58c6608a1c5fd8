//! The shape of `/status.json`.

use serde_json::Value;

use super::schema::{always, integer, list, object, one_of, or_null, text};

const STATES: [&str; 4] = ["unknown", "works", "partly", "down"];

pub(super) fn status() -> Value {
    let part = object(
        &["name", "state", "says"],
        vec![
            ("name", text("A part of this server.")),
            ("state", one_of(&STATES, "How it stands.")),
            ("says", text("The same in words.")),
        ],
    );
    object(
        &["object", "at", "providers", "offers", "parts"],
        vec![
            ("object", always("status")),
            ("at", integer("Unix seconds.")),
            (
                "providers",
                list(&provider(), "Those that are switched on."),
            ),
            (
                "offers",
                list(&offer(), "Those that were asked within 30 days."),
            ),
            ("parts", list(&part, "This server's own.")),
        ],
    )
}

fn provider() -> Value {
    let last = object(
        &["kind", "seconds_ago"],
        vec![
            ("kind", text("The kind of fault.")),
            ("seconds_ago", integer("How long ago.")),
        ],
    );
    let days = list(&cell(), "Days of UTC, of 30, in which anybody asked.");
    let lately = object(
        &["spans", "hours", "days"],
        vec![("spans", spans()), ("hours", hours()), ("days", days)],
    );
    object(
        &[
            "id",
            "name",
            "state",
            "says",
            "offers",
            "offers_benched",
            "attempts",
            "faults",
        ],
        vec![
            ("id", text("What it is named by.")),
            ("name", text("What people call it.")),
            (
                "state",
                one_of(&STATES, "`unknown` where nothing was asked."),
            ),
            ("says", text("The same in words.")),
            ("offers", integer("Offers that can be called.")),
            (
                "offers_benched",
                integer("Those that stand at the end of plans."),
            ),
            (
                "attempts",
                integer("By this process, since its configuration was read."),
            ),
            (
                "faults",
                integer("Those that failed by the provider's fault."),
            ),
            ("last_fault", or_null(last)),
            ("lately", or_null(lately)),
        ],
    )
}

fn offer() -> Value {
    object(
        &["id", "model", "provider", "spans", "hours"],
        vec![
            ("id", text("The offer.")),
            ("model", text("The model that it is an offer of.")),
            ("provider", text("What people call its provider.")),
            ("spans", spans()),
            ("hours", hours()),
        ],
    )
}

/// Over all replicas of this server.
fn spans() -> Value {
    let span = || or_null(object(&[], figures()));
    object(
        &["day", "week", "month"],
        vec![("day", span()), ("week", span()), ("month", span())],
    )
}

fn hours() -> Value {
    list(&cell(), "Hours, of the last 24, in which anybody asked.")
}

fn cell() -> Value {
    let mut fields = figures();
    fields.insert(0, ("at", integer("When it began, in unix seconds.")));
    object(&["at"], fields)
}

fn figures() -> Vec<(&'static str, Value)> {
    let measured = |about| or_null(integer(about));
    vec![
        ("attempts", integer("Of all replicas.")),
        (
            "faults",
            integer("Those that failed by the provider's fault."),
        ),
        (
            "answered_per_10_000",
            integer("Attempts that the provider did not fail, of ten thousand."),
        ),
        (
            "first_token_ms_p50",
            measured("Within how long half of the streams began; right to within a quarter."),
        ),
        (
            "first_token_ms_p95",
            measured("Within how long 95 of 100 did."),
        ),
        (
            "tokens_per_second_p50",
            measured("Of half of the answers, from the request to their end."),
        ),
    ]
}
