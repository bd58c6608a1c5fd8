//! JSON Schemas as OpenAI demands them, and in the subset that Gemini takes (T7).
//!
//! Only keywords are touched, never a property that happens to be named like one. A schema that
//! fits already comes out byte-identical.

use crate::json::{self, Object, Path};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Deeper references are cut: a schema may refer to itself.
const DEPTH_MAX: usize = 16;

/// References that refer to references grow without bound: beyond this none is followed.
const BYTES_MAX: usize = 1 << 20;

const KNOWN: [&str; 21] = [
    "anyOf",
    "default",
    "description",
    "enum",
    "example",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "nullable",
    "pattern",
    "properties",
    "propertyOrdering",
    "required",
    "title",
];

const FORMATS: [&str; 6] = ["enum", "date-time", "int32", "int64", "float", "double"];

/// Keywords whose values are schemas by name, and those whose value is a schema or a list of them.
const BY_NAME: [&str; 4] = ["$defs", "definitions", "patternProperties", "properties"];
const SCHEMAS: [&str; 11] = [
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "then",
];

/// Nothing is looked for deeper: no body that came in nests so deep.
const NESTING_MAX: usize = 128;

/// The schema of a function's parameters with the `properties` that OpenAI demands of it, and the
/// `items` that it demands of every array; every other byte is its author's.
pub(crate) fn whole(schema: &str) -> Cow<'_, str> {
    let mut missing = Vec::new();
    if let Ok(raw) = serde_json::from_str::<&RawValue>(schema) {
        if Object::read(raw, &Path::Root).is_ok_and(|object| is_bare(&object)) {
            missing.push((raw, "\"properties\":{},"));
        }
        // Few schemas have arrays, and all are long.
        if schema.contains("array") {
            add_arrays(raw, 0, &mut missing);
        }
    }
    if missing.is_empty() {
        return Cow::Borrowed(schema);
    }
    let mut out = String::with_capacity(schema.len() + 32);
    let mut done = 0;
    for (raw, members) in missing {
        // They come first, behind the brace, in the order in which the objects begin.
        let at = raw.get().as_ptr().addr() - schema.as_ptr().addr() + 1;
        out.push_str(&schema[done..at]);
        out.push_str(members);
        done = at;
    }
    out.push_str(&schema[done..]);
    Cow::Owned(out)
}

fn is_bare(object: &Object<'_>) -> bool {
    let is_object = |raw: &RawValue| raw.get() == "\"object\"";
    object.peek("type").is_some_and(is_object) && object.peek("properties").is_none()
}

/// Whether `type` says, alone or among others, that it is an array.
fn is_array(object: &Object<'_>) -> bool {
    let kind = object.peek("type");
    kind.is_some_and(|raw| raw.get().contains("\"array\""))
}

/// Finds the arrays that say nothing of their items, which is that they may be anything.
fn add_arrays<'a>(
    raw: &'a RawValue,
    depth: usize,
    missing: &mut Vec<(&'a RawValue, &'static str)>,
) {
    let Ok(object) = Object::read(raw, &Path::Root) else {
        return;
    };
    if is_array(&object) && object.peek("items").is_none() {
        missing.push((raw, "\"items\":{},"));
    }
    if depth == NESTING_MAX {
        return;
    }
    for (name, raw) in object.rest() {
        let name = name.as_ref();
        if BY_NAME.contains(&name) {
            let named = Object::read(raw, &Path::Root).unwrap_or_default();
            for (_, raw) in named.rest() {
                add_arrays(raw, depth + 1, missing);
            }
        } else if SCHEMAS.contains(&name) && raw.get().starts_with('[') {
            let list: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
            for raw in list {
                add_arrays(raw, depth + 1, missing);
            }
        } else if SCHEMAS.contains(&name) {
            add_arrays(raw, depth + 1, missing);
        }
    }
}

/// The schema, as it stands if it fits.
pub(super) fn fit(schema: &str) -> Cow<'_, str> {
    let Ok(raw) = serde_json::from_str::<&RawValue>(schema) else {
        return Cow::Borrowed(schema);
    };
    let mut fitting = Fitting {
        root: raw,
        changed: false,
    };
    let mut out = Vec::with_capacity(schema.len());
    fitting.schema(raw, 0, &mut out);
    match String::from_utf8(out) {
        Ok(fitted) if fitting.changed => Cow::Owned(fitted),
        _ => Cow::Borrowed(schema),
    }
}

struct Fitting<'a> {
    root: &'a RawValue,
    changed: bool,
}

impl<'a> Fitting<'a> {
    fn schema(&mut self, raw: &'a RawValue, depth: usize, out: &mut Vec<u8>) {
        let Ok(mut object) = Object::read(raw, &Path::Root) else {
            // `true` and `false` are schemas too, but not Gemini's.
            self.changed = true;
            return out.extend_from_slice(b"{}");
        };
        if let Some(target) = object.take("$ref") {
            self.changed = true;
            return match self
                .resolve(target)
                .filter(|_| depth < DEPTH_MAX && out.len() < BYTES_MAX)
            {
                Some(found) => self.schema(found, depth + 1, out),
                None => out.extend_from_slice(br#"{"type":"object"}"#),
            };
        }
        let numeric_enum = object.peek("enum").is_some_and(has_non_strings)
            || object
                .peek("const")
                .is_some_and(|raw| !raw.get().starts_with('"'));
        let has_items = object
            .peek("items")
            .is_some_and(|raw| raw.get().starts_with('{'));
        let bare = is_array(&object) && !has_items;
        let properties = object.peek("properties");
        let mut members = Members::open(out);
        for (name, raw) in object.rest() {
            match name.as_ref() {
                "required" => self.required(raw, properties, &mut members),
                name => self.keyword(name, raw, numeric_enum, depth, &mut members),
            }
        }
        if bare {
            self.changed = true;
            members.add("items", b"{}");
        }
        members.close();
    }

    /// Gemini refuses a name that is no property.
    fn required(
        &mut self,
        raw: &RawValue,
        properties: Option<&RawValue>,
        members: &mut Members<'_>,
    ) {
        let properties = properties.and_then(|raw| Object::read(raw, &Path::Root).ok());
        let properties = properties.unwrap_or_default();
        let Ok(mut names) = serde_json::from_str::<Vec<String>>(raw.get()) else {
            return members.add("required", raw.get().as_bytes());
        };
        let said = names.len();
        names.retain(|name| properties.peek(name).is_some());
        if names.len() == said {
            return members.add("required", raw.get().as_bytes());
        }
        self.changed = true;
        if !names.is_empty() {
            json::value(members.name("required"), &names);
        }
    }

    fn keyword(
        &mut self,
        name: &str,
        raw: &'a RawValue,
        numeric_enum: bool,
        depth: usize,
        members: &mut Members<'_>,
    ) {
        match name {
            "type" if numeric_enum => {
                self.changed |= raw.get() != "\"string\"";
                members.add("type", b"\"string\"");
            }
            "type" => self.kind(raw, members),
            "properties" => {
                let out = members.name(name);
                self.properties(raw, depth, out);
            }
            "items" if raw.get().starts_with('{') => {
                let out = members.name(name);
                self.schema(raw, depth + 1, out);
            }
            "anyOf" | "oneOf" => {
                self.changed |= name == "oneOf";
                let out = members.name("anyOf");
                self.list(raw, depth, out);
            }
            "enum" if numeric_enum => {
                self.changed = true;
                members.add("enum", &strings(raw));
            }
            "const" => {
                self.changed = true;
                let one = format!("[{}]", raw.get());
                let list = serde_json::from_str::<&RawValue>(&one).map(strings);
                members.add("enum", &list.unwrap_or_default());
            }
            "format" if !FORMATS.contains(&raw.get().trim_matches('"')) => self.changed = true,
            name if KNOWN.contains(&name) && name != "items" => {
                members.add(name, raw.get().as_bytes());
            }
            _ => self.changed = true,
        }
    }

    /// `["string","null"]` is `string` and nullable; several other types have no one name.
    fn kind(&mut self, raw: &RawValue, members: &mut Members<'_>) {
        let Ok(names) = serde_json::from_str::<Vec<String>>(raw.get()) else {
            return members.add("type", raw.get().as_bytes());
        };
        self.changed = true;
        let nullable = names.iter().any(|name| name == "null");
        if let Some(name) = names.iter().find(|name| *name != "null") {
            members.add("type", format!("\"{name}\"").as_bytes());
        }
        if nullable {
            members.add("nullable", b"true");
        }
    }

    fn properties(&mut self, raw: &'a RawValue, depth: usize, out: &mut Vec<u8>) {
        let Ok(object) = Object::read(raw, &Path::Root) else {
            return out.extend_from_slice(raw.get().as_bytes());
        };
        let mut members = Members::open(out);
        for (name, raw) in object.rest() {
            let out = members.name(&name);
            self.schema(raw, depth + 1, out);
        }
        members.close();
    }

    fn list(&mut self, raw: &'a RawValue, depth: usize, out: &mut Vec<u8>) {
        let schemas: Vec<&'a RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
        out.push(b'[');
        for (at, schema) in schemas.into_iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            self.schema(schema, depth + 1, out);
        }
        out.push(b']');
    }

    /// The schema that a reference inside the document means.
    fn resolve(&self, target: &RawValue) -> Option<&'a RawValue> {
        let pointer: String = serde_json::from_str(target.get()).ok()?;
        let mut at = self.root;
        for step in pointer.strip_prefix("#/")?.split('/') {
            let step = step.replace("~1", "/").replace("~0", "~");
            at = Object::read(at, &Path::Root).ok()?.take(&step)?;
        }
        Some(at)
    }
}

/// The members of an object being written.
struct Members<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl<'o> Members<'o> {
    fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        json::string(self.out, name);
        self.out.push(b':');
        self.out
    }

    fn add(&mut self, name: &str, value: &[u8]) {
        self.name(name).extend_from_slice(value);
    }

    fn close(self) {
        self.out.push(b'}');
    }
}

fn has_non_strings(raw: &RawValue) -> bool {
    let values: Vec<Value> = serde_json::from_str(raw.get()).unwrap_or_default();
    values.iter().any(|value| !value.is_string())
}

/// The values of an enum as strings.
fn strings(raw: &RawValue) -> Vec<u8> {
    let values: Vec<Value> = serde_json::from_str(raw.get()).unwrap_or_default();
    let names = values.into_iter().filter(|value| !value.is_null());
    let names: Vec<String> = names
        .map(|value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        })
        .collect();
    serde_json::to_vec(&names).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{fit, whole};

    #[test]
    fn t12_an_array_without_items_gets_them_and_every_other_byte_stays() {
        for (schema, expected) in [
            (
                r#" {"type":"object", "properties":{"a":{ "type":"array" },"items":{"type":"string"}}}"#,
                r#" {"type":"object", "properties":{"a":{"items":{}, "type":"array" },"items":{"type":"string"}}}"#,
            ),
            (
                r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":["array","null"]}}},"$defs":{"array":{"anyOf":[{"type":"array"},true]}}}"#,
                r#"{"type":"object","properties":{"a":{"type":"array","items":{"items":{},"type":["array","null"]}}},"$defs":{"array":{"anyOf":[{"items":{},"type":"array"},true]}}}"#,
            ),
            (
                r#"{"type":"object","additionalProperties":{"type":"array"}}"#,
                r#"{"properties":{},"type":"object","additionalProperties":{"items":{},"type":"array"}}"#,
            ),
        ] {
            assert_eq!(whole(schema), expected);
            assert_eq!(whole(expected), expected);
        }
        for kept in [
            r#"{"type":"object","properties":{"type":{"type":"string"},"a":{"default":{"type":"array"},"enum":["array"]}}}"#,
            r#"{"properties":{"a":{"type":"array","type":"array"}}}"#,
            "array",
            "",
        ] {
            assert_eq!(whole(kept), kept);
        }
    }

    #[test]
    fn t7_gemini_gets_items_of_every_array() {
        assert_eq!(
            fit(
                r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":["null","array"]}}}}"#
            ),
            r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":"array","nullable":true,"items":{}}}}}"#
        );
        assert_eq!(
            fit(r#"{"type":"array","prefixItems":[{"type":"string"}]}"#),
            r#"{"type":"array","items":{}}"#
        );
    }

    #[test]
    fn t7_gemini_gets_no_required_name_that_is_no_property() {
        assert_eq!(
            fit(r#"{"type":"object","required":["a", "b"],"properties":{"b":{"type":"string"}}}"#),
            r#"{"type":"object","required":["b"],"properties":{"b":{"type":"string"}}}"#
        );
        assert_eq!(
            fit(r#"{"anyOf":[{"required":["a"]},{"properties":{"c":{}},"required":[ "c" ]}]}"#),
            r#"{"anyOf":[{},{"properties":{"c":{}},"required":[ "c" ]}]}"#
        );
    }

    #[test]
    fn t7_a_schema_that_fits_is_byte_identical() {
        let schema = r#"{ "type":"object", "properties":{"$id":{"type":"string"},"additionalProperties":{"type":"integer"}},"required":["$id"] }"#;
        assert_eq!(fit(schema), schema);
    }

    #[test]
    fn t7_keywords_go_and_properties_of_their_name_stay() {
        let schema = r#"{"$schema":"x","type":"object","additionalProperties":false,"propertyNames":{"pattern":"a"},"properties":{"$id":{"type":"string","$id":"y"},"$ref":{"type":"string"}}}"#;
        assert_eq!(
            fit(schema),
            r#"{"type":"object","properties":{"$id":{"type":"string"},"$ref":{"type":"string"}}}"#
        );
    }

    #[test]
    fn t7_numeric_enums_become_strings() {
        assert_eq!(
            fit(r#"{"type":"integer","enum":[1,2,null]}"#),
            r#"{"type":"string","enum":["1","2"]}"#
        );
        assert_eq!(fit(r#"{"const":"a"}"#), r#"{"enum":["a"]}"#);
    }

    #[test]
    fn t7_references_are_inlined_and_cycles_end() {
        let schema = r##"{"properties":{"a":{"$ref":"#/$defs/p"}},"$defs":{"p":{"type":["string","null"],"format":"uri"}}}"##;
        assert_eq!(
            fit(schema),
            r#"{"properties":{"a":{"type":"string","nullable":true}}}"#
        );
        let cycle = r##"{"properties":{"a":{"$ref":"#"}}}"##;
        assert!(fit(cycle).contains("properties") || fit(cycle).contains("object"));
        let cycle =
            r##"{"$defs":{"n":{"properties":{"n":{"$ref":"#/$defs/n"}}}},"$ref":"#/$defs/n"}"##;
        assert!(fit(cycle).ends_with('}'));
    }
}
