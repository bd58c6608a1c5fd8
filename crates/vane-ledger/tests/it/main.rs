//! The ledger as its users see it, on real files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "all of this is tests; the settings for tests miss their shared functions"
)]

mod accounts;
mod audit;
mod books;
mod cost;
mod examples;
mod fallen;
mod fixture;
mod forged;
mod gone;
mod holds;
mod idempotency;
mod ingest;
mod keys;
mod members;
mod offer_hours;
mod opening;
mod payments;
mod people;
mod random;
mod removal;
mod replica;
mod reports;
mod ring;
mod room;
mod rotation;
mod strays;

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::Connection;
use vane_ledger::book::Book;
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

    fn vandal(&self) -> Vandal {
        Vandal(Connection::open(self.database()).unwrap())
    }

    fn run(&self, sql: &str) {
        self.vandal().run(sql).unwrap();
    }

    /// A folder for the journal of a replica.
    fn journal(&self) -> PathBuf {
        self.0.join("elsewhere.journal")
    }

    /// Remembers the database as it is now.
    fn keep(&self) {
        let kept = self.0.join("kept.db");
        self.run(&format!("VACUUM INTO '{}'", kept.display()));
    }

    /// Makes it so again, at once, for whoever has it open.
    fn fall_back(&self) {
        let Vandal(connection) = self.vandal();
        let list = |sql: &str| -> Vec<String> {
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map((), |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let of = |kind| format!("FROM sqlite_schema WHERE type = '{kind}' AND sql IS NOT NULL");
        let triggers = list(&format!("SELECT name {}", of("trigger")));
        let made = list(&format!("SELECT sql {}", of("trigger")));
        let tables = list(&format!("SELECT name {}", of("table")));
        let kept = self.0.join("kept.db");
        let mut sql = format!(
            "PRAGMA foreign_keys = OFF; ATTACH '{}' AS kept; BEGIN IMMEDIATE;",
            kept.display()
        );
        for trigger in triggers {
            sql += &format!("DROP TRIGGER {trigger};");
        }
        for table in tables {
            sql += &format!(
                "DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM kept.{table};"
            );
        }
        for trigger in made {
            sql += &format!("{trigger};");
        }
        connection.execute_batch(&(sql + "COMMIT;")).unwrap();
    }
}

/// A connection around the store.
struct Vandal(Connection);

impl Vandal {
    fn run(&self, sql: &str) -> Result<(), rusqlite::Error> {
        self.0.execute_batch(sql)
    }

    fn hash(&self, sql: &str) -> Option<[u8; 32]> {
        self.0.query_row(sql, (), |row| row.get(0)).ok()
    }

    /// Every trigger, index and check out of the way.
    fn unguard(&self) {
        let sql = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
            DROP TRIGGER entry_stays; DROP TRIGGER entry_is_kept; DROP TRIGGER txn_stays;
            DROP TRIGGER txn_is_kept; DROP TRIGGER receipt_stays; DROP TRIGGER receipt_is_kept;
            DROP TRIGGER rate_stays; DROP INDEX topup_once; DROP INDEX entry_by_txn;
            DROP TRIGGER gone_hour_is_kept; DROP TRIGGER gone_lease_is_kept;
            CREATE TABLE copy AS SELECT * FROM receipt; DROP TABLE receipt;
            ALTER TABLE copy RENAME TO receipt;
            CREATE TABLE copy AS SELECT * FROM opening; DROP TABLE opening;
            ALTER TABLE copy RENAME TO opening;";
        self.run(sql).unwrap();
    }
}

/// Bytes, as the database writes them.
fn blob(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("x'{digits}'")
}

/// Whether books are equal in all that the model reckons.
fn same_book(kept: Option<&Book>, reckoned: Option<&Book>) -> bool {
    kept == reckoned
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A store that is gone when it is dropped.
type Memory = Store;

fn memory() -> Memory {
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
