//! What it costs to hold answers to a schema: `masks TOKENIZER...` times, for files of tokenizers, the
//! making of a vocabulary's tree and each mask of one answer.
#![allow(clippy::print_stdout, reason = "it prints what it measures")]

use std::path::Path;
use std::time::{Duration, Instant};

use vane_engine::{Grammar, Tokenizer};

const SCHEMA: &str = r##"{"type": "object", "properties": {"title": {"type": "string", "maxLength": 200},
    "kind": {"enum": ["bug", "feature", "question"]}, "weight": {"type": "number"}, "done": {"type": "boolean"},
    "parts": {"type": "array", "items": {"$ref": "#"}, "maxItems": 5}, "note": {"type": ["string", "null"]}},
    "required": ["title", "kind", "weight", "done", "parts", "note"], "additionalProperties": false}"##;
const ANSWER: &str = r#"{"title": "The answer ends before its last brace, naïvely — 日本", "kind": "bug", "weight": 12.5, "done": false,
    "parts": [{"title": "Find \"it\"", "kind": "question", "weight": 1e3, "done": true, "parts": [], "note": null}],
    "note": "None of this was ever said by anybody, and it is as long as a note usually is: a sentence or two."}"#;

fn main() -> anyhow::Result<()> {
    for path in std::env::args().skip(1) {
        let tokenizer = Tokenizer::open(Path::new(&path))?;
        let begun = Instant::now();
        let compiled = Grammar::of_schema(SCHEMA)?;
        let compiling = begun.elapsed();
        let answer = ANSWER.replace("\n    ", " ");
        let tokens = tokenizer.encode_within(&answer);
        let begun = Instant::now();
        tokenizer.masks(compiled.into(), &[], &mut |_| ());
        let tree = begun.elapsed();
        let compiled = Grammar::of_schema(SCHEMA)?;
        let mut each: Vec<Duration> = Vec::new();
        let begun = Instant::now();
        let mut last = begun;
        tokenizer.masks(compiled.into(), &tokens, &mut |allowed| {
            assert!(allowed, "the answer is one of the schema");
            each.push(last.elapsed());
            last = Instant::now();
        });
        let total = begun.elapsed();
        each.sort();
        println!(
            "{path}: {} tokens; schema {compiling:.1?}, tree {tree:.1?}; {} masks in {total:.1?}: median {:.1?}, most {:.1?}",
            tokenizer.len(),
            each.len(),
            each[each.len() / 2],
            each[each.len() - 1],
        );
    }
    Ok(())
}
