//! Links of Markdown pages to files of the repository.
//!
//! A target that begins with `/` is a URL of the site, and one with a scheme leads elsewhere: both
//! are other tests' business. Code, fenced or in backticks, holds no links.

use super::tree::{Breach, Source, Tree};

pub(crate) fn resolve(tree: &Tree) -> Vec<Breach> {
    let pages = tree.files.iter().filter(|file| file.extension() == "md");
    pages.flat_map(|page| dead(tree, page)).collect()
}

fn dead(tree: &Tree, page: &Source) -> Vec<Breach> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (number, line) in page.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Every second piece between backticks is code.
        let prose: String = line.split('`').step_by(2).collect();
        for target in targets(&prose).filter(|target| !exists(tree, page, target)) {
            found.push(page.breach(number, format!("`{target}` is not there")));
        }
    }
    found
}

/// The targets of `[text](target)` that lead to a file of the repository, without their anchors.
fn targets(prose: &str) -> impl Iterator<Item = &str> {
    prose.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', ' ', '#']).next().unwrap_or_default();
        let elsewhere = target.is_empty() || target.starts_with('/') || target.contains(':');
        (!elsewhere).then_some(target)
    })
}

fn exists(tree: &Tree, page: &Source, target: &str) -> bool {
    let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return false,
            ".." => {}
            name => parts.push(name),
        }
    }
    let wanted = parts.join("/");
    let inside = format!("{wanted}/");
    wanted.is_empty()
        || tree
            .paths
            .iter()
            .any(|path| *path == wanted || path.starts_with(&inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, dead: usize) {
        let tree = Tree::of(&[
            ("README.md", ""),
            ("docs/guide.md", text),
            ("docs/images/a.png", ""),
            ("crates/vane/src/lib.rs", ""),
        ]);
        assert_eq!(resolve(&tree).len(), dead, "{text}");
    }

    #[test]
    fn dead_links_are_found_and_living_ones_are_not() {
        check(
            "[a](guide.md) [b](../README.md#start) [c](../crates/vane) [d](images/)",
            0,
        );
        check("[a](gone.md) and [b](../README.txt)", 2);
        check("[a](../../outside.md)", 1);
        check("[a](https://example.com/x) [b](#anchor) [c](/docs/page)", 0);
    }

    #[test]
    fn code_holds_no_links() {
        check("```\n[a](gone.md)\n```\n`[b](gone.md)`", 0);
    }
}
