//! Manifests of the workspace's members: versions from the root, dependencies in one direction.

use toml::{Table, Value};

use super::tree::{Breach, Source, Tree};

/// What each crate may build on, of ours. A new crate gets its row here before it gets a manifest.
const DIRECTION: &[(&str, &[&str])] = &[
    ("vane-dialect", &[]),
    ("vane-catalog", &["vane-dialect"]),
    ("vane-ledger", &["vane-catalog", "vane-dialect"]),
    ("vane-engine", &[]),
    (
        "vane",
        &["vane-ledger", "vane-catalog", "vane-dialect", "vane-engine"],
    ),
    ("vane-testkit", &["vane-dialect", "vane-catalog"]),
    ("xtask", &["vane", "vane-catalog", "vane-dialect"]),
];

/// Crates that must stay pure, and what would end that.
const PURE: &[&str] = &["vane-dialect", "vane-catalog"];
const IMPURE: &[&str] = &[
    "tokio",
    "hyper",
    "hyper-util",
    "socket2",
    "rustls",
    "rusqlite",
    "sqlx",
];

const TABLES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

pub(crate) fn versions(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for (file, manifest) in manifests(tree) {
        for (kind, name, value) in dependencies(&manifest) {
            if value.get("workspace").and_then(Value::as_bool) != Some(true) {
                found.push(
                    file.breach(1, format!("`{name}` in [{kind}] is not `workspace = true`")),
                );
            }
        }
    }
    found
}

pub(crate) fn direction(tree: &Tree) -> Vec<Breach> {
    let mut found = Vec::new();
    for (file, manifest) in manifests(tree) {
        let package = manifest
            .get("package")
            .and_then(|package| package.get("name"));
        let package = package.and_then(Value::as_str).unwrap_or_default();
        let Some((_, allowed)) = DIRECTION.iter().find(|(name, _)| *name == package) else {
            found.push(file.breach(
                1,
                format!("`{package}` has no row in the table of directions"),
            ));
            continue;
        };
        for (kind, name, _) in dependencies(&manifest) {
            // Tests may play against the fake upstream from any crate.
            let for_tests =
                kind == "dev-dependencies" && (name == "vane-testkit" || name == package);
            let ours = DIRECTION.iter().any(|(ours, _)| *ours == name);
            let backwards = ours && !allowed.contains(&name.as_str()) && !for_tests;
            let impure = PURE.contains(&package)
                && IMPURE.contains(&name.as_str())
                && kind != "dev-dependencies";
            if backwards || impure {
                found.push(file.breach(1, format!("`{package}` must not depend on `{name}`")));
            }
        }
    }
    found
}

fn manifests(tree: &Tree) -> impl Iterator<Item = (&Source, Table)> {
    let member = |file: &&Source| file.path.starts_with("crates/") && file.name() == "Cargo.toml";
    // A manifest that does not parse stops cargo long before tidy runs.
    tree.files
        .iter()
        .filter(member)
        .map(|file| (file, file.text.parse().unwrap_or_default()))
}

/// Table, name and value of every dependency, those of one platform included.
fn dependencies(manifest: &Table) -> Vec<(&'static str, String, Value)> {
    let platforms = manifest.get("target").and_then(Value::as_table);
    let platforms = platforms
        .into_iter()
        .flat_map(Table::values)
        .filter_map(Value::as_table);
    let mut found = Vec::new();
    for scope in std::iter::once(manifest).chain(platforms) {
        for kind in TABLES {
            let table = scope.get(*kind).and_then(Value::as_table);
            let rows = table.into_iter().flatten();
            found.extend(rows.map(|(name, value)| (*kind, name.clone(), value.clone())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: fn(&Tree) -> Vec<Breach>, package: &str, rest: &str, breaches: usize) {
        let text = format!("[package]\nname = \"{package}\"\n{rest}");
        let tree = Tree::of(&[("crates/x/Cargo.toml", &text)]);
        assert_eq!(rule(&tree).len(), breaches, "{text}");
    }

    #[test]
    fn a_version_of_its_own_is_found() {
        check(versions, "vane", "[dependencies]\nbytes = \"1\"\n", 1);
        check(
            versions,
            "vane",
            "[dev-dependencies]\nbytes = { version = \"1\" }\n",
            1,
        );
        check(
            versions,
            "vane",
            "[target.'cfg(unix)'.dependencies]\nbytes = \"1\"\n",
            1,
        );
        check(
            versions,
            "vane",
            "[dependencies]\nbytes.workspace = true\n",
            0,
        );
    }

    #[test]
    fn an_arrow_that_points_back_is_found() {
        check(
            direction,
            "vane-dialect",
            "[dependencies]\nvane-catalog.workspace = true\n",
            1,
        );
        check(
            direction,
            "vane-catalog",
            "[dependencies]\nvane-dialect.workspace = true\n",
            0,
        );
        check(
            direction,
            "vane-ledger",
            "[dev-dependencies]\nvane-testkit.workspace = true\n",
            0,
        );
        check(
            direction,
            "vane-ledger",
            "[dependencies]\nvane-testkit.workspace = true\n",
            1,
        );
        check(direction, "vane-drawer", "", 1);
    }

    #[test]
    fn a_socket_in_a_pure_crate_is_found() {
        check(
            direction,
            "vane-dialect",
            "[dependencies]\ntokio.workspace = true\n",
            1,
        );
        check(
            direction,
            "vane-dialect",
            "[dev-dependencies]\ntokio.workspace = true\n",
            0,
        );
    }
}
