//! Random changes of seeds: of bytes, and of the JSON inside them.
//!
//! Most random bytes die in the first parser. Changes of the tree (a value moved elsewhere,
//! replaced by another type, doubled, removed) reach the code behind it.

use serde_json::Value;
use vane_fuzz::splits::Draw;

/// Pieces that parsers trip over.
const TOKENS: &[&str] = &[
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "18446744073709551616",
    "9007199254740993",
    "0.1",
    "\"\"",
    "{}",
    "[]",
    "[[",
    "\\ud800",
    "\\u0000",
    "\u{feff}",
    "\u{1f600}",
    "\r\n\r\n",
    "\n\n",
    "\r",
    "data: [DONE]\n\n",
    "data:",
    "event: error\n",
    ": ping\n\n",
    "<html>",
    "vane1.",
    "\"type\":",
    "data:image/png;base64,",
    "\"}",
    "\\",
    "sk-vane-",
    "mistral/",
    "codestral/",
    "&",
    "=",
    "+",
    "%00",
    "%E2%82",
    "; ",
    "vane=",
    "```",
    "|---|\n",
    "](",
    "[a](keys.md#b)",
    "<b onclick=x>",
    "> ",
    "- ",
];

/// Values that stand where another was.
const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1",
    "1.5",
    "1e300",
    "9007199254740993",
    "18446744073709551615",
    "\"\"",
    "\"null\"",
    "\"x\"",
    "\"\u{0}\"",
    "\"\u{1f600}\"",
    "{}",
    "[]",
    "[null]",
    "[{}]",
    "[[]]",
    "{\"type\":\"\"}",
    "{\"type\":\"text\",\"text\":\"\"}",
    "{\"type\":\"unheard_of\",\"x\":1}",
    "{\"error\":{\"message\":\"no\"}}",
];

/// A seed after one to four changes.
pub fn any(seeds: &[Vec<u8>], draw: &mut Draw) -> Vec<u8> {
    let mut bytes = draw.of(seeds).cloned().unwrap_or_default();
    for _ in 0..=draw.below(4) {
        bytes = match draw.below(5) {
            0..=2 => tree(&bytes, seeds, draw).unwrap_or_else(|| raw(bytes, seeds, draw)),
            3 => lines(&bytes, draw),
            _ => raw(bytes, seeds, draw),
        };
    }
    bytes
}

/// Changes bytes.
fn raw(mut bytes: Vec<u8>, seeds: &[Vec<u8>], draw: &mut Draw) -> Vec<u8> {
    let at = draw.below(bytes.len() + 1);
    match draw.below(5) {
        0 if at < bytes.len() => bytes[at] ^= 1 << draw.below(8),
        1 => {
            let token = draw.of(TOKENS).copied().unwrap_or_default();
            bytes.splice(at..at, token.bytes());
        }
        2 => {
            let end = (at + draw.below(16)).min(bytes.len());
            bytes.drain(at..end);
        }
        3 => bytes.truncate(at),
        _ => {
            let other = draw.of(seeds).cloned().unwrap_or_default();
            let from = draw.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
    }
    bytes
}

/// Doubles, drops or swaps lines: frames of a stream.
fn lines(bytes: &[u8], draw: &mut Draw) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let (at, other) = (draw.below(lines.len()), draw.below(lines.len()));
    if lines.is_empty() {
        return Vec::new();
    }
    match draw.below(3) {
        0 => lines.insert(other, lines[at]),
        1 => {
            lines.remove(at);
        }
        _ => lines.swap(at, other),
    }
    lines.concat()
}

/// Changes the JSON of the body, or of one `data:` line.
fn tree(bytes: &[u8], seeds: &[Vec<u8>], draw: &mut Draw) -> Option<Vec<u8>> {
    if let Ok(mut value) = serde_json::from_slice::<Value>(bytes) {
        change(&mut value, seeds, draw);
        return serde_json::to_vec(&value).ok();
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let data: Vec<(usize, &str)> = text
        .match_indices("data: {")
        .filter_map(|(at, _)| Some((at + 6, text.get(at + 6..)?.lines().next()?)))
        .collect();
    let (at, line) = draw.of(&data).copied()?;
    let mut value: Value = serde_json::from_str(line).ok()?;
    change(&mut value, seeds, draw);
    Some(format!("{}{value}{}", &text[..at], &text[at + line.len()..]).into_bytes())
}

fn change(value: &mut Value, seeds: &[Vec<u8>], draw: &mut Draw) {
    let nodes = count(value);
    let donor = donor(value, nodes, seeds, draw);
    let mut at = draw.below(nodes);
    edit(value, &mut at, &mut |node| {
        change_node(node, donor.clone(), draw)
    });
}

/// A value of this tree, of another seed, or a known bad one.
fn donor(value: &Value, nodes: usize, seeds: &[Vec<u8>], draw: &mut Draw) -> Value {
    let constant = |draw: &mut Draw| {
        let text = draw.of(VALUES).copied().unwrap_or("null");
        serde_json::from_str(text).unwrap_or(Value::Null)
    };
    let other = match draw.below(3) {
        0 => return constant(draw),
        1 => draw
            .of(seeds)
            .and_then(|seed| serde_json::from_slice::<Value>(seed).ok()),
        _ => None,
    };
    let (mut tree, nodes) = match other {
        Some(other) => (other.clone(), count(&other)),
        None => (value.clone(), nodes),
    };
    let mut at = draw.below(nodes);
    let mut found = Value::Null;
    edit(&mut tree, &mut at, &mut |node| found = node.clone());
    found
}

fn change_node(node: &mut Value, donor: Value, draw: &mut Draw) {
    match (node, draw.below(4)) {
        (Value::Array(list), 0) => list.push(donor),
        (Value::Array(list), 1) if !list.is_empty() => {
            list.remove(draw.below(list.len()));
        }
        (Value::Array(list), 2) if !list.is_empty() => {
            let copy = list[draw.below(list.len())].clone();
            list.insert(draw.below(list.len()), copy);
        }
        (Value::Object(map), 0) => {
            let key = map.keys().nth(draw.below(map.len())).cloned();
            map.insert(key.unwrap_or_else(|| "type".to_owned()), donor);
        }
        (Value::Object(map), 1) => {
            if let Some(key) = map.keys().nth(draw.below(map.len())).cloned() {
                map.shift_remove(&key);
            }
        }
        (Value::String(text), 0) => text.push_str(draw.of(TOKENS).copied().unwrap_or_default()),
        (node, _) => *node = donor,
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// Gives the node number `at`, counted from the root, to `take`.
fn edit(value: &mut Value, at: &mut usize, take: &mut dyn FnMut(&mut Value)) {
    if *at == 0 {
        *at = usize::MAX;
        return take(value);
    }
    *at -= 1;
    let children: Vec<&mut Value> = match value {
        Value::Array(list) => list.iter_mut().collect(),
        Value::Object(map) => map.values_mut().collect(),
        _ => Vec::new(),
    };
    for child in children {
        if *at == usize::MAX {
            return;
        }
        edit(child, at, take);
    }
}
