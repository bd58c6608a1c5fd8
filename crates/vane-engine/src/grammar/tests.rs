//! Whatever a schema says and whatever a model would rather write: what comes out is JSON, and valid.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

mod patterns;
mod refusals;
mod ways;

use super::rules::DEPTH_MAX;
use super::{Grammar, Guide, Vocabulary, Walk};
use crate::sampler::{Sampler, Sampling};

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, many: u64) -> u64 {
        self.next() % many
    }

    fn of<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

/// A schema of everything that is supported, with references that may go in circles.
fn schema(dice: &mut Dice) -> Json {
    let mut whole = part(dice, 3);
    let defs: Map<String, Json> = ["A", "B"]
        .iter()
        .map(|name| ((*name).to_owned(), part(dice, 2)))
        .collect();
    if let Some(whole) = whole.as_object_mut() {
        whole.insert("$defs".to_owned(), Json::Object(defs));
    }
    whole
}

fn part(dice: &mut Dice, depth: u64) -> Json {
    if dice.below(8) == 0 {
        return patterns::part(dice);
    }
    match dice.below(if depth == 0 { 8 } else { 14 }) {
        0 => json!({"type": "string", "minLength": dice.below(4), "maxLength": 4 + dice.below(20)}),
        1 => json!({"type": ["string", "null"]}),
        2 => json!({"type": "boolean"}),
        3 => json!({"type": "integer"}),
        4 => {
            let least = i64::try_from(dice.below(3000)).unwrap() - 1500;
            json!({"type": "integer", "minimum": least, "exclusiveMaximum": least + 1 + i64::try_from(dice.below(200)).unwrap()})
        }
        5 => {
            let least = f64::from(u16::try_from(dice.below(2000)).unwrap()) / 8.0 - 100.0;
            json!({"type": "number", "minimum": least, "maximum": least + 0.5})
        }
        6 => json!({"type": "number"}),
        7 => {
            let values = [
                json!("a"),
                json!("ab\n\"é"),
                json!(1),
                json!(12),
                json!(1.5),
                json!(null),
                json!([1, {"x": "y"}]),
            ];
            let many = 1 + dice.below(5);
            json!({"enum": (0..many).map(|_| values[usize::try_from(dice.below(7)).unwrap()].clone()).collect::<Vec<_>>()})
        }
        8 | 9 => object(dice, depth),
        10 => {
            json!({"type": "array", "items": part(dice, depth - 1), "minItems": dice.below(3), "maxItems": 2 + dice.below(3)})
        }
        11 => json!({"type": "array", "items": part(dice, depth - 1)}),
        12 => {
            json!({"anyOf": [part(dice, depth - 1), part(dice, depth - 1), part(dice, depth - 1)]})
        }
        _ => json!({"$ref": dice.of(&["#", "#/$defs/A", "#/$defs/B"])}),
    }
}

fn object(dice: &mut Dice, depth: u64) -> Json {
    let names = ["a", "ab", "b\"c", "é", "x/y", "", "a b"];
    let many = dice.below(5);
    let properties: Map<String, Json> = (0..many)
        .map(|_| (dice.of(&names).to_owned(), part(dice, depth - 1)))
        .collect();
    let required: Vec<&String> = properties.keys().filter(|_| dice.below(2) == 0).collect();
    let mut schema = json!({"type": "object", "required": required, "properties": properties});
    match dice.below(3) {
        0 => schema["additionalProperties"] = json!(false),
        1 => schema["additionalProperties"] = part(dice, depth - 1),
        _ => {}
    }
    schema
}

/// Whether a value is valid: another reading of the standard than the grammar's.
fn is_valid(root: &Json, schema: &Json, value: &Json) -> bool {
    valid(root, schema, value, 0)
}

/// `steps` counts references and alternatives since the value was last taken apart: what only goes in
/// circles allows nothing.
fn valid(root: &Json, schema: &Json, value: &Json, steps: u32) -> bool {
    if steps > 12 {
        return false;
    }
    let Some(keys) = schema.as_object() else {
        return schema == &json!(true);
    };
    let number = value.as_f64();
    keys.iter().all(|(key, says)| match key.as_str() {
        "$ref" => {
            let target = root.pointer(&says.as_str().unwrap()[1..]).unwrap();
            valid(root, target, value, steps + 1)
        }
        "anyOf" => {
            { says.as_array().unwrap().iter() }.any(|one| valid(root, one, value, steps + 1))
        }
        "enum" => says.as_array().unwrap().contains(value),
        "type" => match says.as_array() {
            Some(types) => types.iter().any(|one| has_type(value, one)),
            None => has_type(value, says),
        },
        "minimum" => number.is_none_or(|is| is >= says.as_f64().unwrap()),
        "maximum" => number.is_none_or(|is| is <= says.as_f64().unwrap()),
        "exclusiveMaximum" => number.is_none_or(|is| is < says.as_f64().unwrap()),
        "minLength" => length(value).is_none_or(|is| is >= says.as_u64().unwrap()),
        "maxLength" => length(value).is_none_or(|is| is <= says.as_u64().unwrap()),
        "pattern" => value.as_str().is_none_or(|text| patterns::has(text, says)),
        "multipleOf" => number.is_none_or(|is| patterns::is_multiple(is, says)),
        "minItems" => items(value).is_none_or(|is| is >= says.as_u64().unwrap()),
        "maxItems" => items(value).is_none_or(|is| is <= says.as_u64().unwrap()),
        "items" => { value.as_array().into_iter().flatten() }.all(|one| is_valid(root, says, one)),
        "required" => value.as_object().is_none_or(|members| {
            { says.as_array().unwrap().iter() }
                .all(|name| members.contains_key(name.as_str().unwrap()))
        }),
        "properties" => value.as_object().is_none_or(|members| {
            members.iter().all(|(name, one)| {
                says.get(name)
                    .is_none_or(|schema| is_valid(root, schema, one))
            })
        }),
        "additionalProperties" => value.as_object().is_none_or(|members| {
            let others = members
                .iter()
                .filter(|(name, _)| schema["properties"].get(name).is_none());
            { others }.all(|(_, one)| is_valid(root, says, one))
        }),
        "$defs" => true,
        other => panic!("the check does not know {other}"),
    })
}

fn length(value: &Json) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}

fn items(value: &Json) -> Option<u64> {
    value.as_array().map(|items| items.len() as u64)
}

fn has_type(value: &Json, name: &Json) -> bool {
    match name.as_str().unwrap() {
        "string" => value.is_string(),
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the check does not know {other}"),
    }
}

/// What leads to an end soonest, where it may come.
const ENDING: &[u8] = b"]}\"n0123456789tfrueals,:[{-.\\";

/// The byte that ends what stands open, in the flattest way there is: among alternatives that go in circles
/// any other choice might go on without end.
fn ending(walk: &Walk<'_>) -> Option<u8> {
    // Inside of a string anything may come, and the quote ends it.
    if walk.allows(b'q') && walk.allows(b'"') {
        return Some(b'"');
    }
    let among = |by| {
        let walk = walk.deeper(by);
        { ENDING.iter().copied().chain(0..=255) }.find(|byte| walk.allows(*byte))
    };
    // The deeper it stands, the less may come.
    let (mut some, mut none) = (0, DEPTH_MAX + 1);
    while none - some > 1 {
        let middle = u32::midpoint(some, none);
        match among(middle) {
            Some(_) => some = middle,
            None => none = middle,
        }
    }
    among(some)
}

/// A text of the grammar: at random for a while, then towards its end.
fn written(walk: &mut Walk<'_>, dice: &mut Dice, random: usize) -> Vec<u8> {
    let mut text = Vec::new();
    for step in 0..20_000 {
        let late = step > random;
        if walk.is_complete() && (late || dice.below(4) == 0) {
            return text;
        }
        let may: Vec<u8> = (0..=255).filter(|byte| walk.allows(*byte)).collect();
        if may.is_empty() {
            let so_far = String::from_utf8_lossy(&text);
            assert!(walk.is_complete(), "a dead end after {so_far}");
            return text;
        }
        let ends = (late || dice.below(4) == 0).then(|| ending(walk)).flatten();
        let byte = ends.unwrap_or_else(|| dice.of(&may));
        assert!(walk.step(byte));
        text.push(byte);
    }
    panic!("no end: {}", String::from_utf8_lossy(&text[..200]));
}

/// The vocabulary of a small model: an end, bytes, and pieces that cross what JSON keeps apart.
fn vocabulary() -> (Vec<Box<[u8]>>, Vocabulary) {
    let pieces = [
        "{\"",
        "\":",
        "\": ",
        "\",",
        "\", \"",
        "\"}",
        "\"]",
        "},",
        "}}",
        "]}",
        "[[",
        "[{",
        "{}",
        "[]",
        " \"",
        "\n  ",
        "\n\n",
        "null",
        "true",
        "false",
        "nul",
        "12",
        "0",
        "00",
        "-1",
        ".5",
        "e1",
        "1,",
        "1}",
        "a",
        "ab",
        "abc",
        "\"a",
        "\"a\"",
        "b\\\"c",
        "\\n",
        "\\u00",
        "\\ud8",
        "é",
        "日本",
        "x/y",
        "hello world",
        " a b ",
        "1.5]",
    ];
    let mut texts: Vec<Box<[u8]>> = vec![Box::default()];
    texts.extend((0..=255).map(|byte| Box::from([byte])));
    texts.extend(pieces.map(|piece| Box::from(piece.as_bytes())));
    texts.push(Box::from(&"é".as_bytes()[1..]));
    texts.push(Box::from([b'a', 0xe6, 0x97]));
    let vocabulary = Vocabulary::of(&texts);
    (texts, vocabulary)
}

fn grammar(schema: &Json) -> Option<Grammar> {
    match Grammar::of_schema(&schema.to_string()) {
        Ok(grammar) => Some(grammar),
        Err(fault) => {
            let fault = fault.to_string();
            assert!(
                fault.contains("no value of bounded depth"),
                "{fault}: {schema}"
            );
            None
        }
    }
}

fn what_is_written_is_valid(seed: u64) {
    let mut dice = Dice(seed);
    let schema = schema(&mut dice);
    let Some(grammar) = grammar(&schema) else {
        return;
    };
    let text = written(&mut grammar.walk(), &mut dice, 120);
    let value: Json = serde_json::from_slice(&text)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&text)));
    assert!(is_valid(&schema, &schema, &value), "{schema}\n{value}");
    assert!(grammar.accepts(&text));
}

/// Lists of objects that may be more lists of objects: none of them must.
#[test]
fn alternatives_in_circles_come_to_an_end() {
    what_is_written_is_valid(16_415_576_209_474_400_064);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_written_is_valid(seed: u64) {
        what_is_written_is_valid(seed);
    }

    /// With random numbers for tokens, as a sequence does it.
    #[test]
    fn whatever_a_model_prefers_is_valid(seed: u64, hot: bool) {
        let mut dice = Dice(seed);
        let schema = schema(&mut dice);
        let Some(grammar) = grammar(&schema) else { return Ok(()) };
        let (texts, vocabulary) = vocabulary();
        let sampling = Sampling {
            temperature: if hot { 1.0 } else { 0.0 },
            seed: Some(seed),
            ..Sampling::default()
        };
        let mut sampler = Sampler::new(sampling, &[]);
        let mut guide = Guide::new(Arc::new(grammar));
        let mut text = Vec::new();
        for step in 0..6_000 {
            let mut mask = guide.allowed(&vocabulary, false);
            prop_assert!(!mask.is_empty() || guide.is_complete(), "a dead end: {schema}\n{}", String::from_utf8_lossy(&text));
            // Each token is allowed if each of its bytes is.
            if step % 16 == 0 {
                for (token, bytes) in (0..).zip(&texts).skip(1) {
                    let mut walk = guide.walk();
                    let may = bytes.iter().all(|byte| walk.step(*byte));
                    prop_assert_eq!(mask.allows(token), may, "{:?}", bytes);
                }
            }
            if guide.is_complete() {
                mask.allow(0);
            }
            let logits: Vec<f32> = texts
                .iter()
                .map(|bytes| {
                    let ends = bytes.iter().all(|byte| b"\"]}n0".contains(byte));
                    let random = f32::from(u16::try_from(dice.below(1 << 16)).unwrap()) / 8192.0;
                    random + if step > 60 && ends { 9.0 } else { 0.0 }
                })
                .collect();
            let token = sampler.choose(&logits, None, Some(&mask));
            prop_assert!(mask.allows(token));
            if token == 0 {
                break;
            }
            text.extend_from_slice(&texts[token as usize]);
            guide.push(&texts[token as usize]);
        }
        if guide.is_complete() {
            let value: Json = serde_json::from_slice(&text)
                .map_err(|error| TestCaseError::fail(format!("{error}: {}", String::from_utf8_lossy(&text))))?;
            prop_assert!(is_valid(&schema, &schema, &value), "{schema}\n{value}");
        } else {
            let text = String::from_utf8_lossy(&text);
            prop_assert!(text.len() > 5_000, "{schema}\n{text}");
        }
    }
}

fn accepts(schema: &Json, text: &str) -> bool {
    Grammar::of_schema(&schema.to_string())
        .unwrap()
        .accepts(text.as_bytes())
}

/// A schema, texts that are of it, and texts that are not.
type Row = (Json, &'static [&'static str], &'static [&'static str]);

#[test]
fn texts_are_those_of_the_schema() {
    let rows = [objects(), formats(), others()].into_iter().flatten();
    for (schema, good, bad) in rows {
        for text in good {
            assert!(accepts(&schema, text), "{schema}: {text}");
        }
        for text in bad {
            assert!(!accepts(&schema, text), "{schema}: {text}");
        }
    }
}

fn objects() -> Vec<Row> {
    let list = json!({"type": "object", "properties": {"v": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
        "required": ["v", "next"], "additionalProperties": false});
    let both = json!({"anyOf": [
        {"type": "object", "properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}, "required": ["kind", "x"]},
        {"type": "object", "properties": {"kind": {"const": "ab"}, "y": {"type": "string"}}, "required": ["kind", "y"]}]});
    let free = json!({"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": {"type": "integer"}});
    let optional = json!({"properties": {"a": true, "b": {"type": "null"}, "c": {"type": "null"}}, "required": ["b"]});
    vec![
        (
            list,
            &[
                r#"{"v":1,"next":null}"#,
                r#"{"v": 1, "next": {"v": -20, "next": null}}"#,
                "{\n  \"v\": 0,\n  \"next\": null\n}",
            ],
            &[
                r#"{"v":1}"#,
                r#"{"next":null,"v":1}"#,
                r#"{"v":01,"next":null}"#,
                r#"{"v":1,"next":null,"x":1}"#,
                r#"{"v":1,"next":null}  "#,
                "",
            ],
        ),
        (
            both,
            &[r#"{"kind":"a","x":1}"#, r#"{"kind":"ab","y":""}"#],
            &[r#"{"kind":"a","y":""}"#, r#"{"kind":"ab","x":1}"#],
        ),
        (
            free,
            &[
                "{}",
                r#"{"a":null}"#,
                r#"{"a":null,"b":1}"#,
                r#"{"ab":1,"":2}"#,
                r#"{"é":1}"#,
            ],
            &[
                r#"{"a":1}"#,
                r#"{"b":1,"a":null}"#,
                r#"{"b":null}"#,
                r#"{"\u0061":1}"#,
                r#"{"a":null,"a":1}"#,
            ],
        ),
        (
            optional,
            &[
                r#"{"b":null}"#,
                r#"{"a":[1,{}],"b":null}"#,
                r#"{"a":"x","b":null,"c":null}"#,
            ],
            &[
                "{}",
                r#"{"a":1}"#,
                r#"{"c":null,"b":null}"#,
                r#"{"b":null,"d":1}"#,
                r#"{"b":null "#,
                r#"{"b":null,}"#,
            ],
        ),
    ]
}

fn formats() -> Vec<Row> {
    vec![
        (
            json!({"type": "integer", "format": "int32", "minimum": -1}),
            &["-1", "0", "2147483647"],
            &["-2", "2147483648", "1.0", "1e3"],
        ),
        (
            json!({"type": "integer", "format": "uint8"}),
            &["0", "255"],
            &["256", "-1"],
        ),
        (
            json!({"type": "number", "format": "float"}),
            &["1.5", "-3"],
            &["1e99"],
        ),
        (
            json!({"type": "number", "format": "double"}),
            &["1e99", "-1.5e-7"],
            &["1e999"],
        ),
    ]
}

fn others() -> Vec<Row> {
    vec![
        (
            json!({"enum": [1, 12, "x", [1, {"a": 2}]]}),
            &["1", "12", "\"x\"", r#"[1,{"a":2}]"#],
            &["2", "123", "x", "[1]"],
        ),
        (
            json!({"type": "integer", "minimum": -5, "maximum": 12}),
            &["-5", "0", "9", "10", "12"],
            &["-6", "13", "-0", "1.0", "90"],
        ),
        (
            json!({"type": "integer", "exclusiveMinimum": 99, "maximum": 1000}),
            &["100", "1000"],
            &["99", "1001", "0", "-1"],
        ),
        (
            json!({"type": "number", "minimum": 0.25, "exclusiveMaximum": 1}),
            &["0.25", "0.999999", "0.3"],
            &["0.2", "1", "0", "0.249999", "-0.3"],
        ),
        (
            json!({"type": "number"}),
            &["0", "-1.5e-7", "1E+9"],
            &["1.", ".5", "1e999", "+1", "00"],
        ),
        (
            json!({"type": "string", "minLength": 2, "maxLength": 3}),
            &[r#""日é""#, r#""\u00e9\n.""#],
            &[r#""a""#, r#""abcd""#, "\"a\nb\"", r#""\ud83d.""#],
        ),
        (
            json!({"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 2}),
            &["[true]", "[true, false]", "[\n    true\n]"],
            &["[]", "[true,true,true]", "[true,]", "[     true]"],
        ),
        (
            json!({"type": ["integer", "null"]}),
            &["1", "null"],
            &["\"1\"", "nul"],
        ),
        (json!({}), &["[{\"a\": [null]}]", "1"], &["[", "nan"]),
        (
            json!({"type": "object", "required": ["x"]}),
            &[r#"{"x":[]}"#],
            &["{}", r#"{"y":1}"#],
        ),
        (
            json!({"allOf": [{"$ref": "#/$defs/a~1b"}], "$defs": {"a/b": {"const": null}}}),
            &["null"],
            &["1"],
        ),
    ]
}

#[test]
fn depth_is_bounded_and_what_is_open_can_be_closed() {
    let schema = json!({"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"type": "array", "items": {"$ref": "#"}}}, "required": ["b"]});
    let grammar = Grammar::of_schema(&schema.to_string()).unwrap();
    let mut walk = grammar.walk();
    let mut text = Vec::new();
    // As deep as it goes.
    loop {
        let next = b"[{\"ba:]},".iter().find(|byte| walk.allows(**byte));
        let Some(byte) = next else { break };
        walk.step(*byte);
        text.push(*byte);
        assert!(text.len() < 5_000);
    }
    assert!(walk.is_complete(), "{}", String::from_utf8_lossy(&text));
    let value: Json = serde_json::from_slice(&text).unwrap();
    assert!(is_valid(&schema, &schema, &value));
}

#[test]
fn alternatives_that_double_at_every_level_stay_few() {
    let open = json!({"type": "array", "items": {"$ref": "#"}});
    let schema = json!({"anyOf": [open, {"type": "array", "items": {"$ref": "#"}, "maxItems": 9}, {"type": "null"}]});
    let text = [vec![b'['; 60], b"null".to_vec(), vec![b']'; 60]].concat();
    assert!(accepts(&schema, std::str::from_utf8(&text).unwrap()));
}

#[test]
fn a_vocabulary_without_all_bytes_is_known() {
    let (texts, vocabulary) = vocabulary();
    assert!(vocabulary.writes_all());
    let without: Vec<Box<[u8]>> = { texts.into_iter() }
        .filter(|text| **text != *b"}")
        .collect();
    assert!(!Vocabulary::of(&without).writes_all());
}
