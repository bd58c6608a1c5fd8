//! The ledger on PostgreSQL: what is tested on SQLite, and what only several processes can break.
//!
//! `VANE_TEST_POSTGRES` is the URL of a server where schemas may be made, as a superuser and without
//! TLS; `./test` starts one. Each test has a schema of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "all of this is tests; the settings for tests miss their shared functions"
)]

#[path = "../it/accounts.rs"]
mod accounts;
#[path = "../it/audit.rs"]
mod audit;
#[path = "../it/books.rs"]
mod books;
mod encrypted;
#[path = "../it/examples.rs"]
mod examples;
#[path = "../it/fallen.rs"]
mod fallen;
#[path = "../it/fixture.rs"]
mod fixture;
#[path = "../it/forged.rs"]
mod forged;
#[path = "../it/gone.rs"]
mod gone;
#[path = "../it/ingest.rs"]
mod ingest;
mod instances;
#[path = "../it/keys.rs"]
mod keys;
#[path = "../it/members.rs"]
mod members;
#[path = "../it/offer_hours.rs"]
mod offer_hours;
mod opening;
#[path = "../it/payments.rs"]
mod payments;
#[path = "../it/people.rs"]
mod people;
mod proxy;
#[path = "../it/random.rs"]
mod random;
#[path = "../it/removal.rs"]
mod removal;
mod replicas;
#[path = "../it/reports.rs"]
mod reports;
#[path = "../it/ring.rs"]
mod ring;
#[path = "../it/room.rs"]
mod room;
#[path = "../it/rotation.rs"]
mod rotation;
mod sharing;
#[path = "../it/strays.rs"]
mod strays;
mod trouble;
mod uses;

use std::cell::RefCell;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use postgres::{Client, NoTls};
use vane_ledger::book::Book;
use vane_ledger::{AccountId, AccountKind, Key, NewKey, Secret, Store};

const DIGITS: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the tests says where there is a server"
)]
fn server() -> String {
    std::env::var("VANE_TEST_POSTGRES").expect("VANE_TEST_POSTGRES names a server")
}

/// Host and port of the server.
fn address() -> String {
    let server = server();
    let (_, rest) = server.split_once('@').unwrap();
    rest.split_once('/').unwrap().0.to_owned()
}

/// A schema, dropped in the end.
struct Folder(String);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let schema = format!("ledger_{}_{count}", process::id());
        let sql = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
        aside(|| admin().batch_execute(&sql)).unwrap();
        Self(schema)
    }

    /// The connections of its stores have the schema's name.
    fn url(&self) -> String {
        let (server, schema) = (server(), &self.0);
        // As of a server that is set to another isolation: nothing may depend on its own.
        let options =
            format!("-csearch_path%3D{schema}%20-cdefault_transaction_isolation%3Dserializable");
        format!("{server}?application_name={schema}&options={options}")
    }

    fn store(&self) -> Store {
        open(&self.url())
    }

    fn vandal(&self) -> Vandal {
        let mut client = admin();
        let sql = format!("SET search_path = {}", self.0);
        client.batch_execute(&sql).unwrap();
        Vandal(RefCell::new(client))
    }

    fn run(&self, sql: &str) {
        aside(|| self.vandal().run(sql)).unwrap();
    }

    /// A folder for the journal of a replica.
    fn journal(&self) -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.journal", self.0))
    }

    /// Remembers the database as it is now.
    fn keep(&self) {
        self.run(&format!(
            "CREATE SCHEMA {0}_kept; DO $$ DECLARE found record; BEGIN
                FOR found IN SELECT tablename AS name FROM pg_tables WHERE schemaname = '{0}' LOOP
                    EXECUTE format('CREATE TABLE {0}_kept.%1$I AS TABLE {0}.%1$I', found.name);
                END LOOP;
            END $$;",
            self.0
        ));
    }

    /// Makes it so again, at once, for whoever has it open.
    fn fall_back(&self) {
        self.run(&format!(
            "SET session_replication_role = replica; DO $$ DECLARE found record; BEGIN
                FOR found IN SELECT tablename AS name FROM pg_tables WHERE schemaname = '{0}' LOOP
                    EXECUTE format('DELETE FROM {0}.%I', found.name);
                    EXECUTE format('INSERT INTO {0}.%1$I SELECT * FROM {0}_kept.%1$I', found.name);
                END LOOP;
            END $$;",
            self.0
        ));
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let sql = format!(
            "DROP SCHEMA {0} CASCADE; DROP SCHEMA IF EXISTS {0}_kept CASCADE",
            self.0
        );
        let _ = aside(|| admin().batch_execute(&sql));
        let _ = fs::remove_dir_all(self.journal());
    }
}

fn open(url: &str) -> Store {
    Store::open_with(url, Secret::from_hex(DIGITS, "a test").unwrap()).unwrap()
}

/// The driver blocks, and may not where other tasks run.
fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(work).join().unwrap())
}

fn admin() -> Client {
    Client::connect(&server(), NoTls).unwrap()
}

/// A connection around the store.
struct Vandal(RefCell<Client>);

impl Vandal {
    fn run(&self, sql: &str) -> Result<(), postgres::Error> {
        self.0.borrow_mut().batch_execute(sql)
    }

    fn hash(&self, sql: &str) -> Option<[u8; 32]> {
        let row = self.0.borrow_mut().query_opt(sql, &[]).unwrap()?;
        row.get::<_, Vec<u8>>(0).try_into().ok()
    }

    /// Every trigger, key and check out of the way.
    fn unguard(&self) {
        let sql = "SET session_replication_role = replica;
            DROP INDEX topup_once; DROP INDEX entry_by_txn;
            DO $$ DECLARE found record; BEGIN
                FOR found IN SELECT conrelid::regclass AS of, conname FROM pg_constraint
                    WHERE connamespace = current_schema()::regnamespace
                    AND (contype IN ('c', 'f') OR conname IN ('receipt_call_key', 'opening_pkey'))
                LOOP
                    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.of, found.conname);
                END LOOP;
            END $$;";
        self.run(sql).unwrap();
    }
}

/// Bytes, as the database writes them.
fn blob(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("'\\x{digits}'::bytea")
}

/// Whether books are equal in all that the model reckons. Receipts and transactions have other
/// numbers here, which go into the hashes.
fn same_book(kept: Option<&Book>, reckoned: Option<&Book>) -> bool {
    let but_for_numbers = |book: Option<&Book>| {
        book.map(|book| Book {
            receipt: 0,
            head: [0; 32],
            ..book.clone()
        })
    };
    but_for_numbers(kept) == but_for_numbers(reckoned)
}

/// A store and the schema that ends with it.
struct Fixture {
    store: Store,
    _folder: Folder,
}

impl Deref for Fixture {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

type Memory = Fixture;

fn memory() -> Memory {
    let folder = Folder::new();
    Fixture {
        store: folder.store(),
        _folder: folder,
    }
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
