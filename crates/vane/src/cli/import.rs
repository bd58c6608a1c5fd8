//! `vane import`: what another gateway was told, as Vane is told it.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use vane_catalog::Catalog;

use super::settings::now;
use super::{Failure, terminal};
use crate::import::litellm::keys::{Keys, keys};
use crate::import::litellm::{Imported, Why, configuration};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Import {
    /// Turn a LiteLLM proxy's config.yaml into a vane.toml, and list what did not map
    #[command(
        after_help = "Examples:\n  vane import litellm config.yaml > vane.toml\n  \
                            vane import litellm config.yaml --write vane.toml --database keys.csv"
    )]
    Litellm(Litellm),
}

#[derive(Debug, clap::Args)]
pub(super) struct Litellm {
    /// The proxy's config.yaml
    file: PathBuf,
    /// An export of its database, CSV or JSON: LiteLLM_VerificationToken, and the tables of teams,
    /// users and budgets that it names; once for each file
    #[arg(long, value_name = "EXPORT")]
    database: Vec<PathBuf>,
    /// Write the configuration here, where no file is yet, instead of printing it
    #[arg(long, value_name = "PATH")]
    write: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Litellm(litellm) => litellm.run(),
        }
    }
}

impl Litellm {
    fn run(&self) -> Result<(), Failure> {
        let said = |path: &Path, why: String| Failure::said(format!("{}: {why}", path.display()));
        let catalog = Catalog::embedded()
            .map_err(|faults| Failure::Other(crate::config::CatalogFault(faults).into()))?;
        let imported = configuration(&read(&self.file)?, &catalog)
            .map_err(|why| said(&self.file, why.to_string()))?;
        let exports = self.database.iter().map(|path| read(path));
        let exports = exports.collect::<Result<Vec<_>, _>>()?;
        let keys = keys(&exports, imported.names.as_deref(), now()).map_err(|why| {
            match self.database.as_slice() {
                [one] => said(one, why.to_string()),
                _ => Failure::said(format!("an export of the database: {why}")),
            }
        })?;
        if let Some(path) = &self.write {
            create(path, &imported.configuration)?;
        }
        if self.json {
            return terminal::print_json(&as_json(&imported, &keys));
        }
        if self.write.is_none() {
            terminal::print(&imported.configuration)?;
        }
        if !keys.commands.is_empty() {
            // Beside a configuration on standard output they are comments of it.
            let mark = if self.write.is_none() { "# " } else { "" };
            let lines = keys.commands.iter().map(|line| format!("{mark}{line}\n"));
            terminal::print(&terminal::printable(&lines.collect::<String>()))?;
        }
        terminal::note(summary(&imported, &keys).trim_end());
        Ok(())
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::said(format!("cannot read {}: {error}", path.display())))
}

/// Writes a file that was not there.
fn create(path: &Path, text: &str) -> Result<(), Failure> {
    let file = std::fs::File::create_new(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Failure::said(format!("cannot write {}: {error}", path.display())))
}

/// What must be set and what did not map, by why.
fn summary(imported: &Imported, keys: &Keys) -> String {
    let mut text = String::new();
    if !imported.variables.is_empty() {
        text += "to be set before it loads:\n";
        for variable in &imported.variables {
            text += &format!("  {}: {}\n", variable.name, variable.what);
        }
    }
    for why in Why::ALL {
        let rows: Vec<_> = imported
            .left
            .iter()
            .filter(|left| left.why == why)
            .collect();
        if rows.is_empty() {
            continue;
        }
        text += &format!("{}:\n", why.heading());
        for left in rows {
            text += &format!("  line {}: {}: {}\n", left.line, left.place, left.what);
        }
    }
    if !keys.left.is_empty() {
        text += "of keys:\n";
        for left in &keys.left {
            text += &format!("  {}: {}\n", left.of, left.what);
        }
    }
    if text.is_empty() {
        text += "everything mapped\n";
    }
    text
}

fn as_json(imported: &Imported, keys: &Keys) -> Value {
    let left = imported.left.iter().map(|left| {
        json!({ "why": left.why.name(), "line": left.line, "place": left.place, "what": left.what })
    });
    let variables = imported
        .variables
        .iter()
        .map(|variable| json!({ "name": variable.name, "what": variable.what }));
    let of_keys = keys
        .left
        .iter()
        .map(|left| json!({ "of": left.of, "what": left.what }));
    json!({
        "configuration": imported.configuration,
        "variables": variables.collect::<Vec<_>>(),
        "not_mapped": left.collect::<Vec<_>>(),
        "commands": keys.commands,
        "not_mapped_of_keys": of_keys.collect::<Vec<_>>(),
    })
}
