//! The rules of the tree that no compiler checks, each with its reason.
//!
//! A rule is a row of [`RULES`]: a name, why it stands, and a check over every file that git tracks
//! or would track. A rule that needs an exception is a wrong rule: change it here, for everyone.

mod cargo;
mod links;
mod migrations;
mod names;
mod quirks;
mod rust;
mod supply;
mod tree;
mod words;

use std::path::Path;

use anyhow::{Result, bail};

use tree::{Breach, Tree};

struct Rule {
    name: &'static str,
    reason: &'static str,
    check: fn(&Tree) -> Vec<Breach>,
}

const RULES: &[Rule] = &[
    Rule {
        name: "file names say what is inside",
        reason: "a drawer for everything is where nothing is found",
        check: names::vague,
    },
    Rule {
        name: "no leftovers",
        reason: "a mark to come back is forgotten; open work belongs in an issue or a test",
        check: words::leftovers,
    },
    Rule {
        name: "no paths of one machine",
        reason: "a clone in any folder must work",
        check: words::machine_paths,
    },
    Rule {
        name: "no registry hosts",
        reason: "where packages come from is the builder's choice: mirrors and air gaps",
        check: words::registry_hosts,
    },
    Rule {
        name: "no stray whitespace in Rust",
        reason: "rustfmt leaves strings and comments alone, and a tab shifts what a reader sees",
        check: rust::whitespace,
    },
    Rule {
        name: "a module opens with its purpose",
        reason: "a stranger reads the first lines of a file to know whether to read the rest",
        check: rust::module_docs,
    },
    Rule {
        name: "a function fits a screen",
        reason: "what cannot be seen at once cannot be checked at once",
        check: rust::long_functions,
    },
    Rule {
        name: "a file fits a sitting",
        reason: "past this length there is a noun to carve out",
        check: rust::long_files,
    },
    Rule {
        name: "dependencies come from the workspace",
        reason: "one version of a crate, chosen and justified in one place",
        check: cargo::versions,
    },
    Rule {
        name: "crates depend in one direction",
        reason: "vane -> ledger -> catalog -> dialect: the arrow is what keeps the inner crates pure",
        check: cargo::direction,
    },
    Rule {
        name: "every quirk is asked for",
        reason: "a name in the catalogue that no code reads is a difference that nobody minds",
        check: quirks::unasked,
    },
    Rule {
        name: "deny.toml holds",
        reason: "a licence or a source that nobody looked at is somebody else's decision",
        check: supply::denied,
    },
    Rule {
        name: "migrations have twins",
        reason: "a number that means two things in two databases cannot be supported",
        check: migrations::twins,
    },
    Rule {
        name: "links inside the repository resolve",
        reason: "a page that leads nowhere teaches readers not to follow",
        check: links::resolve,
    },
];

/// Prints every breach of every rule; an error when there is one.
pub(crate) fn run() -> Result<()> {
    let breaches = breaches(&Tree::read(&workspace_root())?);
    for breach in &breaches {
        println!("{breach}");
    }
    match breaches.len() {
        0 => Ok(()),
        many => bail!("tidy: {many} places break a rule"),
    }
}

fn breaches(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for rule in RULES {
        for Breach { path, line, what } in (rule.check)(tree) {
            let (name, reason) = (rule.name, rule.reason);
            found.push(format!("{path}:{line}: {what}\n    {name}: {reason}"));
        }
    }
    found
}

/// The folder of the workspace's manifest.
pub(crate) fn workspace_root() -> std::path::PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        let tree = Tree::read(&workspace_root()).unwrap();
        assert!(tree.files.len() > 10, "the tree was read");
        let found = breaches(&tree);
        assert!(found.is_empty(), "\n{}", found.join("\n"));
    }

    #[test]
    fn a_breach_names_its_place_and_its_reason() {
        let tree = Tree::of(&[("crates/vane/src/helpers.rs", "//! Docs.\n")]);
        let found = breaches(&tree);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("crates/vane/src/helpers.rs:1: "));
        assert!(found[0].contains("a drawer for everything"));
    }
}
