//! `vane example`: runs of the playground that the pages of their models show.

use std::io::Read;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};
use vane_catalog::Date;
use vane_ledger::NewExample;

use super::settings::now;
use super::{Failure, Settings, terminal};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Example {
    /// Save a run that the playground wrote to a file
    #[command(
        after_help = "Examples:\n  vane example save run.json --title \"Adds two numbers\"\n  \
                            vane example save - --title \"How it would look\" --illustration < run.json"
    )]
    Save {
        /// The file, or - for standard input
        file: PathBuf,
        /// What the page calls it
        #[arg(long)]
        title: String,
        /// It is no run of this server, and its page says so
        #[arg(long)]
        illustration: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// List the examples
    #[command(after_help = "Example:\n  vane example list --json")]
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Take an example away
    #[command(after_help = "Example:\n  vane example drop 5f1c2a9e0b7d4c6f8a3e1d2c4b5a6978")]
    Drop {
        id: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// A run as the playground writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    mode: String,
    model: String,
    asked: serde_json::Map<String, Value>,
    answer: String,
    #[serde(default)]
    call: Option<String>,
}

impl Example {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        let store = settings.store()?;
        match self {
            Self::Save {
                file,
                title,
                illustration,
                json,
            } => {
                let run = read(file)?;
                let new = NewExample {
                    title: title.clone(),
                    model: run.model,
                    mode: run.mode,
                    asked: Value::Object(run.asked).to_string(),
                    answer: run.answer,
                    call: match illustration {
                        true => None,
                        false => Some(run.call.ok_or_else(no_call)?),
                    },
                };
                let saved = store.save_example(&new, now())?;
                show(&[saved], *json)
            }
            Self::List { json } => show(&store.list_examples()?, *json),
            Self::Drop { id, json } => {
                if !store.drop_example(id)? {
                    return Err(Failure::said(format!(
                        "there is no example {id:?}; `vane example list` shows them"
                    )));
                }
                if *json {
                    return terminal::print_json(&json!({ "id": id, "dropped": true }));
                }
                terminal::note(&format!("{id} is no example any more"));
                Ok(())
            }
        }
    }
}

fn no_call() -> Failure {
    Failure::said(
        "the file names no receipt (`call`): save a run from the playground, or say --illustration"
            .to_owned(),
    )
}

fn read(file: &PathBuf) -> Result<Run, Failure> {
    let mut text = String::new();
    let read = match file.as_os_str() == "-" {
        true => std::io::stdin().read_to_string(&mut text),
        false => std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text)),
    };
    let shown = file.display();
    read.map_err(|error| Failure::said(format!("cannot read {shown}: {error}")))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::said(format!("{shown} is no run of the playground: {error}")))
}

fn show(examples: &[vane_ledger::Example], json: bool) -> Result<(), Failure> {
    if json {
        let rows: Vec<Value> = examples.iter().map(as_json).collect();
        return terminal::print_json(&json!({ "examples": rows }));
    }
    let mut rows = vec![["ID", "MODEL", "TITLE", "COST", "SAVED"].map(str::to_owned)];
    rows.extend(examples.iter().map(|one| {
        let cost = one
            .cost
            .map_or_else(|| "illustration".to_owned(), |cost| format!("${cost}"));
        let day = Date::of(one.made_at).to_string();
        [
            one.id.clone(),
            one.run.model.clone(),
            one.run.title.clone(),
            cost,
            day,
        ]
    }));
    terminal::print(&terminal::table(&rows))
}

fn as_json(one: &vane_ledger::Example) -> Value {
    json!({
        "id": one.id,
        "title": one.run.title,
        "model": one.run.model,
        "mode": one.run.mode,
        "provider": (!one.provider.is_empty()).then_some(&one.provider),
        "call": one.run.call,
        "cost": one.cost.map(|cost| cost.to_string()),
        "created_at": one.made_at,
    })
}
