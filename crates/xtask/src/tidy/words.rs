//! Words that must not stand in the tree: leftovers, paths of one machine, registry hosts.
//!
//! The words are kept in halves, or this file would find itself. Lock files and recorded answers
//! are exempt: nobody writes them by hand.

use super::tree::{Breach, Source, Tree};

const LEFTOVERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("dbg", "!("),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[", "ignore"),
];

/// In tests of these languages they silence others; in Rust `.skip` is an iterator's.
const SILENCERS: &[&str] = &[concat!(".on", "ly("), concat!(".sk", "ip(")];
const SCRIPTED: &[&str] = &["js", "mjs", "cjs", "ts", "tsx", "py"];

const MACHINE_PATHS: &[&str] = &[
    concat!("/wo", "rk"),
    concat!("/ro", "ot"),
    concat!("/fa", "rm"),
];

const REGISTRY_HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("deb.debian", ".org"),
    concat!("proxy.golang", ".org"),
];

const RECORDED: &[&str] = &["lock", "snap", "sse", "json", "jsonl", "svg"];

fn written(tree: &Tree) -> impl Iterator<Item = &Source> {
    let by_hand =
        |file: &&Source| !RECORDED.contains(&file.extension()) && file.name() != "LICENSE";
    tree.files.iter().filter(by_hand)
}

pub(crate) fn leftovers(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for file in written(tree) {
        let silencers = if SCRIPTED.contains(&file.extension()) {
            SILENCERS
        } else {
            &[]
        };
        for (number, line) in file.lines() {
            let mut marks = LEFTOVERS.iter().chain(silencers);
            if let Some(mark) = marks.find(|mark| stands(line, mark)) {
                found.push(file.breach(number, format!("`{mark}` is a leftover")));
            }
        }
    }
    found
}

pub(crate) fn machine_paths(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for file in written(tree) {
        for (number, line) in file.lines() {
            if let Some(path) = MACHINE_PATHS.iter().find(|path| stands_alone(line, path)) {
                found.push(file.breach(number, format!("`{path}` exists on one machine only")));
            }
        }
    }
    found
}

pub(crate) fn registry_hosts(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for file in written(tree) {
        for (number, line) in file.lines() {
            if let Some(host) = REGISTRY_HOSTS.iter().find(|host| line.contains(**host)) {
                found.push(file.breach(number, format!("`{host}` is a registry")));
            }
        }
    }
    found
}

fn is_wordy(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Whether `mark` stands in the line and no longer word swallows it at either end.
fn stands(line: &str, mark: &str) -> bool {
    line.match_indices(mark).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + mark.len()..].chars().next();
        let opens = !mark.starts_with(is_wordy) || !before.is_some_and(is_wordy);
        let closes = !mark.ends_with(is_wordy) || !after.is_some_and(is_wordy);
        opens && closes
    })
}

/// Whether `path` opens an absolute path: what comes before it is no part of a longer path or URL.
fn stands_alone(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + path.len()..].chars().next();
        let joins = |letter: char| is_wordy(letter) || ".$}~-*)>\\/".contains(letter);
        let goes_on = |letter: char| is_wordy(letter) || letter == '-' || letter == '.';
        !before.is_some_and(joins) && !after.is_some_and(goes_on)
    })
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
    fn leftovers_are_found_where_they_stand() {
        let mark = LEFTOVERS[0];
        check(
            leftovers,
            "a.rs",
            &format!("fn a() {{}}\n// {mark}: later\n"),
            &[2],
        );
        check(
            leftovers,
            "a.rs",
            &format!("const {mark}_LIST: u8 = 1;\n"),
            &[],
        );
        check(
            leftovers,
            "a.rs",
            &format!("    {}x);\n", LEFTOVERS[3]),
            &[1],
        );
        check(
            leftovers,
            "a.rs",
            &format!("    {} = \"slow\"]\n", LEFTOVERS[6]),
            &[1],
        );
        check(leftovers, "Cargo.lock", mark, &[]);
    }

    #[test]
    fn silenced_tests_are_found_and_iterators_are_not() {
        check(
            leftovers,
            "a.test.ts",
            &format!("test{}'x')\n", SILENCERS[0]),
            &[1],
        );
        check(leftovers, "a.rs", &format!("list{}1)\n", SILENCERS[1]), &[]);
    }

    #[test]
    fn absolute_paths_are_found_and_parts_of_longer_ones_are_not() {
        let path = MACHINE_PATHS[0];
        check(machine_paths, "a.sh", &format!("cd {path}/tree\n"), &[1]);
        check(machine_paths, "a.sh", &format!("cd \"{path}\"\n"), &[1]);
        check(
            machine_paths,
            "a.sh",
            &format!("cd $HOME{path}/tree\n"),
            &[],
        );
        check(
            machine_paths,
            "a.md",
            &format!("GET {path}spaces and http://x.example{path}\n"),
            &[],
        );
    }

    #[test]
    fn registries_are_found() {
        check(
            registry_hosts,
            "a.md",
            &format!("see {}/crates/x\n", REGISTRY_HOSTS[0]),
            &[1],
        );
        check(registry_hosts, "Cargo.lock", REGISTRY_HOSTS[0], &[]);
    }
}
