//! The rule for names that people give: of accounts, keys and models.
//!
//! Any language and any punctuation, since names are only ever bound as parameters; but nothing
//! that could fake a line in a log or a column in a terminal, or is not seen, so that two names look
//! the same or one reads as another.

use crate::error::LedgerError;

const NAME_CHARS_MAX: usize = 128;

pub(crate) fn check(what: &'static str, name: &str) -> Result<(), LedgerError> {
    let problem = if name.is_empty() {
        "must not be empty"
    } else if name.chars().count() > NAME_CHARS_MAX {
        "must be at most 128 characters long"
    } else if name.trim() != name {
        "must not begin or end with a space"
    } else if name.chars().any(char::is_control) {
        "must not contain control characters"
    } else if is_disguised(name) {
        "must not contain characters that nobody sees"
    } else {
        return Ok(());
    };
    Err(LedgerError::Name { what, problem })
}

/// Whether a text holds what is not seen and changes how the rest reads: marks of direction, of lines
/// and of bytes, and spaces and joiners of no width. Joiners belong where two letters, or two
/// signs of one picture, are written as one.
pub(crate) fn is_disguised(text: &str) -> bool {
    let unseen = |c: char| {
        matches!(c,
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{feff}')
    };
    let is_joiner = |c: char| matches!(c, '\u{200c}' | '\u{200d}');
    let joins = |c: Option<char>| {
        c.is_some_and(|c| {
            c.is_alphanumeric() || !(c.is_ascii() || c.is_whitespace() || is_joiner(c))
        })
    };
    let mut before = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if unseen(c) || is_joiner(c) && !(joins(before) && joins(rest.clone().next())) {
            return true;
        }
        before = Some(c);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_any_printable_text() {
        let longest = "é".repeat(NAME_CHARS_MAX);
        for name in [
            "team",
            "Équipe 7",
            "'; DROP TABLE account; --",
            "日本",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "\u{1f469}\u{200d}\u{1f680}",
            &longest,
        ] {
            assert!(check("a name", name).is_ok(), "{name}");
        }
        let too_long = "x".repeat(NAME_CHARS_MAX + 1);
        for name in [
            "",
            " team",
            "team ",
            "a\nb",
            "a\0b",
            "\u{1b}[31m",
            "te\u{200b}am",
            "team\u{200d}",
            "\u{200c}team",
            "te\u{200d}\u{200d}am",
            "te \u{200c}am",
            "\u{feff}team",
            "nimda\u{202e}team",
            "\u{2067}team",
            "team\u{200f}!",
            "te\u{2028}am",
            &too_long,
        ] {
            assert!(check("a name", name).is_err(), "{name:?}");
        }
    }
}
