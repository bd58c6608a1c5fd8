//! `vane weights list`.

use serde_json::{Value, json};

use super::super::{Failure, terminal};
use crate::weights::{Shelf, Shelved, size};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct List {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) fn run(&self, shelf: &Shelf) -> Result<(), Failure> {
        let (models, unfinished) = (shelf.list(), shelf.unfinished());
        if self.json {
            let models: Vec<Value> = models.iter().map(as_json).collect();
            let unfinished = unfinished.iter();
            let unfinished =
                unfinished.map(|(name, bytes)| json!({ "name": name.to_string(), "bytes": bytes }));
            return terminal::print_json(&json!({
                "folder": shelf.folder(), "models": models,
                "unfinished": unfinished.collect::<Vec<_>>(),
            }));
        }
        if models.is_empty() {
            let folder = shelf.folder().display();
            terminal::note(&format!(
                "nothing is in {folder}: `vane weights pull ORG/REPO` brings a model"
            ));
        } else {
            let head = ["NAME", "SIZE", "REVISION"].map(str::to_owned);
            let rows = models.iter().map(|model| {
                let commit = model.commit.chars().take(12).collect::<String>();
                let at = match model.branches.as_slice() {
                    [] => commit,
                    branches => format!("{} ({commit})", branches.join(", ")),
                };
                [model.name.to_string(), size(model.bytes), at]
            });
            let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
            terminal::print(&terminal::table(&rows))?;
        }
        for (name, bytes) in unfinished {
            let bytes = size(bytes);
            terminal::note(&format!(
                "{name} broke off with {bytes} of a file here: pull it again to go on"
            ));
        }
        Ok(())
    }
}

fn as_json(model: &Shelved) -> Value {
    json!({
        "name": model.name.to_string(), "model": model.name.model(), "file": model.name.file,
        "commit": model.commit, "branches": model.branches, "bytes": model.bytes,
    })
}
