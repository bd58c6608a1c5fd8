//! Names of files and folders: nouns of the design, never a drawer for everything.

use super::tree::{Breach, Tree};

const VAGUE: &[&str] = &[
    "manager", "handler", "helper", "util", "common", "core", "misc",
];

pub(crate) fn vague(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for path in &tree.paths {
        let lower = path.to_ascii_lowercase();
        let mut words = lower.split(|letter: char| !letter.is_ascii_alphanumeric());
        if let Some(word) = words.find(|word| is_vague(word)) {
            let what = format!("`{word}` in a path says nothing");
            found.push(Breach {
                path: path.clone(),
                line: 1,
                what,
            });
        }
    }
    found
}

/// The word itself or its plural.
fn is_vague(word: &str) -> bool {
    VAGUE.iter().any(|vague| {
        word.strip_prefix(vague)
            .is_some_and(|rest| matches!(rest, "" | "s"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawers_are_found_and_longer_words_are_not() {
        let paths = [
            ("src/utils.rs", true),
            ("src/relay/error_handler.rs", true),
            ("sdk/js/src/core/index.ts", true),
            ("src/Common.rs", true),
            ("src/score.rs", false),
            ("src/utilisation.rs", false),
            ("src/commons_law.rs", true),
            ("docs/handlers-of-old.md", true),
        ];
        for (path, bad) in paths {
            assert_eq!(!vague(&Tree::of(&[(path, "")])).is_empty(), bad, "{path}");
        }
    }
}
