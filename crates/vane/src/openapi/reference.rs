//! The description of the API as Markdown, for its page.
//!
//! Invariant: it says what the document says, since both are made of the same operations.

use std::fmt::Write;

use serde_json::Value;

use super::operation::Operation;
use super::routes::all;
use super::{TAGS, schemas};

/// What the address of this server is called, here as in every page.
const HERE: &str = "http://127.0.0.1:8787";

const OPENING: &str = "# API reference

Every route of the API. The same as a file for programs: [openapi.json](/openapi.json), OpenAPI 3.1.

All routes but those of health and files for machines want a key, as `Authorization: Bearer sk-vane-...` or as `x-api-key`. Errors have the
shape of the dialect that is spoken: [errors.md](errors.md). What Vane reads and writes in headers: [headers.md](headers.md). Fields of a
dialect that are not listed here pass on to providers that speak it; bodies of Vane's own routes are closed, and a field that is not
known is refused by its name.
";

/// The page.
#[must_use]
pub fn reference() -> String {
    let all = all();
    let schemas = schemas();
    let mut out = OPENING.to_owned();
    for (tag, about) in TAGS {
        out += &format!("\n## {tag}\n\n{about}\n");
        for (path, operations) in &all {
            for one in operations.iter().filter(|one| one.tag == tag) {
                section(&mut out, path, one, &schemas);
            }
        }
    }
    out
}

fn section(out: &mut String, path: &str, one: &Operation, schemas: &Value) {
    let method = &one.method;
    let _ = writeln!(
        out,
        "\n### {method} {path}\n\n{}. {}",
        one.summary, one.about
    );
    if !one.parameters.is_empty() {
        out.push_str("\n| parameter | in | is |\n|---|---|---|\n");
        for parameter in &one.parameters {
            let said = |name: &str| parameter[name].as_str().unwrap_or_default();
            let _ = writeln!(
                out,
                "| `{}` | {} | {} |",
                said("name"),
                said("in"),
                said("description")
            );
        }
    }
    if let Some((schema, example)) = &one.body {
        fields(out, "field", schema);
        let _ = write!(out, "\n```sh\n{}\n```\n", curl(path, one, example));
    }
    let answer = one.answer.as_ref().map(|schema| resolved(schema, schemas));
    if let Some(schema) = answer {
        fields(out, "answer", schema);
    }
    if one.streams() {
        out.push_str("\nWith `\"stream\": true` the answer is a stream of server-sent events in this dialect.\n");
    }
}

fn curl(path: &str, one: &Operation, example: &Value) -> String {
    let method = match one.method.as_str() {
        "POST" => String::new(),
        other => format!(" -X {other}"),
    };
    let path = path.replace("{id}", "ID");
    let body = example.to_string().replace('\'', "'\\''");
    let key = match one.is_open() {
        true => "",
        false => " \\\n  -H \"Authorization: Bearer $VANE_API_KEY\"",
    };
    format!(
        "curl{method} {HERE}{path}{key} \\\n  -H \"Content-Type: application/json\" \\\n  -d '{body}'"
    )
}

fn resolved<'s>(schema: &'s Value, schemas: &'s Value) -> &'s Value {
    let name = schema["$ref"].as_str().and_then(|at| at.rsplit('/').next());
    name.map_or(schema, |name| &schemas[name])
}

/// A table of the members of an object.
fn fields(out: &mut String, of: &str, schema: &Value) {
    let Some(fields) = schema["properties"]
        .as_object()
        .filter(|all| !all.is_empty())
    else {
        return;
    };
    let required = schema["required"].as_array();
    let _ = write!(out, "\n| {of} | type | is |\n|---|---|---|\n");
    for (name, field) in fields {
        let must = required.is_some_and(|all| all.iter().any(|one| one == name)) && of == "field";
        let must = if must { ", required" } else { "" };
        let about = field["description"].as_str().unwrap_or_default();
        let _ = writeln!(out, "| `{name}`{must} | {} | {about} |", kind(field));
    }
}

fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|at| at.rsplit('/').next()) {
        return match name {
            "Usage" | "PartedUsage" => "object".to_owned(),
            name => name.to_owned(),
        };
    }
    if let Some(only) = schema["const"].as_str() {
        return format!("`{only}`");
    }
    match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
            kinds.join(" or ")
        }
        _ => "any".to_owned(),
    }
}
