//! What `deny.toml` says of licences, sources and banned crates, held on every machine.
//!
//! cargo-deny judges more, where it is installed. Its lists are read, not repeated: a key that
//! changes what is allowed and is not understood here is a breach, never an exception.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use toml::{Table, Value};

use super::tree::{Breach, Source, Tree};
use super::workspace_root;
use crate::packages::{self, Package};

pub(crate) fn denied(tree: &Tree) -> Vec<Breach> {
    let file = |path: &str| tree.files.iter().find(|file| file.path == path);
    let Some(lock) = file("Cargo.lock") else {
        return Vec::new();
    };
    let Some(deny) = file("deny.toml") else {
        return vec![lock.breach(1, "there is no deny.toml that judges it".to_owned())];
    };
    let said = match deny.text.parse::<Table>() {
        Ok(table) => table,
        Err(why) => return vec![deny.breach(1, why.message().to_owned())],
    };
    let rules = Rules::read(&said);
    match built(&rules.targets) {
        Ok(packages) => judge(deny, &rules, &packages),
        Err(why) => vec![lock.breach(1, format!("it cannot be judged: {why:#}"))],
    }
}

/// The packages that are built for any of these targets.
fn built(targets: &BTreeSet<String>) -> Result<Vec<Package>> {
    ensure!(!targets.is_empty(), "deny.toml names no `graph.targets`");
    let root = workspace_root();
    let mut built = BTreeSet::new();
    for target in targets {
        built.extend(packages::built(&root, target)?);
    }
    let mut packages = packages::read(&root)?;
    packages.retain(|p| built.contains(&(p.name.clone(), p.version.clone())));
    Ok(packages)
}

fn judge(deny: &Source, rules: &Rules, packages: &[Package]) -> Vec<Breach> {
    let wrong = packages.iter().flat_map(|package| {
        let name = format!("{} {}", package.name, package.version);
        rules
            .faults(package)
            .into_iter()
            .map(move |what| format!("{name} {what}"))
    });
    let found = rules.not_understood.iter().cloned().chain(wrong);
    found.map(|what| deny.breach(1, what)).collect()
}

/// What is understood of `deny.toml`.
#[derive(Default)]
struct Rules {
    targets: BTreeSet<String>,
    licences: BTreeSet<String>,
    banned: BTreeSet<String>,
    denies_wildcards: bool,
    denies_registries: bool,
    denies_git: bool,
    not_understood: Vec<String>,
}

/// The one registry that is known without being named.
const DEFAULT_REGISTRY: &str = concat!("registry+https://github.com/rust-lang/crates", ".io-index");

impl Rules {
    fn read(said: &Table) -> Self {
        let mut rules = Self::default();
        for (section, values) in said {
            for (key, value) in values.as_table().into_iter().flatten() {
                let place = format!("{section}.{key}");
                if !rules.take(&place, value) {
                    let what = format!("`{place}` is not understood by tidy: teach it there");
                    rules.not_understood.push(what);
                }
            }
        }
        rules
    }

    /// Whether a key was understood, or changes nothing that is judged here.
    fn take(&mut self, place: &str, value: &Value) -> bool {
        let words = |value: &Value| -> Option<BTreeSet<String>> {
            let list = value.as_array()?.iter();
            list.map(|word| word.as_str().map(String::from)).collect()
        };
        match place {
            "licenses.allow" => words(value).is_some_and(|words| {
                self.licences = words;
                true
            }),
            "bans.deny" => value
                .as_array()
                .is_some_and(|rows| rows.iter().all(|row| self.ban(row))),
            "bans.wildcards" => {
                self.denies_wildcards = value.as_str() == Some("deny");
                true
            }
            "sources.unknown-registry" => {
                self.denies_registries = value.as_str() == Some("deny");
                true
            }
            "sources.unknown-git" => {
                self.denies_git = value.as_str() == Some("deny");
                true
            }
            "graph.targets" => words(value).is_some_and(|words| {
                self.targets = words;
                true
            }),
            // All features are judged here in any case, and a path beside a `*` is no wildcard.
            "graph.all-features" | "licenses.confidence-threshold" | "bans.multiple-versions" => {
                true
            }
            "bans.allow-wildcard-paths" => value.as_bool() == Some(true),
            _ => false,
        }
    }

    /// A row such as `{ name = "ring" }`; one of certain versions is not understood.
    fn ban(&mut self, row: &Value) -> bool {
        let plain = row.as_table().filter(|row| row.len() == 1);
        let name = plain
            .and_then(|row| row.get("name"))
            .and_then(Value::as_str);
        let plain = name.filter(|name| !name.contains(['@', ':', '=']));
        plain.is_some_and(|name| self.banned.insert(name.to_owned()))
    }

    fn faults(&self, package: &Package) -> Vec<String> {
        let mut faults = Vec::new();
        match &package.licence {
            None => faults.push("names no licence".to_owned()),
            Some(licence) if !is_allowed(licence, &self.licences) => {
                faults.push(format!(
                    "is under {licence}, which deny.toml does not allow"
                ));
            }
            Some(_) => {}
        }
        if self.banned.contains(&package.name) {
            faults.push("is banned by deny.toml".to_owned());
        }
        if let Some(source) = &package.source {
            let is_git = source.starts_with("git+");
            let denied = if is_git {
                self.denies_git
            } else {
                self.denies_registries && source != DEFAULT_REGISTRY
            };
            if denied {
                faults.push(format!(
                    "comes from {source}, which deny.toml does not know"
                ));
            } else if !is_git && package.checksum.is_none() {
                faults.push("has no checksum in the lock file".to_owned());
            }
        } else if self.denies_wildcards {
            let wild = package.wildcards.iter();
            faults.extend(wild.map(|need| format!("depends on any version of {need}")));
        }
        faults
    }
}

/// Whether an SPDX expression is met by the licences allowed. What is malformed is not.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    // The slash is how `OR` was written before there were expressions.
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let met = either(&mut words, allowed);
    met == Some(true) && words.next().is_none()
}

type Words<'w> = std::iter::Peekable<std::str::SplitWhitespace<'w>>;

fn either(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> Option<bool> {
    let mut met = both(words, allowed)?;
    while words.next_if_eq(&"OR").is_some() {
        met |= both(words, allowed)?;
    }
    Some(met)
}

fn both(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> Option<bool> {
    let mut met = one(words, allowed)?;
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed)?;
    }
    Some(met)
}

fn one(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> Option<bool> {
    match words.next()? {
        "(" => {
            let met = either(words, allowed)?;
            words.next_if_eq(&")").map(|_| met)
        }
        ")" | "OR" | "AND" | "WITH" => None,
        name => match words.next_if_eq(&"WITH") {
            Some(_) => Some(allowed.contains(&format!("{name} WITH {}", words.next()?))),
            None => Some(allowed.contains(name)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = "[licenses]\nallow = [\"MIT\", \"ISC\"]\n\
        [bans]\nwildcards = \"deny\"\ndeny = [{ name = \"ring\" }]\n\
        [sources]\nunknown-registry = \"deny\"\nunknown-git = \"deny\"\n";

    fn good() -> Package {
        Package {
            name: "a".to_owned(),
            version: "1.0.0".to_owned(),
            licence: Some("MIT".to_owned()),
            source: Some(DEFAULT_REGISTRY.to_owned()),
            checksum: Some("00".to_owned()),
            ..Package::default()
        }
    }

    #[track_caller]
    fn check(deny: &str, package: Package, said: &[&str]) {
        let tree = Tree::of(&[("deny.toml", deny)]);
        let rules = Rules::read(&deny.parse().unwrap());
        let found = judge(&tree.files[0], &rules, &[package]);
        assert_eq!(found.len(), said.len(), "{found:?}");
        for (breach, said) in found.iter().zip(said) {
            assert!(breach.what.contains(said), "{breach:?}");
        }
    }

    #[test]
    fn s17_each_rule_of_deny_toml_is_held() {
        let with = |change: fn(&mut Package)| {
            let mut package = good();
            change(&mut package);
            package
        };
        check(DENY, good(), &[]);
        check(DENY, with(|p| p.licence = None), &["no licence"]);
        check(
            DENY,
            with(|p| p.licence = Some("GPL-3.0".into())),
            &["GPL-3.0"],
        );
        check(DENY, with(|p| p.name = "ring".into()), &["banned"]);
        check(DENY, with(|p| p.checksum = None), &["no checksum"]);
        let git = "git+https://a.example/a";
        check(
            DENY,
            with(|p| p.source = Some("git+https://a.example/a".into())),
            &[git],
        );
        let other = "registry+https://a.example";
        check(
            DENY,
            with(|p| p.source = Some("registry+https://a.example".into())),
            &[other],
        );
        let own = |p: &mut Package| {
            p.source = None;
            p.wildcards = vec!["b".into()];
        };
        check(DENY, with(own), &["any version of b"]);
    }

    #[test]
    fn s17_what_is_not_understood_is_a_breach_and_no_exception() {
        for more in [
            "[licenses]\nallow = [\"MIT\"]\nexceptions = []\n",
            "[licenses]\nallow = [\"MIT\"]\n[sources]\nallow-git = [\"x\"]\n",
            "[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [{ name = \"ring\", wrappers = [\"a\"] }]\n",
            "[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [\"ring@1\"]\n",
        ] {
            check(more, good(), &["not understood"]);
        }
    }

    #[test]
    fn s17_what_is_built_nowhere_is_not_judged() {
        let of = |target: &str| built(&BTreeSet::from([target.to_owned()])).unwrap();
        let (linux, windows) = (of("x86_64-unknown-linux-gnu"), of("x86_64-pc-windows-msvc"));
        let has = |all: &[Package], name| all.iter().any(|package| package.name == name);
        assert!(has(&linux, "vane") && has(&linux, "serde"));
        assert!(!has(&linux, "windows-sys") && has(&windows, "windows-sys"));
        assert!(
            built(&BTreeSet::new()).is_err(),
            "nothing named is nothing judged"
        );
    }

    #[test]
    fn expressions_are_met_by_what_is_allowed() {
        let allowed: BTreeSet<String> = ["MIT", "ISC", "Zlib WITH x"].map(String::from).into();
        for (expression, met) in [
            ("MIT", true),
            ("GPL-3.0 OR MIT", true),
            ("MIT/Apache-2.0", true),
            ("Apache-2.0 / GPL-3.0", false),
            ("MIT AND GPL-3.0", false),
            ("MIT AND (GPL-3.0 OR ISC)", true),
            ("GPL-3.0 OR MIT AND Apache-2.0", false),
            ("ISC WITH y", false),
            ("Zlib WITH x", true),
            ("MIT ISC", false),
            ("(MIT", false),
            ("", false),
            ("OR MIT", false),
        ] {
            assert_eq!(is_allowed(expression, &allowed), met, "{expression:?}");
        }
    }
}
