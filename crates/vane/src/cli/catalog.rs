//! `vane catalog`: what a file of offers would change, and the change itself.
//!
//! Invariant: what is written was shown before, is whole, and loads.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use vane_catalog::{Change, Overlay, What, diff};

use super::settings::now;
use super::{Failure, Settings, terminal};
use crate::config::{CatalogFault, CatalogFile, Config, base, extended};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Catalog {
    /// Show what a file would change: offers, prices with their day, limits, abilities
    #[command(after_help = "Examples:\n  vane catalog diff prices.json\n  \
                            vane catalog diff prices.json --json")]
    Diff {
        /// A whole catalogue or a part of one, in the form of catalog/models.json
        file: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show the same, then write it to the file that `catalog` names in the configuration
    #[command(after_help = "Examples:\n  vane catalog apply prices.json\n  \
                            vane catalog apply prices.json --yes && pkill -o -HUP -x vane")]
    Apply {
        /// A whole catalogue or a part of one, in the form of catalog/models.json
        file: PathBuf,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

impl Catalog {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        let config = settings.config()?;
        match self {
            Self::Diff { file, json } => {
                let review = Review::of(file, &config)?;
                review.show(*json, false)
            }
            Self::Apply { file, yes, json } => {
                let Some(target) = &config.catalog else {
                    let said = "no file to write: name one in the configuration, such as \
                                `catalog = \"catalog.json\"`";
                    return Err(Failure::said(said));
                };
                let review = Review::of(file, &config)?;
                let changes = !review.changes.is_empty();
                if changes && !yes && (*json || !std::io::stdin().is_terminal()) {
                    return Err(Failure::said("nothing was written: say --yes to apply it"));
                }
                if !json {
                    review.show(false, false).map_err(unread)?;
                }
                if changes && !yes && !confirmed()? {
                    return Err(Failure::said("nothing was written"));
                }
                if changes {
                    replace(&target.path, &review.overlay.to_text())?;
                    let path = target.path.display();
                    terminal::note(&format!(
                        "{path} is written; SIGHUP makes a running server take it"
                    ));
                }
                if *json {
                    review.show(true, changes)
                } else {
                    Ok(())
                }
            }
        }
    }
}

/// What a file comes to over what there is.
struct Review {
    /// The operator's catalogue as it would be.
    overlay: Overlay,
    changes: Vec<Change>,
}

impl Review {
    fn of(file: &Path, config: &Config) -> Result<Self, Failure> {
        let shown = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::said(format!("cannot read {shown}: {error}")))?;
        let refused = |faults: Vec<vane_catalog::CatalogError>| {
            Failure::said(format!("{shown} is refused: {}", CatalogFault(faults)))
        };
        let new = Overlay::read(&text).map_err(refused)?;
        let (before, now) = (base(config.catalog.as_ref())?, now());
        let known = config.catalog.as_ref().map(|file| file.overlay.clone());
        let known = known.unwrap_or_default();
        let faults = new.faults(&before, &known, now);
        if !faults.is_empty() {
            return Err(refused(faults));
        }
        let overlay = known.with(&new);
        let whole = CatalogFile {
            path: PathBuf::new(),
            overlay,
        };
        let after = base(Some(&whole)).map_err(|CatalogFault(faults)| refused(faults))?;
        // What the configuration says besides must still fit.
        extended(&after, &config.providers).map_err(|CatalogFault(faults)| refused(faults))?;
        Ok(Self {
            changes: diff(&before, &after, now),
            overlay: whole.overlay,
        })
    }

    fn show(&self, json: bool, applied: bool) -> Result<(), Failure> {
        if json {
            let changes: Vec<Value> = self.changes.iter().map(as_json).collect();
            return terminal::print_json(&json!({ "changes": changes, "applied": applied }));
        }
        if self.changes.is_empty() {
            return terminal::print("nothing changes\n");
        }
        let lines = self.changes.iter().map(|change| line(change) + "\n");
        terminal::print(&terminal::printable(&lines.collect::<String>()))
    }
}

impl From<CatalogFault> for Failure {
    fn from(fault: CatalogFault) -> Self {
        Self::said(fault.to_string())
    }
}

fn line(change: &Change) -> String {
    let id = &change.offer;
    match &change.what {
        What::Added => format!("+ {id}: new"),
        What::Removed => format!("- {id}: removed"),
        What::Withdrawn { from } => {
            format!("~ {id}: the prices announced for {from} are withdrawn")
        }
        What::Fact { field, old, new } => format!("~ {id}: {field}: {old} -> {new}"),
        What::Price {
            field,
            old,
            new,
            percent,
            from,
            announced,
        } => {
            let price = |price: &Option<String>| {
                price
                    .as_ref()
                    .map_or("none".to_owned(), |price| format!("${price}"))
            };
            let percent = percent
                .as_ref()
                .map_or(String::new(), |percent| format!(" ({percent})"));
            let when = if *announced { "announced for" } else { "since" };
            format!(
                "~ {id}: {field}: {} -> {}{percent}, {when} {from}",
                price(old),
                price(new)
            )
        }
    }
}

fn as_json(change: &Change) -> Value {
    let id = &*change.offer;
    match &change.what {
        What::Added => json!({ "offer": id, "change": "added" }),
        What::Removed => json!({ "offer": id, "change": "removed" }),
        What::Withdrawn { from } => {
            json!({ "offer": id, "change": "withdrawn", "from": from.to_string() })
        }
        What::Fact { field, old, new } => {
            json!({ "offer": id, "change": "fact", "field": field, "old": old, "new": new })
        }
        What::Price {
            field,
            old,
            new,
            percent,
            from,
            announced,
        } => json!({
            "offer": id, "change": "price", "field": field, "old": old, "new": new,
            "percent": percent, "from": from.to_string(), "announced": announced,
        }),
    }
}

/// What nobody saw is not taken in.
fn unread(failure: Failure) -> Failure {
    match failure {
        Failure::Closed => Failure::said("nothing was written: nobody read what would change"),
        failure => failure,
    }
}

/// Asks on the terminal.
fn confirmed() -> Result<bool, Failure> {
    terminal::greet("apply this? [y/N] ");
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(Failure::Output)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Puts a whole text where a file is, at once, with the mode that the file has.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let shown = path.display();
    let written = || -> std::io::Result<()> {
        // A link is followed: what it names is replaced, and stays where it is.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let beside = path.with_file_name(name);
        // What an interrupted run left there, or whatever else.
        let _ = std::fs::remove_file(&beside);
        let mut file = std::fs::File::create_new(&beside)?;
        if let Ok(known) = std::fs::metadata(&path) {
            file.set_permissions(known.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)?;
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    written().map_err(|error| Failure::said(format!("cannot write {shown}: {error}")))
}
