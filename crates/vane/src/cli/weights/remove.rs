//! `vane weights remove`.

use std::io::{self, IsTerminal};

use serde_json::json;

use super::super::{Failure, terminal};
use crate::weights::{Shelf, size};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Remove {
    /// ORG/REPO, or one of its revisions or files
    name: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Remove {
    pub(super) fn run(&self, shelf: &Shelf) -> Result<(), Failure> {
        let name = super::name(&self.name)?;
        if !self.yes {
            if !io::stdin().is_terminal() {
                return Err(Failure::said("nobody is there to be asked; say --yes"));
            }
            let question = format!("remove {name} from {}? [y/N] ", shelf.folder().display());
            if !matches!(super::pull::asked(&question)?.as_str(), "y" | "Y" | "yes") {
                return Err(Failure::said("nothing was removed"));
            }
        }
        let bytes = shelf.remove(&name)?;
        if self.json {
            return terminal::print_json(&json!({ "name": name.to_string(), "bytes": bytes }));
        }
        terminal::print(&format!(
            "{name} is removed, {} are free again\n",
            size(bytes)
        ))
    }
}
