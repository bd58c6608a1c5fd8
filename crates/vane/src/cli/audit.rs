//! `vane audit`: proof that the books hold.

use serde_json::json;

use super::{Failure, Settings, terminal};

#[derive(Debug, clap::Args)]
pub(super) struct Audit {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        match settings.store()?.audit()? {
            Ok(sound) if self.json => terminal::print_json(&json!({
                "ok": true,
                "books": sound.books,
                "entries": sound.entries,
                "transactions": sound.transactions,
                "leases": sound.leases,
                "receipts": sound.receipts,
            })),
            Ok(sound) => terminal::print(&format!(
                "ok: {} entries in {} books, {} transactions, {} leases, {} receipts\n",
                sound.entries, sound.books, sound.transactions, sound.leases, sound.receipts
            )),
            Err(broken) => {
                if self.json {
                    let (invariant, what) = (broken.invariant, &broken.what);
                    terminal::print_json(
                        &json!({ "ok": false, "invariant": invariant, "broken": what }),
                    )?;
                } else {
                    terminal::print(&terminal::printable(&format!("broken: {broken}\n")))?;
                }
                Err(Failure::Reported)
            }
        }
    }
}
