//! The description of the API as an OpenAPI 3.1 document, made from the routes themselves.
//!
//! Invariants: every row of the router's tables is described or is a page for people, which the
//! compiler sees to, since [`routes::operations`] matches every route; the methods are those that the
//! router takes; a copy in docs/openapi.json is held against what is written here.

mod answers;
mod calls;
mod errors;
mod money;
mod operation;
mod own;
mod reference;
mod routes;
mod schema;
mod status;
#[cfg(test)]
mod tests;

pub use operation::Operation;
pub use reference::reference;
pub use routes::all;

use serde_json::{Map, Value, json};

const ABOUT: &str = "One address and one key for every language model, in the API of OpenAI, Anthropic or Mistral, billed at cost. \
Fields of a dialect that are not described here are passed on to a provider that speaks it, and named in `vane-dropped` where they could not be.";

/// What operations are grouped by, in order, with what each group is for.
pub const TAGS: [(&str, &str); 6] = [
    ("Models", "Which models there are, and what each can do."),
    ("Calls", "Calls of models, in the dialect of the client."),
    (
        "Money",
        "What the account has, what was spent, and credit that is paid for.",
    ),
    ("Account", "The account, its members, and who changed what."),
    ("Keys", "Keys of the account, their budgets and limits."),
    (
        "Operation",
        "Health, metrics and files for machines. No key is needed.",
    ),
];

/// The document for a server at `origin`.
#[must_use]
pub fn document(origin: &str) -> Value {
    let mut paths = Map::new();
    for (path, operations) in all() {
        let described = operations.iter();
        let described = described.map(|one| (one.method.as_str().to_lowercase(), one.document()));
        let entry: Map<String, Value> = described.collect();
        if !entry.is_empty() {
            paths.insert(path, entry.into());
        }
    }
    let tags = TAGS.map(|(name, about)| json!({ "name": name, "description": about }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Vane",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": origin, "description": "This server" }],
        "security": [{ "bearer": [] }, { "x-api-key": [] }],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "`Authorization: Bearer sk-vane-...`" },
                "x-api-key": { "type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same key, as Anthropic's clients send it." },
            },
            "schemas": schemas(),
            "responses": errors::responses(),
            "headers": errors::headers(),
        },
    })
}

/// Schemas that are named: others refer to them.
#[must_use]
pub fn schemas() -> Value {
    let mut all = Map::new();
    for (name, schema) in answers::schemas()
        .into_iter()
        .chain(own::schemas())
        .chain(money::schemas())
        .chain(errors::schemas())
    {
        all.insert(name.to_owned(), schema);
    }
    all.into()
}
