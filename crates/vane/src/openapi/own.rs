//! The account, its members and its keys: bodies are closed, answers may grow.

use serde_json::{Value, json};

use super::schema::{
    always, any, integer, list, object, one_of, or_null, page_of, strict, text, usd,
};

const ROLES: [&str; 4] = ["owner", "admin", "member", "viewer"];

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let cursor = |name| Some((name, or_null(any("For the next page; null on the last."))));
    vec![
        ("Account", account()),
        ("Status", super::status::status()),
        ("Member", member()),
        ("MemberList", page_of("Member", None)),
        ("RemovedMember", removed()),
        ("Change", change()),
        ("ChangeList", page_of("Change", cursor("before"))),
        ("Key", key(vec![])),
        (
            "NewKey",
            key(vec![
                ("key", text("The whole text: it is told once.")),
                (
                    "replaces",
                    text("The id of the key that this one takes the place of."),
                ),
            ]),
        ),
        ("KeyList", page_of("Key", cursor("after"))),
    ]
}

pub(super) fn rename() -> Value {
    strict(&["name"], vec![("name", text("Another name."))])
}

pub(super) fn new_member() -> Value {
    strict(
        &["email", "role"],
        vec![
            ("email", text("An address of mail.")),
            ("role", one_of(&ROLES, "What the member may do.")),
        ],
    )
}

pub(super) fn role() -> Value {
    strict(
        &["role"],
        vec![("role", one_of(&ROLES, "What the member may do."))],
    )
}

pub(super) fn overlap() -> Value {
    let seconds = json!({
        "type": "integer", "minimum": 0, "maximum": 2_592_000,
        "description": "How long the old one goes on working; a day unless said.",
    });
    strict(&[], vec![("overlap_seconds", seconds)])
}

/// A key that is to be made.
pub(super) fn new_key() -> Value {
    let mut fields = terms();
    let nobody = json!({ "type": "null", "description": "Given as null, the key acts for nobody; else for who makes it." });
    fields.push(("member", nobody));
    strict(&["name"], fields)
}

/// What a change may name; null takes a limit away.
pub(super) fn changed_key() -> Value {
    strict(&[], terms())
}

fn terms() -> Vec<(&'static str, Value)> {
    let names = |about: &str| {
        or_null(
            json!({ "type": "array", "items": { "type": "string" }, "maxItems": 1_000, "description": about }),
        )
    };
    let count =
        |about: &str| or_null(json!({ "type": "integer", "minimum": 1, "description": about }));
    let amount = json!({ "type": ["string", "number"], "description": "US dollars above zero, read from their digits." });
    let period = one_of(&["day", "week", "month"], "In UTC; weeks begin on Monday.");
    let budget = strict(
        &["amount", "period"],
        vec![("amount", amount), ("period", period)],
    );
    vec![
        ("name", text("What people call it.")),
        ("budget", or_null(budget)),
        (
            "when_spent",
            or_null(text("The model that answers when the budget does not pay.")),
        ),
        ("requests_per_minute", count("Calls a minute.")),
        (
            "tokens_per_minute",
            count("Tokens a minute, read and written."),
        ),
        ("concurrency", count("Calls at a time.")),
        ("models", names("The only models it may use.")),
        ("providers", names("The only providers that may serve it.")),
        (
            "expires_at",
            count("Unix seconds from which it is refused."),
        ),
    ]
}

fn key(more: Vec<(&'static str, Value)>) -> Value {
    let budget = object(
        &["amount", "period"],
        vec![
            ("amount", usd("The most in a period.")),
            ("period", one_of(&["day", "week", "month"], "In UTC.")),
        ],
    );
    let instant = |about: &str| or_null(integer(about));
    let names = |about: &str| or_null(list(&json!({ "type": "string" }), about));
    let mut fields = vec![
        ("object", always("key")),
        ("id", text("What it is named by.")),
        ("account", text("Whose it is.")),
        ("name", or_null(text("What people call it."))),
        (
            "member",
            or_null(text("The id of the member that it acts for.")),
        ),
        (
            "state",
            one_of(
                &["active", "retiring", "replaced", "expired", "revoked"],
                "Whether it works.",
            ),
        ),
        ("budget", or_null(budget)),
        (
            "when_spent",
            or_null(text("The model that answers when the budget does not pay.")),
        ),
        ("requests_per_minute", instant("Calls a minute.")),
        ("tokens_per_minute", instant("Tokens a minute.")),
        ("concurrency", instant("Calls at a time.")),
        ("models", names("The only models it may use.")),
        ("providers", names("The only providers that may serve it.")),
        ("created_at", integer("Unix seconds.")),
        ("expires_at", instant("Unix seconds.")),
        ("revoked_at", instant("Unix seconds.")),
        (
            "lineage",
            or_null(text(
                "The id of the first of keys that took each other's place.",
            )),
        ),
        (
            "replaced_by",
            or_null(text("The id of the one that took its place.")),
        ),
        ("retires_at", instant("When the rotated key stops working.")),
    ];
    let mut required = vec!["object", "id", "account", "state", "created_at"];
    if !more.is_empty() {
        required.push("key");
    }
    fields.extend(more);
    object(&required, fields)
}

fn account() -> Value {
    let acting = object(
        &["id", "role"],
        vec![
            ("id", text("The member that the key acts for.")),
            ("role", one_of(&ROLES, "What the member may do.")),
        ],
    );
    object(
        &["object", "name", "kind", "created_at"],
        vec![
            ("object", always("account")),
            ("name", text("Its name.")),
            (
                "kind",
                one_of(&["metered", "prepaid"], "Whether a balance is needed."),
            ),
            ("created_at", integer("Unix seconds.")),
            ("member", or_null(acting)),
        ],
    )
}

fn member() -> Value {
    object(
        &["object", "id", "email", "role", "created_at"],
        vec![
            ("object", always("member")),
            ("id", text("What it is named by.")),
            ("email", text("An address of mail.")),
            ("role", one_of(&ROLES, "What the member may do.")),
            ("created_at", integer("Unix seconds.")),
        ],
    )
}

fn removed() -> Value {
    object(
        &["object", "id", "removed"],
        vec![
            ("object", always("member")),
            ("id", text("Who was removed.")),
            ("removed", json!({ "type": "boolean", "const": true })),
        ],
    )
}

fn change() -> Value {
    object(
        &["object", "id", "created_at", "what", "of"],
        vec![
            ("object", always("change")),
            ("id", integer("Counts up.")),
            ("created_at", integer("Unix seconds.")),
            (
                "member",
                or_null(text("Who made it; null is the operator.")),
            ),
            ("email", or_null(text("Of that member."))),
            ("key", or_null(text("The id of the key that asked."))),
            ("what", text("What was done.")),
            ("of", text("To which key or member.")),
            ("detail", any("What was changed, as it was from then on.")),
        ],
    )
}
