//! What `pattern` and `multipleOf` allow, beside what a matcher does that goes back and tries again.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{Dice, accepts};
use crate::grammar::Grammar;

type Known = (&'static str, fn(&str) -> bool);
type Class = (&'static str, fn(char) -> bool);

/// Patterns of random schemas, and how else one asks for them.
const KNOWN: [Known; 4] = [
    ("^[a-c]{2,4}-\\d+$", |text| {
        let parts = text.split_once('-');
        parts.is_some_and(|(word, number)| {
            (2..=4).contains(&word.len())
                && word.bytes().all(|byte| (b'a'..=b'c').contains(&byte))
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    }),
    ("^(?:é|日本)+$", |text| {
        !text.is_empty() && text.replace("日本", "é").chars().all(|sign| sign == 'é')
    }),
    ("^(?:\\r?\\n|\"|\\\\)*$", |text| {
        let rest = text.replace("\r\n", "\n");
        rest.chars().all(|sign| "\n\"\\".contains(sign))
    }),
    ("^[^a-z\\s]?x", |text| {
        let mut signs = text.chars();
        let odd = |sign: char| !sign.is_ascii_lowercase() && !sign.is_whitespace();
        match (signs.next(), signs.next()) {
            (Some('x'), _) => true,
            (Some(first), second) => odd(first) && second == Some('x'),
            (None, _) => false,
        }
    }),
];

/// A schema with one of the two keys.
pub(super) fn part(dice: &mut Dice) -> Json {
    match dice.below(6) {
        0 => json!({"type": "integer", "multipleOf": 1 + dice.below(40)}),
        1 => json!({"type": "number", "multipleOf": 0.25, "minimum": -3, "maximum": 30.5}),
        2 => json!({"type": "integer", "multipleOf": 1.5, "minimum": 100, "maximum": 1000}),
        _ => json!({"type": "string", "pattern": dice.of(&KNOWN).0}),
    }
}

pub(super) fn has(text: &str, pattern: &Json) -> bool {
    let known = KNOWN.iter().find(|(known, _)| pattern == known);
    known.unwrap().1(text)
}

pub(super) fn is_multiple(number: f64, step: &Json) -> bool {
    (number / step.as_f64().unwrap()).fract() == 0.0
}

/// A part of a pattern.
#[derive(Debug, Clone)]
enum Part {
    One(char),
    /// Written so; what it is.
    Any(String, fn(char) -> bool),
    Class(bool, Vec<(char, char)>),
    Start,
    End,
    Join(Vec<Part>),
    Either(Vec<Part>),
    Repeat(Box<Part>, usize, Option<usize>),
}

const SIGNS: [char; 10] = ['a', 'b', 'c', '1', ' ', '\n', '"', '\\', 'é', '𝄞'];

fn is_word(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || sign == '_'
}

fn random(dice: &mut Dice, depth: u64) -> Part {
    let any: [Class; 7] = [
        (".", |sign| !"\n\r\u{2028}\u{2029}".contains(sign)),
        ("\\d", |sign| sign.is_ascii_digit()),
        ("\\D", |sign| !sign.is_ascii_digit()),
        ("\\w", is_word),
        ("\\W", |sign| !is_word(sign)),
        ("\\s", char::is_whitespace),
        ("\\S", |sign| !sign.is_whitespace()),
    ];
    let many = |dice: &mut Dice| {
        (0..dice.below(4))
            .map(|_| random(dice, depth - 1))
            .collect()
    };
    match dice.below(if depth == 0 { 9 } else { 15 }) {
        0..=4 => Part::One(dice.of(&SIGNS)),
        5 => {
            let (text, is) = dice.of(&any);
            Part::Any(text.to_owned(), is)
        }
        6 => {
            let many = dice.below(4);
            let ranges = (0..many).map(|_| {
                let (one, other) = (dice.of(&SIGNS), dice.of(&SIGNS));
                (one.min(other), one.max(other))
            });
            Part::Class(many.is_multiple_of(2), ranges.collect())
        }
        7 => Part::Start,
        8 => Part::End,
        9..=11 => Part::Join(many(dice)),
        12 => Part::Either(many(dice)),
        _ => {
            let least = usize::try_from(dice.below(3)).unwrap();
            let most =
                (dice.below(2) == 0).then(|| least + usize::try_from(dice.below(3)).unwrap());
            Part::Repeat(Box::new(random(dice, depth - 1)), least, most)
        }
    }
}

/// One of the ways in which a character is written.
fn sign(sign: char, dice: &mut Dice) -> String {
    let code = u32::from(sign);
    match dice.below(4) {
        0 => format!("\\u{{{code:x}}}"),
        1 if code < 0x1_0000 => format!("\\u{code:04X}"),
        2 if code < 0x100 => format!("\\x{code:02x}"),
        _ if sign == '\\' => "\\\\".to_owned(),
        _ if sign == '\n' && dice.below(2) == 0 => "\\n".to_owned(),
        _ => sign.to_string(),
    }
}

fn text(part: &Part, dice: &mut Dice) -> String {
    match part {
        Part::One(one) => sign(*one, dice),
        Part::Any(text, _) => text.clone(),
        Part::Class(negated, ranges) => {
            let mut text = if *negated { "[^" } else { "[" }.to_owned();
            for (from, to) in ranges {
                text += &sign(*from, dice);
                if from != to || dice.below(2) == 0 {
                    text += "-";
                    text += &sign(*to, dice);
                }
            }
            text + "]"
        }
        Part::Start => "^".to_owned(),
        Part::End => "$".to_owned(),
        Part::Join(parts) => {
            let texts = parts.iter().map(|part| match part {
                Part::Either(_) => group(part, dice),
                _ => text(part, dice),
            });
            texts.collect()
        }
        Part::Either(parts) => {
            let texts: Vec<String> = parts.iter().map(|part| text(part, dice)).collect();
            texts.join("|")
        }
        Part::Repeat(part, least, most) => {
            let times = match (least, most) {
                (0, None) => "*".to_owned(),
                (1, None) => "+".to_owned(),
                (0, Some(1)) => "?".to_owned(),
                (least, None) => format!("{{{least},}}"),
                (least, Some(most)) if least == most => format!("{{{least}}}"),
                (least, Some(most)) => format!("{{{least},{most}}}"),
            };
            let lazy = if dice.below(4) == 0 { "?" } else { "" };
            format!("{}{times}{lazy}", group(part, dice))
        }
    }
}

fn group(part: &Part, dice: &mut Dice) -> String {
    let inner = text(part, dice);
    let begin = dice.of(&["(", "(?:", "(?<name>"]);
    format!("{begin}{inner})")
}

type Next<'n> = &'n mut dyn FnMut(usize) -> bool;

/// Whether a part is at a place, and then what comes next.
fn at(part: &Part, said: &[char], place: usize, next: Next<'_>) -> bool {
    let one = |is: bool, next: Next<'_>| is && next(place + 1);
    let here = said.get(place).copied();
    match part {
        Part::One(sign) => one(here == Some(*sign), next),
        Part::Any(_, is) => one(here.is_some_and(is), next),
        Part::Class(negated, ranges) => {
            let within = |sign| {
                ranges
                    .iter()
                    .any(|(from, to)| (*from..=*to).contains(&sign))
            };
            one(here.is_some_and(|sign| within(sign) != *negated), next)
        }
        Part::Start => place == 0 && next(place),
        Part::End => place == said.len() && next(place),
        Part::Join(parts) => match parts.split_first() {
            None => next(place),
            Some((first, rest)) => {
                let rest = Part::Join(rest.to_vec());
                at(first, said, place, &mut |place| {
                    at(&rest, said, place, next)
                })
            }
        },
        Part::Either(parts) if parts.is_empty() => next(place),
        Part::Either(parts) => parts.iter().any(|part| at(part, said, place, next)),
        Part::Repeat(_, 0, Some(0)) => next(place),
        Part::Repeat(part, least, most) => {
            let rest = Part::Repeat(
                part.clone(),
                least.saturating_sub(1),
                most.map(|most| most - 1),
            );
            let mut round = |after| {
                // A round of nothing leads nowhere that the end does not.
                let is_new = after > place || *least > 0;
                is_new && at(&rest, said, after, next)
            };
            at(part, said, place, &mut round) || *least == 0 && next(place)
        }
    }
}

fn is_in(part: &Part, said: &str) -> bool {
    let said: Vec<char> = said.chars().collect();
    (0..=said.len()).any(|place| at(part, &said, place, &mut |_| true))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_allowed_is_what_a_matcher_finds(seed: u64) {
        let mut dice = Dice(seed);
        let part = random(&mut dice, 3);
        let pattern = text(&part, &mut dice);
        let (least, most) = (dice.below(3), 2 + dice.below(5));
        let schema = match dice.below(2) {
            0 => json!({"type": "string", "pattern": pattern}),
            _ => json!({"type": "string", "pattern": pattern, "minLength": least, "maxLength": most}),
        };
        let bounded = schema.get("maxLength").is_some();
        let grammar = match Grammar::of_schema(&schema.to_string()) {
            Ok(grammar) => Some(grammar),
            Err(fault) if fault.to_string().contains("no value") => None,
            Err(fault) => panic!("{schema}: {fault}"),
        };
        for _ in 0..60 {
            let said: String = (0..dice.below(7)).map(|_| dice.of(&SIGNS)).collect();
            let many = said.chars().count() as u64;
            let fits = !bounded || (least..=most).contains(&many);
            let allowed = grammar.as_ref().is_some_and(|grammar| grammar.accepts(Json::from(said.as_str()).to_string().as_bytes()));
            prop_assert_eq!(allowed, fits && is_in(&part, &said), "{}: {:?}", &schema, said);
        }
    }

    /// Decimals as they are written.
    #[test]
    fn multiples_are_those_of_arithmetic(step in 1_u32..5_000_000, of in -3_000_i64..3_000, more in -2_i64..2, whole: bool) {
        let step = if whole { i64::from(step) * 1_000_000 } else { i64::from(step) };
        let number = of * step + more;
        let decimal = |units: i64| {
            let (sign, units) = (if units < 0 { "-" } else { "" }, units.abs());
            let text = format!("{sign}{}.{:06}", units / 1_000_000, units % 1_000_000);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        let text = format!("{{\"type\": \"number\", \"multipleOf\": {}}}", decimal(step));
        let schema: Json = serde_json::from_str(&text).unwrap();
        let is = number % step == 0;
        prop_assert_eq!(accepts(&schema, &decimal(number)), is, "{} {}", schema, decimal(number));
        let integer = serde_json::from_str::<Json>(&text.replace("number", "integer")).unwrap();
        let is = is && number % 1_000_000 == 0;
        prop_assert_eq!(accepts(&integer, &decimal(number)), is, "{} {}", integer, decimal(number));
    }
}

#[test]
fn patterns_are_read_as_ecma_262_has_them() {
    for (pattern, has, has_not) in [
        (
            "^\\d{4}-\\d{2}$",
            &["2026-11"][..],
            &["2026-1", "a2026-11", "2026-11\n"][..],
        ),
        ("x", &["x", "axb", "\u{1}x"], &["", "X"]),
        (
            "^[\\w.+-]+@\\w+\\.[a-z]{2,}$",
            &["a.b+c@d.ch"],
            &["a@b", "@b.ch"],
        ),
        ("^[\\]\\-^]+$", &["]-^"], &["\\"]),
        ("^[a-]$", &["a", "-"], &["b"]),
        ("^[^]$", &["\n", "𝄞"], &["", "ab"]),
        ("^(?<year>\\d+)\\/(a|b|)$", &["1/a", "1/"], &["1/c"]),
        ("^.$", &["a", "\u{85}"], &["\u{2028}", "\r"]),
        ("^\\s$", &["\u{feff}", "\u{a0}"], &["\u{85}", "a"]),
        ("^\\x41\\u0042\\u{43}$", &["ABC"], &["abc"]),
        (
            "^\\t\\v\\f\\0\\x1f\\x7f$",
            &["\t\u{b}\u{c}\0\u{1f}\u{7f}"],
            &[],
        ),
        (
            "^(a+)+$",
            &["aaaaaaaaaaaaaaaaaaaa"],
            &["aaaaaaaaaaaaaaaaaaab"],
        ),
    ] {
        let schema = json!({ "pattern": pattern });
        let accepts = |text: &&&str| accepts(&schema, &Json::from(**text).to_string());
        assert_eq!(has.iter().find(|text| !accepts(text)), None, "{pattern}");
        assert_eq!(has_not.iter().find(accepts), None, "{pattern}");
    }
}

#[test]
fn what_of_a_pattern_is_not_supported_is_named() {
    let deep = "(".repeat(60) + &")".repeat(60);
    let (long, wide) = ("a".repeat(1_025), "(a{1000}){1000}");
    for (pattern, expected) in [
        ("(?=a)", "looking ahead"),
        ("(?<!a)b", "looking ahead or behind"),
        ("(?i:a)", "a group of another kind"),
        ("(a)\\1", "`\\1`"),
        ("\\bword", "`\\b`"),
        ("\\p{L}", "`\\p`"),
        ("\\cJ", "`\\c`"),
        ("[z-a]", "a range in a class"),
        ("[\\d-x]", "a range in a class"),
        ("[a", "a class that does not end"),
        ("(a", "a group that does not end"),
        ("a)", "`)` stands alone"),
        ("*", "`*` stands alone"),
        ("a{2", "`{` that does not end"),
        ("a{x}", "`{` that counts nothing"),
        ("a{3,2}", "less than its least"),
        ("a**", "a quantifier of a quantifier"),
        ("^*", "`^` cannot be repeated"),
        ("a{1001}", "more than 1000"),
        ("\\", "a backslash at the end"),
        ("\\ud800", "half a character"),
        (&deep, "groups within each other"),
        (&long, "more than 1024 bytes"),
        (wide, "too large"),
        ("^(a|b)*a(a|b){12}$", "too large"),
    ] {
        let schema = json!({"type": "object", "properties": {"a": {"pattern": pattern}}});
        let fault = Grammar::of_schema(&schema.to_string())
            .unwrap_err()
            .to_string();
        assert!(fault.contains("#/properties/a/pattern: "), "{fault}");
        assert!(fault.contains(expected), "{pattern}: {fault}");
    }
}
