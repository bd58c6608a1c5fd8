//! What is read, and what is refused before it costs anything.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn refused(text: &str, what: &str) {
    let fault = parse(text).unwrap_err();
    assert!(fault.what.contains(what), "{fault}");
}

#[test]
fn scalars_keep_their_letters_and_every_node_its_line() {
    let tree = parse(
        "a: 0.00000015\nb: [1e-7, 'null', null]\nc: # nothing\nd: |\n  two\n  lines\n\"e\": {f: no}\n",
    )
    .unwrap();
    assert_eq!(tree.get("a").unwrap().text(), Some("0.00000015"));
    let b = tree.get("b").unwrap();
    let texts: Vec<_> = b.list().iter().map(Yaml::text).collect();
    assert_eq!((texts, b.line), (vec![Some("1e-7"), Some("null"), None], 2));
    assert_eq!(tree.get("c"), None);
    assert_eq!(tree.get("d").unwrap().text(), Some("two\nlines\n"));
    let f = tree.get("e").unwrap().get("f").unwrap();
    assert_eq!((f.text(), f.line), (Some("no"), 7));
    assert_eq!(parse("").unwrap().value, Value::Null);
}

#[test]
fn aliases_and_merges_are_followed() {
    let tree =
        parse("base: &b {x: 1, y: 2}\nown: {<<: *b, z: *b}\nlate: {y: 3, <<: *b}\n").unwrap();
    let own = tree.get("own").unwrap();
    assert_eq!(own.get("y").unwrap().text(), Some("2"));
    assert_eq!(own.get("z").unwrap().get("x").unwrap().text(), Some("1"));
    let late = tree.get("late").unwrap();
    assert_eq!(late.get("y").unwrap().text(), Some("3"));
    assert_eq!(late.table().len(), 2);
}

#[test]
fn bombs_are_refused_before_they_are_built() {
    // Nine levels of nine aliases each: a billion values from a few lines.
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(laughs, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    refused(&laughs, "100,000 values");
    // Each alias is one deeper than the last.
    let mut chain = "a0: &a0 [x]\n".to_owned();
    for level in 1..1_000 {
        writeln!(chain, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    refused(&chain, "64 lists");
    refused(&"[".repeat(100), "64 lists");
    refused(&"- ".repeat(100_000), "64 lists");
    refused(&"a: ".repeat(10), "no YAML");
    refused("a: &a [*a]\n", "stands in");
    refused(&" ".repeat(BYTES_MAX + 1), "4 MiB");
    refused(&"- x\n".repeat(NODES_MAX), "100,000 values");
    // What every anchor remembers is paid for as well.
    let anchored: String = (0..60).map(|level| format!("&a{level} [")).collect();
    refused(
        &(anchored + &"x, ".repeat(5_000) + &"]".repeat(60)),
        "100,000 values",
    );
    let keys: String = (0..=KEYS_MAX).map(|key| format!("k{key}: 1\n")).collect();
    refused(&keys, "1,000 keys");
}

#[test]
fn what_could_be_read_in_two_ways_is_refused_and_no_fault_repeats_the_file() {
    refused("a: 1\na: 2\n", "twice");
    refused("a: 1\n---\nb: 2\n", "second document");
    refused("[a]: 1\n", "no text");
    let fault = parse("api_key: sk-canary\n  b: \"sk-canary").unwrap_err();
    assert!(!format!("{fault} {fault:?}").contains("canary"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[a-c0-9 \\n:\\-\\[\\]{},&*<'\"#|>!%?~]{0,200}") {
        let _ = parse(&text);
    }
}
