//! JSON laid out for review: line breaks are added, nothing is taken away.
//!
//! Bytes that came through raw (schemas, arguments) keep their own spaces and number texts, so a
//! snapshot shows whether they did.

/// Levels that get lines of their own; what is deeper stays on its line.
const LEVELS_MAX: usize = 4;

pub(crate) fn lay_out(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let (mut in_string, mut escaped) = (false, false);
    let mut last = ' ';
    for letter in json.chars() {
        if in_string {
            out.push(letter);
            in_string = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            last = letter;
            continue;
        }
        match letter {
            '}' | ']' => {
                // An empty list stays in one piece.
                if depth <= LEVELS_MAX && !matches!(last, '{' | '[') {
                    break_line(&mut out, depth - 1);
                }
                depth = depth.saturating_sub(1);
                out.push(letter);
            }
            '{' | '[' => {
                begin(&mut out, last, depth);
                out.push(letter);
                depth += 1;
            }
            ',' => out.push(letter),
            _ => {
                begin(&mut out, last, depth);
                out.push(letter);
                in_string = letter == '"';
            }
        }
        last = letter;
    }
    out
}

/// A new line where a member or item begins.
fn begin(out: &mut String, last: char, depth: usize) {
    if depth <= LEVELS_MAX && matches!(last, '{' | '[' | ',') {
        break_line(out, depth);
    }
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

#[test]
fn only_line_breaks_are_added() {
    let json = r#"{"a":[1,{"b":[]}],"c":"{,\"}","d":{ "x" : 1.0 }}"#;
    let expected = "{\n  \"a\":[\n    1,\n    {\n      \"b\":[]\n    }\n  ],\n  \"c\":\"{,\\\"}\",\n  \"d\":{\n     \"x\" : 1.0 \n  }\n}";
    assert_eq!(lay_out(json), expected);
}
