//! `vane audit`: proof that the books hold, what people decide about what could not be
//! entered, and what of a journal is readable.

mod journal;
mod strays;

use serde_json::json;

use super::{Failure, Settings, terminal};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Audit {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Say what of this process's journal is readable instead; nothing in it is changed
    #[arg(long)]
    journal: bool,
    #[command(subcommand)]
    of: Option<Of>,
}

#[derive(Debug, clap::Subcommand)]
enum Of {
    /// List settlements that could not be entered and that nobody has decided about
    #[command(
        after_help = "Examples:\n  vane audit strays\n  vane audit strays --json\n  \
                            vane audit strays enter all\n  \
                            vane audit strays drop 3 --reason \"a call of the load test\""
    )]
    Strays(strays::Strays),
}

impl Audit {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        match &self.of {
            Some(Of::Strays(strays)) => strays.run(settings),
            None if self.journal => journal::show(settings, self.json),
            None => self.prove(settings),
        }
    }

    fn prove(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        match settings.store()?.audit()? {
            Ok(sound) if self.json => terminal::print_json(&json!({
                "ok": true,
                "books": sound.books,
                "entries": sound.entries,
                "transactions": sound.transactions,
                "leases": sound.leases,
                "receipts": sound.receipts,
                "receipts_gone": sound.gone,
                "open_calls": sound.open_calls,
            })),
            Ok(sound) => terminal::print(&format!(
                "ok: {} entries in {} books, {} transactions, {} leases, {} receipts{}, {} open calls\n",
                sound.entries,
                sound.books,
                sound.transactions,
                sound.leases,
                sound.receipts,
                match sound.gone {
                    0 => String::new(),
                    gone => format!(" ({gone} more are gone)"),
                },
                sound.open_calls
            )),
            Err(broken) => {
                terminal::read_or_not(if self.json {
                    let (invariant, what) = (broken.invariant, &broken.what);
                    terminal::print_json(
                        &json!({ "ok": false, "invariant": invariant, "broken": what }),
                    )
                } else {
                    terminal::print(&terminal::printable(&format!("broken: {broken}\n")))
                })?;
                Err(Failure::Reported)
            }
        }
    }
}
