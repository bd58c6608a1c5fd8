//! Golden files: what a function produced when a person last looked at it.
//!
//! Paths are relative to the package under test, which is where cargo runs tests. With
//! `UPDATE_GOLDEN=1` files are written instead of compared; the diff is then reviewed like code.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Lines of context and of difference that a failure prints.
const LINES_SHOWN: usize = 12;

/// Panics with a small diff unless `actual` is what the file says.
#[track_caller]
pub fn check(path: impl AsRef<Path>, actual: &str) {
    let path = path.as_ref();
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch for the person who runs the tests"
    )]
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let difference = if update {
        write(path, actual)
    } else {
        compare(path, actual)
    };
    assert!(difference.is_none(), "{}", difference.unwrap_or_default());
}

fn write(path: &Path, actual: &str) -> Option<String> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = made.and_then(|()| fs::write(path, actual));
    written
        .err()
        .map(|fault| format!("{}: {fault}", path.display()))
}

/// What differs, or nothing.
fn compare(path: &Path, actual: &str) -> Option<String> {
    let hint = "run with UPDATE_GOLDEN=1 to accept";
    match fs::read_to_string(path) {
        Ok(expected) if expected == actual => None,
        Ok(expected) => Some(format!(
            "{} differs ({hint}):\n{}",
            path.display(),
            diff(&expected, actual)
        )),
        Err(fault) => Some(format!("{}: {fault} ({hint})", path.display())),
    }
}

/// The first lines that differ, between the common head and the common tail.
fn diff(expected: &str, actual: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (expected.lines().collect(), actual.lines().collect());
    let head = old
        .iter()
        .zip(&new)
        .take_while(|(old, new)| old == new)
        .count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(old, new)| old == new)
        .count();
    let mut diff = format!("  from line {}\n", head + 1);
    for (mark, lines) in [
        ('-', &old[..old.len() - tail]),
        ('+', &new[..new.len() - tail]),
    ] {
        for line in lines.iter().take(LINES_SHOWN) {
            // Writing to a string cannot fail.
            let _ = writeln!(diff, "{mark} {line}");
        }
        if lines.len() > LINES_SHOWN {
            let _ = writeln!(diff, "{mark} ... {} more", lines.len() - LINES_SHOWN);
        }
    }
    if old.is_empty() && new.is_empty() {
        diff += "  only the line ends differ\n";
    }
    diff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_only_the_lines_that_differ() {
        assert_eq!(
            diff("a\nb\nc\n", "a\nx\ny\nc\n"),
            "  from line 2\n- b\n+ x\n+ y\n"
        );
        assert_eq!(
            diff("a\n", "a"),
            "  from line 2\n  only the line ends differ\n"
        );
    }

    #[test]
    fn equal_passes_and_a_missing_file_fails_with_a_hint() {
        check("tests/golden/hello.snap", "hello\n");
        let fault = compare(Path::new("tests/golden/none.snap"), "hello\n").unwrap();
        assert!(fault.contains("UPDATE_GOLDEN=1"), "{fault}");
        assert!(compare(Path::new("tests/golden/hello.snap"), "bye\n").is_some());
    }
}
