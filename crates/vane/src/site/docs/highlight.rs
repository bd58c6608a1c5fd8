//! Code as HTML, with comments, texts and names of keys told apart.
//!
//! Invariant: whatever the code is, what comes out shows exactly its characters; a language that
//! is not known is shown plain.

use crate::site::chart::escaped;

/// What a language is written with.
struct Grammar {
    /// Begins a comment to the end of its line.
    comment: &'static str,
    quotes: &'static [char],
    words: &'static [&'static str],
}

fn grammar(language: &str) -> Option<Grammar> {
    let of = |comment, quotes, words| {
        Some(Grammar {
            comment,
            quotes,
            words,
        })
    };
    match language {
        "sh" => of("#", &['"', '\''], &["export", "curl", "vane", "cargo"]),
        "toml" | "yaml" => of("#", &['"', '\''], &["true", "false"]),
        "json" => of("\0", &['"'], &["true", "false", "null"]),
        "sql" => of("--", &['\''], &["CREATE", "USER", "DATABASE", "OWNER"]),
        "python" => of(
            "#",
            &['"', '\''],
            &[
                "import", "from", "for", "in", "def", "return", "print", "with", "as", "if", "None",
            ],
        ),
        "js" => of(
            "//",
            &['"', '\'', '`'],
            &[
                "import", "from", "const", "let", "await", "for", "of", "new", "if", "function",
            ],
        ),
        _ => None,
    }
}

pub(super) fn code(language: &str, code: &str) -> String {
    let Some(grammar) = grammar(language) else {
        return escaped(code);
    };
    let mut out = String::with_capacity(code.len() * 2);
    let mut rest = code;
    let mut is_apart = true;
    while let Some(first) = rest.chars().next() {
        let (class, length) = token(&grammar, rest, first, is_apart);
        let (shown, after) = rest.split_at(length);
        match class {
            "" => out += &escaped(shown),
            class => out += &format!("<span class=\"{class}\">{}</span>", escaped(shown)),
        }
        // Not in the middle of a name such as `sk-vane`.
        is_apart = !shown.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-'));
        rest = after;
    }
    out
}

/// The class of what stands first, and its length in bytes.
fn token(grammar: &Grammar, rest: &str, first: char, is_apart: bool) -> (&'static str, usize) {
    if is_apart && rest.starts_with(grammar.comment) {
        return ("hl-c", rest.find('\n').unwrap_or(rest.len()));
    }
    if grammar.quotes.contains(&first) {
        let mut escaping = false;
        let end = rest.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == first && !escaping;
            escaping = *c == '\\' && !escaping;
            ends
        });
        return match end {
            Some((at, quote)) => ("hl-s", at + quote.len_utf8()),
            // An apostrophe, not a quote.
            None => ("", first.len_utf8()),
        };
    }
    if first.is_alphanumeric() || first == '_' {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        let length = end.unwrap_or(rest.len());
        let is_word = is_apart && grammar.words.contains(&&rest[..length]);
        return (if is_word { "hl-k" } else { "" }, length);
    }
    ("", first.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn what_is_shown_is_the_code() {
        for (language, text) in [
            ("sh", "curl 'a' # b\necho it's \"x\\\"y\" <&>"),
            ("python", "import os  # none\nprint(f\"{os}\", 'ü')"),
            ("json", "{\"a\": [true, null, \"#\\\"\"]}"),
            ("js", "const a = `b`; // c\nforest"),
            ("", "<b>&amp;"),
            ("nothing", "\"'"),
        ] {
            let mut shown = code(language, text);
            while let Some(at) = shown.find('<') {
                let end = at + shown[at..].find('>').unwrap();
                shown.replace_range(at..=end, "");
            }
            let shown = shown.replace("&lt;", "<").replace("&gt;", ">");
            let shown = shown.replace("&quot;", "\"").replace("&amp;", "&");
            assert_eq!(shown, text, "{language}");
        }
    }

    #[test]
    fn comments_texts_and_words_are_told_apart() {
        let said = code("sh", "export A=\"b\" # c");
        assert_eq!(
            said,
            "<span class=\"hl-k\">export</span> A=<span class=\"hl-s\">&quot;b&quot;</span> <span class=\"hl-c\"># c</span>"
        );
        assert_eq!(code("js", "forest"), "forest");
        assert_eq!(code("sh", "sk-vane-x"), "sk-vane-x");
    }
}
