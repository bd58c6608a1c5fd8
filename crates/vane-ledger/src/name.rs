//! The rule for names that people give: of accounts, keys and models.
//!
//! Any language and any punctuation, since names are only ever bound as parameters; but nothing
//! that could fake a line in a log or a column in a terminal.

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
    } else {
        return Ok(());
    };
    Err(LedgerError::Name { what, problem })
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
            &too_long,
        ] {
            assert!(check("a name", name).is_err(), "{name:?}");
        }
    }
}
