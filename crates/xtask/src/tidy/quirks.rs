//! Quirks are names in the data: one that no code asks for says that a difference is minded, and
//! nobody minds it.

use super::tree::{Breach, Tree};

const HOME: &str = "crates/vane-dialect/src/quirk.rs";

/// Variants of `Quirk` that no code asks for.
pub(crate) fn unasked(tree: &Tree) -> Vec<Breach> {
    let Some(home) = tree.rust().find(|file| file.path == HOME) else {
        return Vec::new();
    };
    let is_code = |path: &str| {
        path != HOME
            && path.contains("/src/")
            && !path.contains("/tests")
            && !path.contains("xtask")
    };
    let code: Vec<_> = tree.rust().filter(|file| is_code(&file.path)).collect();
    let asks = |variant: &str| {
        let name = format!("Quirk::{variant}");
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric());
        code.iter().any(|file| {
            let mut found = file.text.match_indices(&name);
            found.any(|(at, _)| ends(&file.text[at + name.len()..]))
        })
    };
    let lines = (1..).zip(home.text.lines());
    let variants = lines.filter_map(|(line, text)| Some((line, variant(text)?)));
    let unasked = variants.filter(|(_, variant)| !asks(variant));
    unasked
        .map(|(line, variant)| home.breach(line, format!("nothing asks for `{variant}`")))
        .collect()
}

/// The variant in a line such as `MaxTokens = "max_tokens",`.
fn variant(line: &str) -> Option<&str> {
    let (name, value) = line.trim().split_once(" = \"")?;
    let is_name = !name.is_empty() && name.chars().all(char::is_alphanumeric);
    (is_name && value.ends_with("\",")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quirk_that_no_code_asks_for_is_found() {
        let quirks =
            "//! Q.\nquirks! {\n    /// One.\n    One = \"one\",\n    OneMore = \"more\",\n}\n";
        let tree = Tree::of(&[
            (HOME, quirks),
            ("crates/a/src/b.rs", "if has(Quirk::OneMore) {}"),
            ("crates/a/src/tests.rs", "Quirk::One"),
        ]);
        let found = unasked(&tree);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (found[0].line, found[0].what.as_str()),
            (4, "nothing asks for `One`")
        );
    }
}
