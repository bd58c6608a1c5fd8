//! A schema is refused, or every text that it leads to can be finished and is JSON; and an answer ends at
//! its stop texts however it is cut.

use vane_engine::{Grammar, Stops, Walk};

use crate::splits::{self, Draw};

/// What leads to an end soonest.
const ENDING: &[u8] = b"]}\"n0123456789tfrueals,:[{-.\\";
const RANDOM_BYTES: usize = 60;
const BYTES_MAX: usize = 600;

pub fn schema(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let grammar = match Grammar::of_schema(&text) {
        Ok(grammar) => grammar,
        Err(fault) => return assert!(!fault.to_string().is_empty()),
    };
    let mut draw = splits::seed(bytes);
    for _ in 0..3 {
        written(&grammar, &mut draw);
    }
}

fn written(grammar: &Grammar, draw: &mut Draw) {
    let mut walk = grammar.walk();
    let mut text = Vec::new();
    while text.len() < BYTES_MAX {
        if walk.is_complete() && (text.len() > RANDOM_BYTES || draw.below(4) == 0) {
            break;
        }
        let Some(byte) = next(&walk, draw, text.len() > RANDOM_BYTES) else {
            assert!(
                walk.is_complete(),
                "a dead end after {:?}",
                String::from_utf8_lossy(&text)
            );
            break;
        };
        assert!(walk.step(byte));
        text.push(byte);
    }
    if walk.is_complete() {
        let read: Result<serde_json::Value, _> = serde_json::from_slice(&text);
        assert!(
            read.is_ok(),
            "no JSON: {:?}",
            String::from_utf8_lossy(&text)
        );
        assert!(grammar.accepts(&text));
    }
}

fn next(walk: &Walk<'_>, draw: &mut Draw, ends: bool) -> Option<u8> {
    // Inside of a string anything may come, and the quote ends it.
    let quote = walk.allows(b'q') && walk.allows(b'"');
    if ends || draw.below(3) == 0 {
        let ending = ENDING.iter().copied().find(|byte| walk.allows(*byte));
        return if quote {
            Some(b'"')
        } else {
            ending.or_else(|| any(walk, draw))
        };
    }
    any(walk, draw)
}

fn any(walk: &Walk<'_>, draw: &mut Draw) -> Option<u8> {
    let may: Vec<u8> = (0..=255).filter(|byte| walk.allows(*byte)).collect();
    draw.of(&may).copied()
}

/// Stop texts, each on a line, an empty line, and the answer.
pub fn stops(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (stops, answer) = text.split_once("\n\n").unwrap_or(("", &text));
    let stops = stops.lines().filter(|stop| !stop.is_empty());
    let stops: Vec<String> = stops.map(|stop| stop.replace("\\n", "\n")).collect();
    let letters: Vec<char> = answer.chars().collect();
    let found = stops.iter().any(|stop| answer.contains(stop.as_str()));
    for many in [1, 2, 3, 7, letters.len().max(1)] {
        let mut matcher = Stops::new(stops.clone());
        let (mut told, mut hit) = (String::new(), false);
        for piece in letters.chunks(many) {
            let (more, stopped) = matcher.push(&piece.iter().collect::<String>());
            told += &more;
            hit = stopped;
            if hit {
                break;
            }
        }
        if !hit {
            told += &matcher.finish();
        }
        assert_eq!(hit, found, "in pieces of {many}");
        assert!(answer.starts_with(&told));
        assert!(hit || told == answer);
        let within = { stops.iter() }.find(|stop| told.contains(stop.as_str()));
        assert!(within.is_none(), "{within:?} was told");
    }
}
