//! Opening a database: whose it is, and what is refused in words without a secret in them.

use rusqlite::Connection;
use vane_ledger::{Secret, Store};

use crate::{Folder, address, admin, server};

fn refusal(url: &str) -> String {
    let secret = Secret::random().unwrap();
    let refused = Store::open_with(url, secret).err();
    refused.expect("must be refused").to_string()
}

#[test]
fn another_secret_is_refused() {
    let folder = Folder::new();
    drop(folder.store());
    let message = refusal(&folder.url());
    assert!(message.contains("this is not the secret"), "{message}");
}

#[test]
fn another_programs_schema_is_refused_untouched() {
    let folder = Folder::new();
    folder
        .vandal()
        .run("CREATE TABLE recipe (x BIGINT)")
        .unwrap();
    let message = refusal(&folder.url());
    assert!(message.contains("belongs to another program"), "{message}");
    folder.vandal().run("DROP TABLE recipe").unwrap();
    drop(folder.store());
    let newer = "INSERT INTO schema_migration (version, name, checksum) VALUES (999, 'x', '')";
    folder.vandal().run(newer).unwrap();
    let message = refusal(&folder.url());
    assert!(
        message.contains("written by a newer Vane (schema 999"),
        "{message}"
    );
}

#[test]
fn what_the_server_refuses_is_told_without_the_password() {
    let address = address();
    for (url, said) in [
        (
            format!("postgres://nobody:hunter2@{address}/postgres"),
            "check user and password",
        ),
        (
            format!("postgres://nobody:hunter2@{address}/missing"),
            "check user and password",
        ),
        (
            "postgres://vane:hunter2@127.0.0.1:1/x".to_owned(),
            "the database server is away",
        ),
        (
            format!("postgres://vane:hunter2@{address}/x?sslmode=require"),
            "TLS",
        ),
    ] {
        let message = refusal(&url);
        assert!(message.contains(said), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn a_database_of_another_encoding_is_refused() {
    let server = server();
    let name = format!("latin_{}", std::process::id());
    let make = format!("CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'");
    admin().batch_execute(&make).unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    let message = refusal(&format!("{base}/{name}"));
    admin()
        .batch_execute(&format!("DROP DATABASE {name}"))
        .unwrap();
    assert!(message.contains("is encoded as LATIN1"), "{message}");
}

/// Tables and columns as SQLite's migrations make them.
fn columns_of_sqlite() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite");
    let files = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let database = Connection::open_in_memory().unwrap();
    for file in files {
        let sql = std::fs::read_to_string(file).unwrap();
        database.execute_batch(&sql).unwrap();
    }
    let sql = "SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
        WHERE t.type = 'table' ORDER BY 1";
    let mut statement = database.prepare(sql).unwrap();
    let columns = statement.query_map((), |row| row.get(0)).unwrap();
    columns.map(Result::unwrap).collect()
}

#[test]
fn both_databases_have_the_same_columns() {
    let folder = Folder::new();
    drop(folder.store());
    // But for what processes have to tell each other.
    let sql = "SELECT table_name || '.' || column_name FROM information_schema.columns
        WHERE table_schema = $1 AND table_name NOT IN ('schema_migration', 'recall')
        AND table_name || '.' || column_name NOT IN ('instance.lease_until',
            'instance.seen_since', 'instance.recalled')
        ORDER BY (table_name || '.' || column_name) COLLATE \"C\"";
    let rows = admin().query(sql, &[&folder.0]).unwrap();
    let columns: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(columns, columns_of_sqlite());
}

#[test]
fn a_store_may_be_used_and_dropped_inside_a_runtime() {
    let folder = Folder::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        let store = folder.store();
        assert!(store.list_accounts().unwrap().is_empty());
        drop(store);
    });
}
