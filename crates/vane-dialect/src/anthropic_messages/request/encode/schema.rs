//! JSON Schemas in the subset that Anthropic holds an answer or a strict tool to (T7).
//!
//! A bound it does not know is a 400, so it is told in the `description` instead, as Anthropic's own
//! SDKs do. Only keywords are touched, never a property that happens to be named like one. A schema
//! that fits already comes out byte-identical.

use crate::anthropic_messages::wire::{Members, list};
use crate::json::{self, Object, Path, Str};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What stands deeper is left as it is: no body that came in nests so deep.
const DEPTH_MAX: usize = 128;

/// Keywords that may stay whatever they say.
const KNOWN: [&str; 14] = [
    "$defs",
    "$id",
    "$ref",
    "$schema",
    "allOf",
    "anyOf",
    "const",
    "default",
    "definitions",
    "description",
    "enum",
    "required",
    "title",
    "type",
];

/// All that may stand beside a reference.
const BESIDE_REF: [&str; 5] = ["$defs", "$id", "$ref", "$schema", "definitions"];

const FORMATS: [&str; 10] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "time",
    "uri",
    "uuid",
];

/// What no regular expression may have: it looks around, knows words, or points back.
const PATTERNS_LOST: [&str; 6] = ["(?=", "(?!", "(?<", r"\\b", r"\\B", r"\\1"];

/// Keywords that say nothing of what is valid.
const REMARKS: [&str; 5] = [
    "$comment",
    "deprecated",
    "examples",
    "readOnly",
    "writeOnly",
];

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fitted<'a> {
    pub(super) schema: Cow<'a, str>,
    /// Whether an answer may now be one that the author ruled out, or can no longer be one that the
    /// author had in mind.
    pub(super) lossy: bool,
}

impl Fitted<'_> {
    /// Whether the schema is its author's to the last byte.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.schema, Cow::Borrowed(_))
    }
}

pub(super) fn fit(schema: &str) -> Fitted<'_> {
    let mut fitting = Fitting::default();
    let mut out = Vec::with_capacity(schema.len());
    if let Ok(raw) = serde_json::from_str(schema) {
        fitting.schema(raw, 0, &mut out);
    }
    let fitted = match String::from_utf8(out) {
        Ok(fitted) if fitting.changed => Cow::Owned(fitted),
        Ok(_) | Err(_) => Cow::Borrowed(schema),
    };
    Fitted {
        schema: fitted,
        lossy: fitting.lossy,
    }
}

#[derive(Default)]
struct Fitting {
    changed: bool,
    lossy: bool,
}

impl Fitting {
    fn schema(&mut self, raw: &RawValue, depth: usize, out: &mut Vec<u8>) {
        let object = match Object::read(raw, &Path::Root) {
            Ok(object) if depth < DEPTH_MAX => object,
            Ok(_) | Err(_) => return out.extend_from_slice(raw.get().as_bytes()),
        };
        let is_object = is_object(&object);
        let refers = object.peek("$ref").is_some();
        let mut told = self.told(&object, refers);
        let closed = object.peek("additionalProperties");
        if is_object && closed.is_none_or(|raw| raw.get() != "false") {
            self.close(&object);
        }
        let mut members = Members::open(out);
        for (name, raw) in object.rest() {
            match name.as_ref() {
                name if refers && !BESIDE_REF.contains(&name) => self.changed = true,
                "$defs" | "definitions" | "properties" => {
                    self.each(raw, depth, members.key(&name));
                }
                "items" if raw.get().starts_with('{') => {
                    self.schema(raw, depth + 1, members.key("items"));
                }
                "allOf" | "anyOf" => self.list(raw, depth, members.key(&name)),
                "oneOf" => {
                    self.changed = true;
                    self.list(raw, depth, members.key("anyOf"));
                }
                "additionalProperties" if is_object => {}
                "description" if !told.is_empty() => {
                    let said: Str<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
                    members.text("description", &format!("{}\n\n{told}", said.0));
                    told.clear();
                }
                name if is_lost(name, raw) => {}
                name => members.raw(name, raw.get()),
            }
        }
        if !told.is_empty() {
            members.text("description", &told);
        }
        if is_object {
            members.raw("additionalProperties", "false");
        }
        members.close();
    }

    /// What of the schema cannot be enforced, in words for the model.
    fn told(&mut self, object: &Object<'_>, refers: bool) -> String {
        let mut told = String::new();
        for name in object.names() {
            let Some(raw) = object.peek(name).filter(|raw| is_lost(name, raw)) else {
                continue;
            };
            self.changed = true;
            self.lossy |= !REMARKS.contains(&name);
            // Beside a reference nothing can be told.
            if !refers {
                let joint = if told.is_empty() { "" } else { ", " };
                told.push_str(joint);
                told.push_str(name);
                told.push_str(": ");
                told.push_str(raw.get());
            }
        }
        told
    }

    /// Objects must be closed. One whose members have no names can then only be empty.
    fn close(&mut self, object: &Object<'_>) {
        self.changed = true;
        let more = object.peek("additionalProperties");
        let is_map = more.is_some_and(|raw| raw.get().starts_with('{'));
        self.lossy |= is_map || object.peek("properties").is_none();
    }

    /// Schemas by name.
    fn each(&mut self, raw: &RawValue, depth: usize, out: &mut Vec<u8>) {
        let Ok(object) = Object::read(raw, &Path::Root) else {
            return out.extend_from_slice(raw.get().as_bytes());
        };
        let mut members = Members::open(out);
        for (name, raw) in object.rest() {
            self.schema(raw, depth + 1, members.key(&name));
        }
        members.close();
    }

    fn list(&mut self, raw: &RawValue, depth: usize, out: &mut Vec<u8>) {
        match json::read::<Vec<&RawValue>>(raw, &Path::Root) {
            Ok(schemas) => list(out, schemas, |out, raw| self.schema(raw, depth + 1, out)),
            Err(_) => out.extend_from_slice(raw.get().as_bytes()),
        }
    }
}

fn is_object(object: &Object<'_>) -> bool {
    match object.peek("type") {
        Some(raw) => raw.get().contains("\"object\""),
        None => object.peek("properties").is_some(),
    }
}

/// Whether a keyword is refused.
fn is_lost(name: &str, raw: &RawValue) -> bool {
    let text = raw.get();
    match name {
        "format" => !FORMATS.contains(&text.trim_matches('"')),
        "items" => !text.starts_with('{'),
        "minItems" => !matches!(text, "0" | "1"),
        "pattern" => PATTERNS_LOST.iter().any(|odd| text.contains(odd)),
        "additionalProperties" | "oneOf" | "properties" => false,
        name => !KNOWN.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn t7_a_schema_that_anthropic_takes_is_byte_identical() {
        for schema in [
            r#"{ "type":"object", "properties":{"minimum":{"type":"integer"},"maxItems":{"type":["string","null"]}},"required":["minimum"], "additionalProperties" : false }"#,
            r##"{"$schema":"x","$ref":"#/$defs/a","$defs":{"a":{"type":"array","items":{"const":1.0},"minItems":1}}}"##,
            r#"{"anyOf":[{"type":"string","format":"uuid"},{"type":"string","pattern":"^a+\\.b$","default":"a.b"},{"type":"null"}]}"#,
            "true",
        ] {
            let fitted = fit(schema);
            assert_eq!(fitted.schema, schema);
            assert!(fitted.is_whole() && !fitted.lossy);
        }
    }

    #[track_caller]
    fn becomes(schema: &str, expected: &str, lossy: bool) {
        let fitted = fit(schema);
        assert_eq!(fitted.schema, expected);
        assert_eq!(fitted.lossy, lossy, "{schema}");
        assert!(fit(expected).is_whole(), "{expected}");
    }

    #[test]
    fn t7_bounds_that_anthropic_refuses_are_told() {
        becomes(
            r#"{"type":"integer","minimum":0,"exclusiveMaximum":1e2}"#,
            r#"{"type":"integer","description":"minimum: 0, exclusiveMaximum: 1e2"}"#,
            true,
        );
        becomes(
            r#"{"description":"A \"name\".","type":"string","minLength":1,"format":"phone"}"#,
            r#"{"description":"A \"name\".\n\nminLength: 1, format: \"phone\"","type":"string"}"#,
            true,
        );
        becomes(
            r#"{"type":"array","items":{"multipleOf":2},"minItems":2,"uniqueItems":true}"#,
            r#"{"type":"array","items":{"description":"multipleOf: 2"},"description":"minItems: 2, uniqueItems: true"}"#,
            true,
        );
        becomes(
            r#"{"type":"string","pattern":"^(?!x)\\d+$"}"#,
            r#"{"type":"string","description":"pattern: \"^(?!x)\\\\d+$\""}"#,
            true,
        );
        becomes(
            r#"{"type":"string","examples":["x"]}"#,
            r#"{"type":"string","description":"examples: [\"x\"]"}"#,
            false,
        );
    }

    #[test]
    fn t7_objects_are_closed_at_every_depth() {
        becomes(
            r#"{"type":"object","properties":{"a":{"oneOf":[{"properties":{}}]}}}"#,
            r#"{"type":"object","properties":{"a":{"anyOf":[{"properties":{},"additionalProperties":false}]}},"additionalProperties":false}"#,
            false,
        );
        becomes(
            r##"{"$defs":{"a":{"type":["object","null"],"properties":{},"additionalProperties":true}},"$ref":"#/$defs/a","title":"A"}"##,
            r##"{"$defs":{"a":{"type":["object","null"],"properties":{},"additionalProperties":false}},"$ref":"#/$defs/a"}"##,
            false,
        );
        // A map can only be empty from here on.
        becomes(
            r#"{"type":"object","additionalProperties":{"type":"string"}}"#,
            r#"{"type":"object","additionalProperties":false}"#,
            true,
        );
    }
}
