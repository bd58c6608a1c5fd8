//! A checker for the part of JSON Schema that our descriptions use. What it does not know is a
//! fault, so that no part of a schema goes unchecked.

use serde_json::Value;

const KNOWN: [&str; 15] = [
    "type",
    "const",
    "enum",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "anyOf",
    "$ref",
    "minimum",
    "maximum",
    "maxItems",
    "minItems",
    "pattern",
    "description",
];

/// Why `value` is not what `schema` says, or nothing. References are looked up in `document`.
pub(crate) fn fault(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    let unknown = schema.as_object()?.keys();
    let mut unknown = unknown.filter(|name| !KNOWN.contains(&name.as_str()));
    if let Some(name) = unknown.next() {
        return Some(format!("the checker does not know `{name}`"));
    }
    if let Some(to) = schema["$ref"].as_str() {
        let target = document.pointer(to.strip_prefix('#')?);
        return fault(
            document,
            target.expect("a reference leads somewhere"),
            value,
        );
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let faults: Option<Vec<String>> =
            any.iter().map(|one| fault(document, one, value)).collect();
        return faults.map(|all| all.join(" and "));
    }
    let differs = |what: &str| Some(format!("{value} is not {what}"));
    match &schema["type"] {
        Value::String(kind) if !is(value, kind) => return differs(kind),
        Value::Array(kinds) if !kinds.iter().any(|kind| is(value, kind.as_str().unwrap())) => {
            return differs(&schema["type"].to_string());
        }
        _ => {}
    }
    if schema.get("const").is_some_and(|only| only != value) {
        return differs(&schema["const"].to_string());
    }
    let among = |all: &Value| all.as_array().unwrap().contains(value);
    if schema.get("enum").is_some_and(|all| !among(all)) {
        return differs(&schema["enum"].to_string());
    }
    if schema["minimum"]
        .as_i64()
        .is_some_and(|least| value.as_i64().is_some_and(|n| n < least))
    {
        return differs("large enough");
    }
    // The one pattern there is: plain dollars.
    let digits = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'))
    };
    if schema.get("pattern").is_some() && value.as_str().is_some_and(|text| !digits(text)) {
        return differs("dollars");
    }
    inside(document, schema, value)
}

/// Faults of what an object or a list holds.
fn inside(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(items) = value.as_array().filter(|_| schema.get("items").is_some()) {
        let mut faults = items
            .iter()
            .map(|item| fault(document, &schema["items"], item));
        return faults.find_map(|found| found);
    }
    let members = value.as_object()?;
    for name in schema["required"].as_array().into_iter().flatten() {
        if !members.contains_key(name.as_str().unwrap()) {
            return Some(format!("{name} is missing in {value}"));
        }
    }
    for (name, member) in members {
        match schema["properties"].get(name) {
            Some(of) => {
                if let Some(found) = fault(document, of, member) {
                    return Some(format!("{name}: {found}"));
                }
            }
            None if schema["additionalProperties"] == false => {
                return Some(format!("`{name}` is no field"));
            }
            None => {}
        }
    }
    None
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("the checker does not know the type {other}"),
    }
}

#[test]
fn what_differs_is_found() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": {
            "a": { "type": ["integer", "null"], "minimum": 0 },
            "b": { "type": "array", "items": { "enum": ["x"] } },
        },
    });
    for (value, good) in [
        (r#"{"a":1}"#, true),
        (r#"{"a":null,"b":["x","x"]}"#, true),
        (r#"{"a":-1}"#, false),
        (r#"{"a":1.5}"#, false),
        (r#"{}"#, false),
        (r#"{"a":1,"c":2}"#, false),
        (r#"{"a":1,"b":["y"]}"#, false),
        ("[]", false),
    ] {
        let parsed = serde_json::from_str(value).unwrap();
        assert_eq!(
            fault(&Value::Null, &schema, &parsed).is_none(),
            good,
            "{value}"
        );
    }
}
