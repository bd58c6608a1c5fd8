//! A file of receipts that go. A line is the receipt as the API tells it, its account and its place
//! in the chain of its book.
//!
//! Invariant: what is removed is in the file and synced before; of a chunk that was written and then
//! not removed, because the process was killed, the next run has the lines again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::json;
use vane_ledger::book::Receipt;
use vane_ledger::{AccountId, Store};

use crate::api::receipt_shown;
use crate::cli::Failure;

pub(super) struct Archive {
    path: PathBuf,
    file: BufWriter<File>,
    accounts: BTreeMap<AccountId, String>,
}

impl Archive {
    /// Makes the file, which must not be there.
    pub(super) fn create(path: &Path, store: &Store) -> Result<Self, Failure> {
        let accounts = store.list_accounts()?.into_iter();
        let made = File::create_new(path).and_then(|file| {
            // The name is to last as long as what it names.
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
            Ok(file)
        });
        Ok(Self {
            file: BufWriter::new(made.map_err(|error| failed(path, &error))?),
            path: path.to_owned(),
            accounts: accounts.map(|one| (one.id, one.name)).collect(),
        })
    }

    /// Writes and syncs.
    pub(super) fn write(&mut self, receipts: &[Receipt]) -> Result<(), Failure> {
        self.lines(receipts)
            .map_err(|error| failed(&self.path, &error))
    }

    fn lines(&mut self, receipts: &[Receipt]) -> io::Result<()> {
        for receipt in receipts {
            let mut line = receipt_shown(receipt);
            let account = receipt.settlement.account;
            let hash: String = receipt
                .hash
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            line["account"] = json!(self.accounts.get(&account));
            line["seq"] = json!(receipt.seq);
            line["hash"] = json!(hash);
            writeln!(self.file, "{line}")?;
        }
        self.file.flush()?;
        self.file.get_ref().sync_data()
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::said(format!("cannot write {}: {error}", path.display()))
}
