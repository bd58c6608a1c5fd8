//! Schemas that an answer cannot be held to.

use serde_json::json;

use crate::grammar::Grammar;

#[test]
fn what_is_not_supported_is_refused_by_name_and_place() {
    let rows = [
        (
            json!({"type": "object", "properties": {"a/b": {"type": "string", "pattern": "(?=x)"}}}),
            "#/properties/a~1b/pattern",
        ),
        (
            json!({"type": "array", "items": {"not": {}}}),
            "#/items/not",
        ),
        (json!({"oneOf": [{}, {}]}), "#/oneOf"),
        (json!({"anyOf": [{}], "type": "object"}), "#/type"),
        (
            json!({"type": "object", "patternProperties": {}}),
            "#/patternProperties",
        ),
        (
            json!({"type": "object", "minProperties": 1}),
            "`minProperties`",
        ),
        (json!({"type": "integer", "multipleOf": 0}), "#/multipleOf"),
        (json!({"multipleOf": -2}), "#/multipleOf"),
        (json!({"multipleOf": "2"}), "#/multipleOf"),
        (json!({"multipleOf": 0.000_000_1}), "#/multipleOf"),
        (json!({"multipleOf": 1e16}), "#/multipleOf"),
        (
            json!({"type": "integer", "multipleOf": 7, "minimum": 1, "maximum": 6}),
            "no value",
        ),
        (
            json!({"type": ["null", "string"], "pattern": "\\bx"}),
            "#/pattern",
        ),
        (json!({"pattern": 1}), "#/pattern"),
        (json!({"pattern": "^a{3}$", "maxLength": 2}), "no value"),
        (json!({"pattern": "a^"}), "no value"),
        (json!({"enum": ["x"], "pattern": "^x"}), "#/pattern"),
        (json!({"type": "string", "format": "date"}), "#/format"),
        (json!({"format": "email"}), "#/format"),
        (json!({"type": "integer", "format": "date"}), "#/format"),
        (json!({"type": "number", "format": "int32"}), "#/format"),
        (json!({"type": "text"}), "#/type"),
        (json!({"$ref": "other.json"}), "#/$ref"),
        (json!({"$ref": "#/$defs/none"}), "points nowhere"),
        (json!({"$ref": "#"}), "no value"),
        (
            json!({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}),
            "no value",
        ),
        (
            json!({"type": "integer", "minimum": 2, "maximum": 1}),
            "no value",
        ),
        (
            json!({"type": "object", "required": ["a"], "additionalProperties": false}),
            "#/required",
        ),
        (
            json!({"type": "string", "minLength": 3, "maxLength": 2}),
            "#/maxLength",
        ),
        (json!({"type": "array", "items": [{}]}), "#/items"),
        (json!([]), "a schema is an object"),
    ];
    for (schema, expected) in rows {
        let fault = Grammar::of_schema(&schema.to_string())
            .unwrap_err()
            .to_string();
        assert!(fault.contains(expected), "{schema}: {fault}");
    }
    assert!(Grammar::of_schema("{").is_err());
}
