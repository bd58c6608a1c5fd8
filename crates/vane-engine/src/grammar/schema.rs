//! A JSON Schema as rules. What it asks for and cannot be held to is refused, with its place.
//!
//! Schemas within a schema are read from a queue, so that none is too deep; each has a place of its own,
//! known by its pointer, so that references may go in circles.

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::{Map, Value as Json};

use super::number::{BOUND_MAX, Number, PLAIN_MAX, bound, range, step as step_of};
use super::pattern::{Budget, Pattern};
use super::rules::{ANYTHING, Array, Member, PLACES_MAX, Rules, Shape};
use super::text::quoted;
use super::trie::Trie;
use crate::Fault;
use crate::tokenizer::ID_LEN;

/// Keys that say nothing about what is valid.
const REMARKS: &[&str] = &[
    "$schema",
    "$id",
    "$comment",
    "$anchor",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "example",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentEncoding",
    "contentMediaType",
];
/// Keys that constrain values of one type, and are nothing to others.
const OF_TEXTS: &[&str] = &["minLength", "maxLength", "format", "pattern"];
const OF_NUMBERS: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "format",
];
const OF_ARRAYS: &[&str] = &["items", "minItems", "maxItems"];
const OF_OBJECTS: &[&str] = &["properties", "required", "additionalProperties"];
const TYPES: &[&str] = &[
    "object", "array", "string", "number", "integer", "boolean", "null",
];
/// Characters and items that a schema may ask to be counted.
const COUNT_MAX: u64 = 1 << 24;
const STEPS: &str =
    "it is supported for numbers above zero of at most 15 digits, six of them after the point";
/// Calls of tools in one answer.
pub(crate) const CALLS_MAX: u32 = 64;

type Read<T> = Result<T, Fault>;

pub(super) fn read(schema: &Json) -> Read<(Rules, u32)> {
    let mut reader = Reader::new();
    let root = reader.root("", schema)?;
    Ok((reader.finish()?, root))
}

/// A list of calls: a name, arguments by the schema that stands with it, and maybe an id.
pub(super) fn read_calls(tools: &[(&str, Json)], single: bool) -> Read<(Rules, u32)> {
    let mut reader = Reader::new();
    let (root, items, id) = (
        reader.rules.reserve(),
        reader.rules.reserve(),
        reader.rules.reserve(),
    );
    let nine = u32::try_from(ID_LEN).unwrap_or(u32::MAX);
    reader.rules.push(
        id,
        Shape::Text {
            least: nine,
            most: nine,
        },
    );
    for (name, schema) in tools {
        let place = reader.rules.reserve();
        let text = Json::from(*name).to_string().into_bytes();
        let list = reader.rules.add_list(Trie::of([text.as_slice()]), 0);
        reader.rules.push(place, Shape::Listed(list));
        let arguments = reader.root(name, schema)?;
        let members = [
            ("name", place, true),
            ("arguments", arguments, true),
            ("id", id, false),
        ];
        let members =
            members.map(|(name, place, required)| (quoted(name), Member { place, required }));
        let object = reader.rules.add_object(members.into(), None);
        reader.rules.push(items, Shape::Object(object));
    }
    let most = if single { 1 } else { CALLS_MAX };
    let array = reader.rules.add_array(Array {
        items,
        least: 1,
        most: Some(most),
    });
    reader.rules.push(root, Shape::Array(array));
    Ok((reader.finish()?, root))
}

fn refused(pointer: &str, what: impl std::fmt::Display) -> Fault {
    Fault::Refused(format!("schema at {pointer}: {what}"))
}

struct Reader<'a> {
    /// What references are looked up in, by the name before their `#`.
    roots: HashMap<String, &'a Json>,
    rules: Rules,
    places: HashMap<String, u32>,
    queue: VecDeque<(u32, String, &'a Json)>,
    /// For patterns, all of them together.
    budget: Budget,
}

/// A schema that is an object, and where it stands.
#[derive(Clone, Copy)]
struct Here<'a, 'p> {
    pointer: &'p str,
    keys: &'a Map<String, Json>,
}

impl<'a> Reader<'a> {
    fn new() -> Self {
        Self {
            roots: HashMap::new(),
            rules: Rules::new(),
            places: HashMap::new(),
            queue: VecDeque::new(),
            budget: Budget::default(),
        }
    }

    fn root(&mut self, name: &str, schema: &'a Json) -> Read<u32> {
        self.roots.insert(name.to_owned(), schema);
        self.place(format!("{name}#"), schema)
    }

    fn finish(mut self) -> Read<Rules> {
        while let Some((place, pointer, schema)) = self.queue.pop_front() {
            self.fill(place, &pointer, schema)?;
        }
        match self.rules.settle() {
            Some(what) => Err(refused("#", what)),
            None => Ok(self.rules),
        }
    }

    /// The place of a schema; it is read later.
    fn place(&mut self, pointer: String, schema: &'a Json) -> Read<u32> {
        if let Some(place) = self.places.get(&pointer) {
            return Ok(*place);
        }
        if self.rules.len() >= PLACES_MAX {
            return Err(refused(
                &pointer,
                format_args!("more than {PLACES_MAX} schemas"),
            ));
        }
        let place = self.rules.reserve();
        self.places.insert(pointer.clone(), place);
        self.queue.push_back((place, pointer, schema));
        Ok(place)
    }

    fn below(&mut self, here: Here<'a, '_>, key: &str, schema: &'a Json) -> Read<u32> {
        self.place(format!("{}/{}", here.pointer, escaped(key)), schema)
    }

    fn fill(&mut self, place: u32, pointer: &str, schema: &'a Json) -> Read<()> {
        let keys = match schema {
            Json::Bool(true) => {
                self.rules.push_also(place, ANYTHING);
                return Ok(());
            }
            Json::Bool(false) => return Ok(()),
            Json::Object(keys) => keys,
            _ => return Err(refused(pointer, "a schema is an object, true or false")),
        };
        let here = Here { pointer, keys };
        if let Some(target) = keys.get("$ref") {
            here.only(&["$ref"])?;
            let other = self.target(here, target)?;
            self.rules.push_also(place, other);
            return Ok(());
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            if let Some(schemas) = keys.get(key) {
                return self.alternatives(here, place, key, schemas);
            }
        }
        let types = here.types()?;
        if keys.contains_key("enum") || keys.contains_key("const") {
            return self.listed(here, place, &types);
        }
        here.only_known()?;
        let untyped = OF_ARRAYS
            .iter()
            .chain(OF_OBJECTS)
            .chain(OF_TEXTS)
            .chain(OF_NUMBERS);
        if types.len() == TYPES.len() && !{ untyped }.any(|key| keys.contains_key(*key)) {
            self.rules.push_also(place, ANYTHING);
            return Ok(());
        }
        for kind in types {
            self.shape(here, place, kind)?;
        }
        Ok(())
    }

    fn shape(&mut self, here: Here<'a, '_>, place: u32, kind: &str) -> Read<()> {
        let words: &[&[u8]] = match kind {
            "boolean" => &[b"true", b"false"],
            "null" => &[b"null"],
            _ => &[],
        };
        let shape = match kind {
            "string" => self.text(here)?,
            "number" | "integer" => {
                Shape::Number(self.rules.add_number(here.number(kind == "integer")?))
            }
            "array" => self.array(here)?,
            "object" => self.object(here)?,
            _ => Shape::Listed(self.rules.add_list(Trie::of(words.iter().copied()), 0)),
        };
        self.rules.push(place, shape);
        Ok(())
    }

    /// What a reference within the schema points to.
    fn target(&mut self, here: Here<'a, '_>, target: &'a Json) -> Read<u32> {
        let refuse = |what| refused(&format!("{}/$ref", here.pointer), what);
        let target = target.as_str().ok_or_else(|| refuse("it is no text"))?;
        let way = target
            .strip_prefix('#')
            .filter(|way| way.is_empty() || way.starts_with('/'))
            .ok_or_else(|| refuse("only places of the same schema (`#/...`) can be referred to"))?;
        let way = percent_decoded(way).ok_or_else(|| refuse("it is no pointer"))?;
        // Names of roots have no `#`.
        let root = here.pointer.split('#').next().unwrap_or_default();
        let whole = self.roots.get(root);
        let schema = whole
            .and_then(|whole| whole.pointer(&way))
            .ok_or_else(|| refuse("it points nowhere"))?;
        self.place(format!("{root}#{way}"), schema)
    }

    /// `anyOf`; the others where they are the same as one.
    fn alternatives(
        &mut self,
        here: Here<'a, '_>,
        place: u32,
        key: &str,
        schemas: &'a Json,
    ) -> Read<()> {
        here.only(&[key])?;
        let schemas = schemas
            .as_array()
            .ok_or_else(|| here.refused(key, "it is no list"))?;
        if key != "anyOf" && schemas.len() > 1 {
            return Err(here.refused(
                key,
                "it is supported with one schema only; `anyOf` with many",
            ));
        }
        for (at, schema) in schemas.iter().enumerate() {
            let other = self.place(format!("{}/{key}/{at}", here.pointer), schema)?;
            self.rules.push_also(place, other);
        }
        Ok(())
    }

    fn listed(&mut self, here: Here<'a, '_>, place: u32, types: &[&str]) -> Read<()> {
        let (key, values) = match (here.keys.get("enum"), here.keys.get("const")) {
            (Some(Json::Array(values)), None) => ("enum", values.as_slice()),
            (None, Some(value)) => ("const", std::slice::from_ref(value)),
            (Some(_), Some(_)) => {
                return Err(here.refused("const", "it is not supported beside `enum`"));
            }
            _ => return Err(here.refused("enum", "it is no list")),
        };
        here.only(&[key, "type"])?;
        let of_type = values
            .iter()
            .filter(|value| types.iter().any(|kind| is_of(value, kind)));
        let texts: Vec<(Vec<u8>, u32)> = of_type
            .map(|value| (value.to_string().into_bytes(), nesting(value)))
            .collect();
        if texts.is_empty() {
            return Ok(());
        }
        let height = texts
            .iter()
            .map(|(_, height)| *height)
            .max()
            .unwrap_or_default();
        let list = self.rules.add_list(
            Trie::of(texts.iter().map(|(text, _)| text.as_slice())),
            height,
        );
        self.rules.push(place, Shape::Listed(list));
        Ok(())
    }

    fn text(&mut self, here: Here<'a, '_>) -> Read<Shape> {
        here.without(&["format"])?;
        let (least, most) = (here.count("minLength")?, here.count("maxLength")?);
        let (least, most) = (least.unwrap_or(0), most.unwrap_or(u32::MAX));
        if most < least {
            return Err(here.refused("maxLength", "it is less than `minLength`"));
        }
        let Some(pattern) = here.keys.get("pattern") else {
            return Ok(Shape::Text { least, most });
        };
        let refuse = |what| here.refused("pattern", what);
        let text = pattern.as_str();
        let text = text.ok_or_else(|| refuse("it is no text".to_owned()))?;
        let pattern = Pattern::read(text, (least, most), &mut self.budget);
        let pattern = pattern.map_err(|what| refuse(format!("it is not supported: {what}")))?;
        Ok(Shape::Pattern(self.rules.add_pattern(pattern)))
    }

    fn array(&mut self, here: Here<'a, '_>) -> Read<Shape> {
        let items = match here.keys.get("items") {
            None => ANYTHING,
            Some(Json::Array(_)) => {
                return Err(here.refused("items", "a list of schemas is not supported"));
            }
            Some(schema) => self.below(here, "items", schema)?,
        };
        let (least, most) = (
            here.count("minItems")?.unwrap_or(0),
            here.count("maxItems")?,
        );
        if most.is_some_and(|most| most < least) {
            return Err(here.refused("maxItems", "it is less than `minItems`"));
        }
        Ok(Shape::Array(self.rules.add_array(Array {
            items,
            least,
            most,
        })))
    }

    fn object(&mut self, here: Here<'a, '_>) -> Read<Shape> {
        let properties = match here.keys.get("properties") {
            None => None,
            Some(Json::Object(properties)) => Some(properties),
            Some(_) => return Err(here.refused("properties", "it is no object")),
        };
        let required = here.required()?;
        let mut missing: HashSet<&str> = required.iter().copied().collect();
        let others = match here.keys.get("additionalProperties") {
            Some(Json::Bool(false)) => None,
            Some(schema) => Some(self.below(here, "additionalProperties", schema)?),
            None => Some(ANYTHING),
        };
        let mut members = Vec::new();
        for (name, schema) in properties.into_iter().flatten() {
            let pointer = format!("{}/properties/{}", here.pointer, escaped(name));
            let place = self.place(pointer, schema)?;
            let is_required = missing.remove(name.as_str());
            members.push((
                quoted(name),
                Member {
                    place,
                    required: is_required,
                },
            ));
        }
        for name in required {
            if !missing.remove(name) {
                continue;
            }
            let nothing = || here.refused("required", format_args!("`{name}` can be nothing"));
            let place = others.ok_or_else(nothing)?;
            members.push((
                quoted(name),
                Member {
                    place,
                    required: true,
                },
            ));
        }
        // Where some are listed, a schema that does not speak of others does not ask for them.
        let speaks = here.keys.contains_key("additionalProperties")
            || properties.is_none() && members.is_empty();
        Ok(Shape::Object(
            self.rules.add_object(members, others.filter(|_| speaks)),
        ))
    }
}

impl<'a> Here<'a, '_> {
    fn refused(self, key: &str, what: impl std::fmt::Display) -> Fault {
        refused(&format!("{}/{}", self.pointer, escaped(key)), what)
    }

    /// Refuses what stands beside these and is no remark.
    fn only(self, keys: &[&str]) -> Read<()> {
        let stranger = { self.keys.keys() }
            .find(|key| !keys.contains(&key.as_str()) && !REMARKS.contains(&key.as_str()));
        match stranger {
            Some(key) => {
                let beside = keys.first().copied().unwrap_or_default();
                Err(self.refused(key, format_args!("it is not supported beside `{beside}`")))
            }
            None => Ok(()),
        }
    }

    /// Refuses these, which would be heeded if they could be.
    fn without(self, keys: &[&str]) -> Read<()> {
        match keys.iter().find(|key| self.keys.contains_key(**key)) {
            Some(key) => Err(self.refused(key, format_args!("`{key}` is not supported"))),
            None => Ok(()),
        }
    }

    fn only_known(self) -> Read<()> {
        let known = |key: &str| {
            let of_types = [
                OF_TEXTS,
                OF_NUMBERS,
                OF_ARRAYS,
                OF_OBJECTS,
                REMARKS,
                &["type"],
            ];
            of_types.iter().any(|keys| keys.contains(&key))
        };
        match self.keys.keys().find(|key| !known(key)) {
            Some(key) => Err(self.refused(key, format_args!("`{key}` is not supported"))),
            None => Ok(()),
        }
    }

    /// The types that are named; of keys that are of one type only, that one; or all.
    fn types(self) -> Read<Vec<&'static str>> {
        let known = |name: &Json| {
            let found = TYPES.iter().find(|known| name.as_str() == Some(known));
            found
                .copied()
                .ok_or_else(|| self.refused("type", format_args!("{name} is no type")))
        };
        let mut types = match self.keys.get("type") {
            Some(Json::Array(names)) => names.iter().map(known).collect::<Read<Vec<_>>>()?,
            Some(name) => vec![known(name)?],
            None => {
                let has = |keys: &[&str]| keys.iter().any(|key| self.keys.contains_key(*key));
                let of = [
                    (OF_OBJECTS, "object"),
                    (OF_ARRAYS, "array"),
                    (OF_TEXTS, "string"),
                    (OF_NUMBERS, "number"),
                ];
                let named = of.iter().find(|(keys, _)| has(keys));
                named.map_or_else(|| TYPES.to_vec(), |(_, kind)| vec![*kind])
            }
        };
        if types.contains(&"number") && types.len() < TYPES.len() {
            types.retain(|kind| *kind != "integer");
        }
        Ok(types)
    }

    fn count(self, key: &str) -> Read<Option<u32>> {
        let Some(value) = self.keys.get(key) else {
            return Ok(None);
        };
        let count = value.as_u64().filter(|count| *count <= COUNT_MAX);
        let count = count.and_then(|count| u32::try_from(count).ok());
        let refuse = || self.refused(key, format_args!("it is no number from 0 to {COUNT_MAX}"));
        count.map(Some).ok_or_else(refuse)
    }

    fn required(self) -> Read<Vec<&'a str>> {
        let refuse = || self.refused("required", "it is no list of names");
        match self.keys.get("required") {
            None => Ok(Vec::new()),
            Some(Json::Array(names)) => names
                .iter()
                .map(|name| name.as_str().ok_or_else(refuse))
                .collect(),
            Some(_) => Err(refuse()),
        }
    }

    fn number(self, integer: bool) -> Read<Number> {
        let refuse = || self.refused("multipleOf", STEPS);
        let step = self.keys.get("multipleOf");
        let step = step.map(|value| step_of(value, integer).ok_or_else(refuse));
        let (step, whole) = step.transpose()?.unwrap_or((1, integer));
        // Every number that is written is a double.
        let format = self.keys.get("format");
        let format = format.filter(|format| integer || *format != "double");
        let refuse = || self.refused("format", "it is no `format` of such numbers");
        let range = |format: &Json| range(format.as_str()?, integer);
        let keys = [
            ("minimum", true, false),
            ("exclusiveMinimum", true, true),
            ("maximum", false, false),
            ("exclusiveMaximum", false, true),
        ];
        let has_bound = keys.iter().any(|(key, ..)| self.keys.contains_key(*key));
        let (mut least, mut most) = match format {
            Some(format) => range(format).ok_or_else(refuse)?,
            None if has_bound => (-BOUND_MAX, BOUND_MAX),
            None => (-PLAIN_MAX, PLAIN_MAX),
        };
        let bounded = has_bound || format.is_some() || self.keys.contains_key("multipleOf");
        for (key, is_least, excluded) in keys {
            let Some(value) = self.keys.get(key) else {
                continue;
            };
            let refuse = || self.refused(key, "it is no number of at most 18 digits");
            let bound = bound(value, whole, is_least, excluded).ok_or_else(refuse)?;
            if is_least {
                least = least.max(bound);
            } else {
                most = most.min(bound);
            }
        }
        Ok(match (bounded, whole) {
            (true, _) => Number::Between {
                least,
                most,
                fraction: !whole,
                step,
            },
            (false, true) => Number::Integer,
            (false, false) => Number::Any,
        })
    }
}

fn is_of(value: &Json, kind: &str) -> bool {
    match value {
        Json::Null => kind == "null",
        Json::Bool(_) => kind == "boolean",
        Json::Number(number) => {
            let whole = number.is_i64() || number.is_u64();
            kind == "number"
                || kind == "integer"
                    && (whole || number.as_f64().is_some_and(|is| is.fract() == 0.0))
        }
        Json::String(_) => kind == "string",
        Json::Array(_) => kind == "array",
        Json::Object(_) => kind == "object",
    }
}

/// Containers within each other. Values come from a parser that has a limit of its own.
fn nesting(value: &Json) -> u32 {
    match value {
        Json::Array(items) => 1 + items.iter().map(nesting).max().unwrap_or(0),
        Json::Object(members) => 1 + members.values().map(nesting).max().unwrap_or(0),
        _ => 0,
    }
}

/// A name as pointers write it.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        if *first == b'%' {
            let (digits, more) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = more;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}
