//! JSON Schemas in few words. Invariant: every field says what it is.

use serde_json::{Map, Value, json};

pub(super) fn text(about: &str) -> Value {
    json!({ "type": "string", "description": about })
}

pub(super) fn one_of(values: &[&str], about: &str) -> Value {
    json!({ "type": "string", "enum": values, "description": about })
}

/// Always this text.
pub(super) fn always(value: &str) -> Value {
    json!({ "type": "string", "const": value })
}

pub(super) fn integer(about: &str) -> Value {
    json!({ "type": "integer", "minimum": 0, "description": about })
}

pub(super) fn number(about: &str) -> Value {
    json!({ "type": "number", "description": about })
}

pub(super) fn boolean(about: &str) -> Value {
    json!({ "type": "boolean", "description": about })
}

pub(super) fn list(of: &Value, about: &str) -> Value {
    json!({ "type": "array", "items": of, "description": about })
}

/// US dollars as text.
pub(super) fn usd(about: &str) -> Value {
    json!({ "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$", "description": about })
}

/// Anything at all: another dialect's business.
pub(super) fn any(about: &str) -> Value {
    json!({ "description": about })
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The same, or null.
pub(super) fn or_null(mut schema: Value) -> Value {
    let Some(kind) = schema.get("type").cloned() else {
        return json!({ "anyOf": [schema, { "type": "null" }] });
    };
    schema["type"] = json!([kind, "null"]);
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        values.push(Value::Null);
    }
    schema
}

/// An object; whoever reads it ignores what it does not know.
pub(super) fn object(required: &[&str], fields: Vec<(&str, Value)>) -> Value {
    let fields: Map<String, Value> = fields
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect();
    let mut schema = json!({ "type": "object", "properties": fields });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// An object of which every field is known: another one is refused by its name.
pub(super) fn strict(required: &[&str], fields: Vec<(&str, Value)>) -> Value {
    let mut schema = object(required, fields);
    schema["additionalProperties"] = false.into();
    schema
}

/// An object of a dialect, whose further fields go to the provider.
pub(super) fn open(required: &[&str], fields: Vec<(&str, Value)>) -> Value {
    let mut schema = object(required, fields);
    schema["additionalProperties"] = true.into();
    schema
}

/// A page of things of one kind.
pub(super) fn page_of(name: &str, cursor: Option<(&str, Value)>) -> Value {
    let mut fields = vec![
        ("object", always("list")),
        ("data", list(&reference(name), "What there is.")),
    ];
    fields.extend(cursor);
    object(&["object", "data"], fields)
}
