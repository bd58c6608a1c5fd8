//! A software bill of materials: every package of the lock file, as CycloneDX 1.6 JSON.
//!
//! For whoever must know what a build contains without building it. Invariant: the same tree gives
//! the same bytes; a time stands in it only if one is given.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Map, Value, json};

use crate::packages::{self, Package};
use crate::tidy::workspace_root;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The file to write; standard output without one
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// When the list was made, such as 2026-11-21T12:00:00Z; without it, no time is said
    #[arg(long, value_name = "TIME")]
    timestamp: Option<String>,
}

/// The package that everything else is a part of.
const ROOT: &str = "vane";

pub(crate) fn run(options: &Options) -> Result<()> {
    let packages = packages::read(&workspace_root())?;
    let bom = bom(&packages, options.timestamp.as_deref())?;
    let text = format!("{bom:#}\n");
    match &options.out {
        None => print!("{text}"),
        Some(path) => std::fs::write(path, text).with_context(|| path.display().to_string())?,
    }
    Ok(())
}

fn bom(packages: &[Package], timestamp: Option<&str>) -> Result<Value> {
    let Some(root) = packages.iter().find(|package| package.name == ROOT) else {
        bail!("the lock file has no package `{ROOT}`");
    };
    let mut metadata = Map::new();
    if let Some(time) = timestamp {
        metadata.insert("timestamp".to_owned(), json!(time));
    }
    metadata.insert("component".to_owned(), component(root, "application"));
    let parts = packages.iter().filter(|package| package.name != ROOT);
    let edges = packages.iter().map(|package| {
        let needs: Vec<String> = package
            .needs
            .iter()
            .filter_map(|at| packages.get(*at))
            .map(reference)
            .collect();
        json!({"ref": reference(package), "dependsOn": needs})
    });
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": metadata,
        "components": parts.map(|part| component(part, "library")).collect::<Vec<_>>(),
        "dependencies": edges.collect::<Vec<_>>(),
    }))
}

fn component(package: &Package, kind: &str) -> Value {
    let mut row = Map::new();
    let mut set = |key: &str, value: Value| row.insert(key.to_owned(), value);
    set("type", json!(kind));
    set("bom-ref", json!(reference(package)));
    set("name", json!(package.name));
    set("version", json!(package.version));
    if let Some(licence) = &package.licence {
        // `A/B` is from before there were expressions.
        let expression = match licence.contains('/') {
            true => licence
                .split('/')
                .map(str::trim)
                .collect::<Vec<_>>()
                .join(" OR "),
            false => licence.clone(),
        };
        set("licenses", json!([{"expression": expression}]));
    }
    if let Some(checksum) = &package.checksum {
        set("hashes", json!([{"alg": "SHA-256", "content": checksum}]));
    }
    // What was never published has no address that others could look up.
    if package.source.is_some() {
        set("purl", json!(reference(package)));
    }
    Value::Object(row)
}

/// The package URL, which is unique in one lock file. Build metadata begins with a plus.
fn reference(package: &Package) -> String {
    let version = package.version.replace('+', "%2B");
    format!("pkg:cargo/{}@{version}", package.name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn made() -> (Vec<Package>, Value) {
        let packages = packages::read(&workspace_root()).unwrap();
        let bom = bom(&packages, None).unwrap();
        (packages, bom)
    }

    fn texts<'v>(rows: &'v Value, key: &str) -> BTreeSet<&'v str> {
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row[key].as_str().unwrap()).collect()
    }

    #[test]
    fn s17_the_list_is_complete_against_the_lock_file() {
        let (packages, bom) = made();
        let root = bom["metadata"]["component"]["bom-ref"].as_str().unwrap();
        let mut listed = texts(&bom["components"], "bom-ref");
        assert!(listed.insert(root), "the root is no part of itself");
        assert_eq!(listed.len(), packages.len());
        assert_eq!(listed, texts(&bom["dependencies"], "ref"));
        let lock = std::fs::read_to_string(workspace_root().join("Cargo.lock")).unwrap();
        assert_eq!(lock.matches("\nname = ").count(), listed.len());
        for row in bom["dependencies"].as_array().unwrap() {
            for need in row["dependsOn"].as_array().unwrap() {
                assert!(listed.contains(need.as_str().unwrap()), "{need} is listed");
            }
        }
    }

    #[test]
    fn s17_the_list_has_the_shape_of_cyclonedx() {
        let (_, bom) = made();
        assert_eq!(
            (&bom["bomFormat"], &bom["specVersion"]),
            (&json!("CycloneDX"), &json!("1.6"))
        );
        assert_eq!(bom["metadata"]["component"]["type"], "application");
        assert!(bom["metadata"]["timestamp"].is_null());
        for row in bom["components"].as_array().unwrap() {
            assert_eq!(row["type"], "library", "{row}");
            assert!(
                row["name"].is_string() && row["version"].is_string(),
                "{row}"
            );
            let licence = row["licenses"][0]["expression"].as_str().unwrap();
            assert!(!licence.is_empty() && !licence.contains('/'), "{row}");
            if let Some(hash) = row["hashes"][0]["content"].as_str() {
                assert_eq!(row["hashes"][0]["alg"], "SHA-256");
                assert!(
                    hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()),
                    "{row}"
                );
                assert!(row["purl"].as_str().unwrap().starts_with("pkg:cargo/"));
            } else {
                assert!(
                    row["name"].as_str().unwrap().starts_with("vane") || row["name"] == "xtask"
                );
            }
        }
    }

    #[test]
    fn s17_the_same_tree_gives_the_same_bytes() {
        assert_eq!(made().1.to_string(), made().1.to_string());
        let packages = made().0;
        let dated = bom(&packages, Some("2026-11-21T12:00:00Z")).unwrap();
        assert_eq!(dated["metadata"]["timestamp"], "2026-11-21T12:00:00Z");
    }
}
