//! Every package that the lock file names, as cargo knows it: licence, source, checksum, edges.
//!
//! `tidy` judges them and `sbom` lists them. Invariant: what is listed here is what the lock file
//! holds, no more and no less; nothing is resolved anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use toml::Table;

/// One package of the lock file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// An SPDX expression, as its author wrote it.
    pub(crate) licence: Option<String>,
    /// Where cargo takes it from; `None` is this workspace.
    pub(crate) source: Option<String>,
    /// SHA-256 of what was downloaded.
    pub(crate) checksum: Option<String>,
    /// Its direct dependencies, by their place in the list of all packages.
    pub(crate) needs: Vec<usize>,
    /// Dependencies whose version is `*` and that have no path.
    pub(crate) wildcards: Vec<String>,
}

/// Every package of the workspace at `root`, by name and version.
///
/// # Errors
/// If cargo cannot say, or says something else than the lock file.
pub(crate) fn read(root: &Path) -> Result<Vec<Package>> {
    let told = cargo(
        root,
        &["metadata", "--format-version", "1", "--all-features"],
    )?;
    let metadata: Value = serde_json::from_str(&told).context("what cargo metadata said")?;
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("Cargo.lock")?;
    of(&metadata, &lock.parse().context("Cargo.lock")?)
}

/// Name and version of each package that is built for `target` with every feature. The lock file
/// also holds what could be switched on and never is.
///
/// # Errors
/// If cargo cannot say.
pub(crate) fn built(root: &Path, target: &str) -> Result<BTreeSet<(String, String)>> {
    let told = cargo(
        root,
        &[
            "tree",
            "--workspace",
            "--all-features",
            "--edges=all",
            "--prefix=none",
            "--format={p}",
            "--target",
            target,
        ],
    )?;
    Ok(told.lines().filter_map(name_and_version).collect())
}

/// `serde v1.0.228 (proc-macro)` as cargo writes it in a tree.
fn name_and_version(line: &str) -> Option<(String, String)> {
    let mut words = line.split_whitespace();
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    Some((name.to_owned(), version.to_owned()))
}

/// What cargo says, of exactly what is locked. Offline, unless something for another platform was
/// never fetched on this machine.
fn cargo(root: &Path, command: &[&str]) -> Result<String> {
    let ask = |more: &[&str]| {
        let told = Command::new("cargo")
            .args(command)
            .arg("--locked")
            .args(more)
            .current_dir(root)
            .output()
            .with_context(|| format!("cargo {}", command[0]))?;
        match told.status.success() {
            true => String::from_utf8(told.stdout).context("what cargo said"),
            false => bail!(
                "cargo {}: {}",
                command[0],
                String::from_utf8_lossy(&told.stderr)
            ),
        }
    };
    ask(&["--offline"]).or_else(|_| ask(&[]))
}

fn of(metadata: &Value, lock: &Table) -> Result<Vec<Package>> {
    let checksums = checksums(lock);
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let mut rows = list(metadata, "packages");
    rows.sort_by_key(|row| {
        (
            text(&row["name"]),
            text(&row["version"]),
            text(&row["source"]),
        )
    });
    let places: BTreeMap<String, usize> = rows
        .iter()
        .enumerate()
        .filter_map(|(at, row)| Some((text(&row["id"])?, at)))
        .collect();
    let mut packages: Vec<Package> = rows.iter().map(package).collect();
    for node in list(&metadata["resolve"], "nodes") {
        let needed = list(&node, "dependencies");
        let mut needs: Vec<usize> = needed
            .iter()
            .filter_map(|id| places.get(id.as_str()?).copied())
            .collect();
        needs.sort_unstable();
        let at = text(&node["id"]).and_then(|id| places.get(&id).copied());
        if let Some(package) = at.and_then(|at| packages.get_mut(at)) {
            package.needs = needs;
        }
    }
    for package in &mut packages {
        let key = (package.name.clone(), package.version.clone());
        let Some(checksum) = checksums.get(&key) else {
            bail!(
                "{} {} is not in the lock file",
                package.name,
                package.version
            );
        };
        package.checksum.clone_from(checksum);
    }
    if packages.len() != checksums.len() {
        bail!(
            "cargo names {} packages and the lock file {}",
            packages.len(),
            checksums.len()
        );
    }
    Ok(packages)
}

fn package(row: &Value) -> Package {
    let declared = row["dependencies"].as_array().into_iter().flatten();
    let wildcards = declared
        .filter(|need| need["req"] == "*" && need["path"].is_null())
        .filter_map(|need| text(&need["name"]));
    Package {
        name: text(&row["name"]).unwrap_or_default(),
        version: text(&row["version"]).unwrap_or_default(),
        licence: text(&row["license"]),
        source: text(&row["source"]),
        wildcards: wildcards.collect(),
        ..Package::default()
    }
}

/// Name and version -> checksum, of every row of the lock file.
fn checksums(lock: &Table) -> BTreeMap<(String, String), Option<String>> {
    let rows = lock.get("package").and_then(toml::Value::as_array);
    let word = |row: &toml::Value, key: &str| row.get(key)?.as_str().map(String::from);
    rows.into_iter()
        .flatten()
        .filter_map(|row| {
            Some((
                (word(row, "name")?, word(row, "version")?),
                word(row, "checksum"),
            ))
        })
        .collect()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_of_the_lock_file_is_read_with_its_checksum() {
        let packages = read(&crate::tidy::workspace_root()).unwrap();
        let of = |name: &str| {
            packages
                .iter()
                .find(|package| package.name == name)
                .unwrap()
        };
        let (ours, theirs) = (of("vane"), of("serde_json"));
        assert!(ours.source.is_none() && ours.checksum.is_none());
        assert!(theirs.source.is_some() && theirs.licence.is_some());
        assert_eq!(theirs.checksum.as_ref().map(String::len), Some(64));
        let needs: Vec<&str> = ours
            .needs
            .iter()
            .map(|at| packages[*at].name.as_str())
            .collect();
        assert!(needs.contains(&"vane-ledger"), "{needs:?}");
    }

    #[test]
    fn a_package_that_is_not_locked_is_an_error() {
        let metadata =
            serde_json::json!({"packages": [{"id": "a", "name": "a", "version": "1.0.0"}]});
        let lock = |text: &str| text.parse::<Table>().unwrap();
        assert!(of(&metadata, &lock("")).is_err());
        let locked = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n";
        assert!(of(&metadata, &lock(locked)).is_ok());
        let more = format!("{locked}[[package]]\nname = \"b\"\nversion = \"1.0.0\"\n");
        assert!(of(&metadata, &lock(&more)).is_err());
    }
}
