//! The ledger as its users see it, on real files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of this is tests; the settings for tests miss their shared functions"
)]

mod accounts;
mod audit;
mod books;
mod cost;
mod ingest;
mod keys;
mod opening;
mod replica;
mod reports;
mod ring;
mod rotation;

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use vane_ledger::{AccountId, AccountKind, Key, NewKey, Store};

/// An empty folder, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "ledger-{}-{}",
            process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn database(&self) -> PathBuf {
        self.0.join("vane.db")
    }

    fn secret(&self) -> PathBuf {
        self.0.join("vane.secret")
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.database().display())
    }

    fn store(&self) -> Store {
        Store::open(&self.url()).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn memory() -> Store {
    Store::open("sqlite::memory:").unwrap()
}

fn account(store: &Store, name: &str) -> AccountId {
    store
        .create_account(name, AccountKind::Metered, 1_000)
        .unwrap()
        .id
}

fn key(store: &Store, account: AccountId) -> Key {
    let new = NewKey {
        name: "laptop".into(),
        ..NewKey::default()
    };
    store.create_key(account, &new, 1_000).unwrap()
}
