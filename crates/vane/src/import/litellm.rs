//! A LiteLLM proxy's `config.yaml` as a `vane.toml`.
//!
//! Deployments of one server and one key become a `[[provider]]`; what is said of a deployment
//! becomes a row of its `models`. Invariants: everything the file says is either in the result or
//! in the list of what is [`Left`], with its line and why; no price, address or ability is
//! guessed; no literal secret and no value of an environment variable is repeated.

mod deployment;
pub mod keys;
mod price;
mod report;
mod server;
mod settings;
mod target;
#[cfg(test)]
mod tests;
mod words;
mod write;

use vane_catalog::Catalog;

pub use report::{Left, Variable, Why};

use super::yaml::{self, Yaml};
use deployment::Credentials;
use report::Report;
use server::Servers;

/// What came of a file.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// The text of a `vane.toml`, which loads once `variables` are set.
    pub configuration: String,
    /// What callers may ask for; `None` where a wildcard leads to models that no entry names.
    pub names: Option<Vec<String>>,
    /// Everything that did not map, in the order of the file.
    pub left: Vec<Left>,
    /// What the operator must set before it loads.
    pub variables: Vec<Variable>,
}

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// Reads a `config.yaml`.
///
/// # Errors
/// When it is no YAML, too large, or no table.
pub fn configuration(text: &str, catalog: &Catalog) -> Result<Imported, Unreadable> {
    let root = yaml::parse(text).map_err(|fault| Unreadable(fault.to_string()))?;
    if root.table().is_empty() {
        return Err(Unreadable(
            "this is no configuration of LiteLLM: it has no keys".to_owned(),
        ));
    }
    let mut report = Report::default();
    let servers = servers(&root, catalog, &mut report);
    let settings = settings::read(&root, &mut report);
    let configuration = write::toml(&servers, &settings, &mut report);
    Ok(report.finish(configuration, servers.names()))
}

fn servers<'c>(root: &Yaml, catalog: &'c Catalog, report: &mut Report) -> Servers<'c> {
    let credentials = Credentials::read(root);
    let mut servers = Servers::new(catalog);
    let entries = root.get("model_list").map_or(&[][..], Yaml::list);
    for (at, entry) in entries.iter().enumerate() {
        if let Some(found) = deployment::read(at, entry, &credentials, catalog, report) {
            servers.add(found, report);
        }
    }
    servers.add_aliases(root, report);
    servers
}
