//! `vane audit strays`: settlements that could not be entered, and what is decided about them.

use serde_json::{Value, json};
use vane_catalog::Date;
use vane_ledger::book::{Act, Op};
use vane_ledger::{OpenStray, Store, StrayEntry};

use crate::cli::credit::line;
use crate::cli::{Failure, Settings, terminal};

/// Strays that are read at a time.
const PAGE: u16 = 100;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Strays {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    decision: Option<Decision>,
}

#[derive(Debug, clap::Subcommand)]
enum Decision {
    /// Try again to enter one or all: each exactly once, and none whose call has a receipt
    #[command(after_help = "Examples:\n  vane audit strays enter 3\n  \
                            vane audit strays enter all --json")]
    Enter {
        /// The number of a stray, or `all`
        #[arg(value_name = "N|all", value_parser = which)]
        which: Which,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Mark one as dropped: nobody will pay for it
    #[command(
        after_help = "Example:\n  vane audit strays drop 3 --reason \"a call of the load test\""
    )]
    Drop {
        /// The number of the stray
        n: i64,
        /// Why, for whoever reads the books
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, Debug)]
enum Which {
    One(i64),
    All,
}

fn which(text: &str) -> Result<Which, &'static str> {
    if text == "all" {
        return Ok(Which::All);
    }
    let n = text.parse().map(Which::One);
    n.map_err(|_| "it must be a number, or `all`")
}

impl Strays {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        let store = settings.store()?;
        match &self.decision {
            None => list(&store, self.json),
            Some(Decision::Enter { which, json }) => enter(&store, *which, *json),
            Some(Decision::Drop { n, reason, json }) => {
                store.drop_stray(*n, &line(reason)?)?;
                if *json {
                    return terminal::print_json(&json!({ "stray": n, "state": "dropped" }));
                }
                terminal::print(&format!("stray {n}: dropped\n"))
            }
        }
    }
}

/// All open strays, oldest first.
fn open(store: &Store) -> Result<Vec<OpenStray>, Failure> {
    let mut open: Vec<OpenStray> = Vec::new();
    loop {
        let after = open.last().map_or(i64::MIN, |stray| stray.n);
        let page = store.open_strays(after, PAGE)?;
        if page.is_empty() {
            return Ok(open);
        }
        open.extend(page);
    }
}

fn list(store: &Store, json: bool) -> Result<(), Failure> {
    let open = open(store)?;
    if json {
        let strays: Vec<Value> = open.iter().map(value).collect();
        return terminal::print_json(&json!({ "strays": strays }));
    }
    let mut rows = vec![["STRAY", "DAY", "CALL", "WHY", "RECORD"].map(str::to_owned)];
    rows.extend(open.into_iter().map(|stray| {
        [
            stray.n.to_string(),
            Date::of(stray.at).to_string(),
            call(&stray.record).unwrap_or_else(|| "-".to_owned()),
            stray.why,
            stray.record,
        ]
    }));
    terminal::print(&terminal::table(&rows))
}

fn value(stray: &OpenStray) -> Value {
    // Whatever is no JSON is shown as the text that was kept.
    let record = serde_json::from_str::<Value>(&stray.record);
    json!({
        "stray": stray.n,
        "at": stray.at,
        "call": call(&stray.record),
        "why": stray.why,
        "record": record.unwrap_or_else(|_| json!(stray.record)),
    })
}

/// The call that it settles, where it can be read.
fn call(record: &str) -> Option<String> {
    match serde_json::from_str::<Op>(record).ok()?.act {
        Act::Settle(settlement) => Some(settlement.call),
        _ => None,
    }
}

fn enter(store: &Store, which: Which, json: bool) -> Result<(), Failure> {
    let numbers = match which {
        Which::One(n) => vec![n],
        Which::All => open(store)?.into_iter().map(|stray| stray.n).collect(),
    };
    let mut tried = Vec::with_capacity(numbers.len());
    let mut refused = 0_usize;
    for n in numbers {
        let entry = store.enter_stray(n)?;
        refused += usize::from(matches!(entry, StrayEntry::Refused(_)));
        if json {
            tried.push(outcome(n, &entry));
        } else {
            // At once: should the next one fail, this one is known to be done.
            terminal::read_or_not(terminal::print(&terminal::printable(&said(n, &entry))))?;
        }
    }
    if json {
        terminal::read_or_not(terminal::print_json(&json!({ "strays": tried })))?;
    }
    match refused {
        0 => Ok(()),
        some => Err(Failure::said(format!(
            "{some} could not be entered and stay open: remove the cause, or drop them"
        ))),
    }
}

fn outcome(n: i64, entry: &StrayEntry) -> Value {
    match entry {
        StrayEntry::Entered { charged, lost } => json!({
            "stray": n,
            "state": "entered",
            "charged": charged.to_string(),
            "lost": lost.to_string(),
        }),
        StrayEntry::Repeated => {
            let why = "the call has a receipt already";
            json!({ "stray": n, "state": "dropped", "why": why })
        }
        StrayEntry::Refused(why) => json!({ "stray": n, "state": "open", "why": why }),
    }
}

fn said(n: i64, entry: &StrayEntry) -> String {
    match entry {
        StrayEntry::Entered { charged, lost } => {
            format!("stray {n}: entered; the customer pays ${charged}, the operator ${lost}\n")
        }
        StrayEntry::Repeated => {
            format!("stray {n}: dropped; its call has a receipt, and is not paid for twice\n")
        }
        StrayEntry::Refused(why) => format!("stray {n}: not entered: {why}\n"),
    }
}
