//! Rust sources: whitespace, module docs, the length of functions and of files.
//!
//! Functions are measured on rustfmt's layout: one ends at the first line that is its own indent
//! and a closing brace. `cargo fmt --check` runs beside this, so the layout can be trusted.

use super::tree::{Breach, Source, Tree};

/// Between the line that names the function and the brace that closes it.
const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 600;
/// Docs of a crate's root; any other module needs one line.
const ROOT_DOC_LINES_MIN: usize = 3;

pub(crate) fn whitespace(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for file in tree.rust() {
        for (number, line) in file.lines() {
            if line.contains('\t') {
                found.push(file.breach(number, "a tab"));
            } else if line.ends_with(' ') {
                found.push(file.breach(number, "whitespace before the end of the line"));
            }
        }
    }
    found
}

pub(crate) fn module_docs(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    // A module of tests is described by its own name and by those of its tests.
    for file in tree.rust().filter(|file| !is_of_tests(file)) {
        let least = match file.name() {
            "lib.rs" | "main.rs" => ROOT_DOC_LINES_MIN,
            _ => 1,
        };
        let docs = file
            .lines()
            .filter(|(_, line)| line.trim_start().starts_with("//!"))
            .count();
        if docs < least {
            found.push(file.breach(1, format!("{docs} lines of `//!`, of at least {least}")));
        }
    }
    found
}

fn is_of_tests(file: &Source) -> bool {
    file.path.split(['/', '.']).any(|part| part == "tests")
}

pub(crate) fn long_files(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for file in tree.rust() {
        let lines = file.lines().count();
        if lines > FILE_LINES_MAX {
            found.push(file.breach(FILE_LINES_MAX, format!("{lines} lines")));
        }
    }
    found
}

pub(crate) fn long_functions(tree: &Tree) -> Vec<Breach> {
    tree.rust().flat_map(functions_too_long).collect()
}

fn functions_too_long(file: &Source) -> Vec<Breach> {
    let mut found = Vec::new();
    let lines: Vec<&str> = file.text.lines().collect();
    let starts = (0..lines.len()).filter(|start| opens_function(lines[*start]));
    for start in starts {
        let line = lines[start];
        let indent = &line[..line.len() - line.trim_start().len()];
        let ends = |line: &&str| {
            let rest = line.strip_prefix(indent).unwrap_or_default();
            rest == "}" || (rest.starts_with(')') && rest.ends_with(';'))
        };
        let end = lines[start + 1..].iter().position(ends);
        let length = end.unwrap_or_default();
        if length > FUNCTION_LINES_MAX {
            found.push(file.breach(start + 1, format!("a function of {length} lines")));
        }
    }
    found
}

/// Whether a function with a body of more than one line may begin here.
fn opens_function(line: &str) -> bool {
    let mut words = line.split_whitespace().skip_while(|word| {
        matches!(*word, "async" | "const" | "unsafe" | "extern" | "\"C\"")
            || word.starts_with("pub")
    });
    words.next() == Some("fn") && !line.ends_with('}') && !line.ends_with(';')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: fn(&Tree) -> Vec<Breach>, path: &str, text: &str, lines: &[usize]) {
        let found: Vec<usize> = rule(&Tree::of(&[(path, text)]))
            .into_iter()
            .map(|breach| breach.line)
            .collect();
        assert_eq!(found, lines, "{path}: {text}");
    }

    #[test]
    fn tabs_and_trailing_spaces_are_found() {
        check(whitespace, "a.rs", "fn a() {}\n// b \n\t// c\n", &[2, 3]);
        check(whitespace, "a.md", "two spaces  \n", &[]);
    }

    #[test]
    fn a_root_needs_three_lines_of_docs_and_a_module_one() {
        check(module_docs, "src/lib.rs", "//! One.\n", &[1]);
        check(
            module_docs,
            "src/lib.rs",
            "//! One.\n//!\n//! Three.\n",
            &[],
        );
        check(module_docs, "src/call.rs", "use x;\n", &[1]);
        check(module_docs, "src/call.rs", "//! One.\n", &[]);
        check(module_docs, "src/call/tests.rs", "use x;\n", &[]);
        check(module_docs, "tests/it/main.rs", "mod call;\n", &[]);
    }

    #[test]
    fn a_function_of_71_lines_is_found_and_one_of_70_is_not() {
        let function = |inner: usize| {
            format!(
                "    pub fn a(\n    ) {{\n{}    }}\n",
                "        b();\n".repeat(inner)
            )
        };
        check(
            long_functions,
            "a.rs",
            &format!("impl A {{\n{}}}\n", function(69)),
            &[],
        );
        check(
            long_functions,
            "a.rs",
            &format!("impl A {{\n{}}}\n", function(70)),
            &[2],
        );
    }

    #[test]
    fn a_declaration_without_a_body_is_no_function() {
        let trait_text = format!(
            "trait A {{\n    fn a(\n        &self,\n    );\n{}}}\n",
            "    const B: u8;\n".repeat(80)
        );
        check(long_functions, "a.rs", &trait_text, &[]);
    }

    #[test]
    fn a_file_of_601_lines_is_found() {
        check(long_files, "a.rs", &"\n".repeat(600), &[]);
        check(long_files, "a.rs", &"\n".repeat(601), &[600]);
    }
}
