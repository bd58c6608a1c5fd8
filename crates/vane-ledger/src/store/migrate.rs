//! The schema, step by step, in the words of either database.
//!
//! Steps are embedded, numbered, and applied once each, all in one transaction. What is applied
//! is never edited: the database keeps the checksum of each step and refuses a build whose text
//! differs, or that is older than the database.

use aws_lc_rs::digest;
use rusqlite::{Connection, TransactionBehavior};

use super::Txn;
use crate::error::LedgerError;

pub(super) struct Migration {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal, $file:literal) => {
        Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../../../../migrations/sqlite/", $file)),
            postgres: include_str!(concat!("../../../../migrations/postgres/", $file)),
        }
    };
}

pub(super) const MIGRATIONS: &[Migration] = &[
    migration!(1, "accounts_and_keys", "0001_accounts_and_keys.sql"),
    migration!(2, "books", "0002_books.sql"),
    migration!(3, "key_limits", "0003_key_limits.sql"),
    migration!(4, "idempotency", "0004_idempotency.sql"),
    migration!(5, "payments", "0005_payments.sql"),
    migration!(6, "members", "0006_members.sql"),
    migration!(7, "kept_answers", "0007_kept_answers.sql"),
    migration!(8, "people", "0008_people.sql"),
    migration!(9, "examples", "0009_examples.sql"),
    migration!(10, "offer_hours", "0010_offer_hours.sql"),
    migration!(11, "openings", "0011_openings.sql"),
    migration!(12, "journal_of_a_file", "0012_journal_of_a_file.sql"),
];

pub(super) fn migrate(
    connection: &mut Connection,
    migrations: &[Migration],
) -> Result<(), LedgerError> {
    // Immediate: of two processes that start together, the second waits and finds it done.
    let txn = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    step(Txn::Sqlite(&txn), migrations)?;
    Ok(txn.commit()?)
}

/// Takes every step that is missing, in a transaction that nobody else takes steps beside.
pub(super) fn step(txn: Txn<'_>, migrations: &[Migration]) -> Result<(), LedgerError> {
    let applied = applied(txn)?;
    let known = migrations.last().map_or(0, |migration| migration.version);
    for (version, name, checksum) in &applied {
        let ours = migrations
            .iter()
            .find(|migration| migration.version == *version);
        let ours = ours.ok_or(LedgerError::NewerSchema {
            found: *version,
            known,
        })?;
        if *checksum != ours.checksum(txn) {
            return Err(LedgerError::ChangedMigration {
                version: *version,
                name: name.clone(),
            });
        }
    }
    for migration in migrations.iter().skip(applied.len()) {
        txn.run(migration.sql(txn))?;
        txn.execute(
            "INSERT INTO schema_migration (version, name, checksum) VALUES (?1, ?2, ?3)",
            &[
                &migration.version,
                &migration.name,
                &migration.checksum(txn),
            ],
        )?;
    }
    Ok(())
}

impl Migration {
    fn sql(&self, txn: Txn<'_>) -> &'static str {
        match txn {
            Txn::Sqlite(_) => self.sqlite,
            Txn::Postgres(_) => self.postgres,
        }
    }

    fn checksum(&self, txn: Txn<'_>) -> Vec<u8> {
        digest::digest(&digest::SHA256, self.sql(txn).as_bytes())
            .as_ref()
            .to_vec()
    }
}

/// The table of the steps that a database has taken.
const STEPS: &str = "schema_migration";

/// How the tables of a database are found, and the table of the steps that it has taken.
fn bootstrap(txn: Txn<'_>) -> (&'static str, &'static str) {
    match txn {
        Txn::Sqlite(_) => (
            "SELECT name FROM sqlite_schema WHERE type = 'table'",
            "CREATE TABLE schema_migration (
                 version    INTEGER PRIMARY KEY,
                 name       TEXT    NOT NULL,
                 checksum   BLOB    NOT NULL,
                 applied_at INTEGER NOT NULL DEFAULT (unixepoch())
             ) STRICT",
        ),
        Txn::Postgres(_) => (
            "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()",
            "CREATE TABLE schema_migration (
                 version    BIGINT PRIMARY KEY,
                 name       TEXT   NOT NULL,
                 checksum   BYTEA  NOT NULL,
                 applied_at BIGINT NOT NULL DEFAULT extract(epoch FROM now())::bigint
             )",
        ),
    }
}

/// Whether a database has the schema of this version. It is not changed.
pub(super) fn is_current(txn: Txn<'_>) -> Result<bool, LedgerError> {
    let (find, _) = bootstrap(txn);
    let tables: Vec<String> = txn.rows(find, &[], |row| row.get(0))?;
    if !tables.iter().any(|table| table == STEPS) {
        return Ok(false);
    }
    let steps: Option<i64> = txn.one("SELECT count(*) FROM schema_migration", &[], |row| {
        row.get(0)
    })?;
    Ok(steps.is_some_and(|steps| usize::try_from(steps) == Ok(MIGRATIONS.len())))
}

/// Version, name and checksum of every applied step, in order.
fn applied(txn: Txn<'_>) -> Result<Vec<(i64, String, Vec<u8>)>, LedgerError> {
    let (find, create) = bootstrap(txn);
    let tables: Vec<String> = txn.rows(find, &[], |row| row.get(0))?;
    if !tables.iter().any(|table| table == STEPS) {
        if !tables.is_empty() {
            return Err(LedgerError::Foreign);
        }
        txn.run(create)?;
    }
    let sql = "SELECT version, name, checksum FROM schema_migration ORDER BY version";
    txn.rows(sql, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Migration = Migration {
        version: 1,
        name: "first",
        sqlite: "CREATE TABLE a (x)",
        postgres: "",
    };
    const SECOND: Migration = Migration {
        version: 2,
        name: "second",
        sqlite: "CREATE TABLE b (x)",
        postgres: "",
    };

    fn tables(connection: &Connection) -> Vec<String> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
        let mut statement = connection.prepare(sql).unwrap();
        statement
            .query_map((), |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    #[test]
    fn only_what_is_missing_is_applied() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &[FIRST]).unwrap();
        migrate(&mut connection, &[FIRST]).unwrap();
        migrate(&mut connection, &[FIRST, SECOND]).unwrap();
        assert_eq!(tables(&connection), ["a", "b", "schema_migration"]);
    }

    #[test]
    fn a_step_that_fails_leaves_nothing_behind() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = Migration {
            sqlite: "CREATE TABLE b (x); CREATE TABLE a (x)",
            ..SECOND
        };
        assert!(migrate(&mut connection, &[FIRST, broken]).is_err());
        assert!(tables(&connection).is_empty());
    }

    #[test]
    fn an_account_of_before_the_books_gets_its_book() {
        let mut connection = Connection::open_in_memory().unwrap();
        let (first, _) = MIGRATIONS.split_at(1);
        migrate(&mut connection, first).unwrap();
        let made = "INSERT INTO account (name, kind, created_at) VALUES ('team', 'metered', 7)";
        connection.execute_batch(made).unwrap();
        migrate(&mut connection, MIGRATIONS).unwrap();
        let sql = "SELECT b.prepaid, b.posted FROM book b JOIN account a ON b.id = a.id * 8";
        let book = connection.query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(book.unwrap(), (false, 0));
    }

    #[test]
    fn a_key_of_before_rotation_is_the_first_of_its_lineage() {
        let mut connection = Connection::open_in_memory().unwrap();
        let (before, _) = MIGRATIONS.split_at(2);
        migrate(&mut connection, before).unwrap();
        let made = "INSERT INTO account (name, kind, created_at) VALUES ('team', 'metered', 7);
            INSERT INTO api_key (id, account, name, hash, created_at)
            VALUES ('0123456789', 1, 'old', zeroblob(32), 7)";
        connection.execute_batch(made).unwrap();
        migrate(&mut connection, MIGRATIONS).unwrap();
        let sql = "SELECT lineage, providers IS NULL AND concurrency IS NULL FROM api_key";
        let key = connection.query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(key.unwrap(), ("0123456789".to_owned(), true));
    }

    #[test]
    fn an_edited_step_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &[FIRST]).unwrap();
        let edited = Migration {
            sqlite: "CREATE TABLE a (x, y)",
            ..FIRST
        };
        let error = migrate(&mut connection, &[edited]).unwrap_err();
        assert!(
            matches!(error, LedgerError::ChangedMigration { version: 1, .. }),
            "{error}"
        );
    }

    #[test]
    fn a_newer_database_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &[FIRST, SECOND]).unwrap();
        let error = migrate(&mut connection, &[FIRST]).unwrap_err();
        assert!(
            matches!(error, LedgerError::NewerSchema { found: 2, known: 1 }),
            "{error}"
        );
    }

    #[test]
    fn another_programs_database_is_refused_untouched() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE recipe (x)").unwrap();
        let error = migrate(&mut connection, &[FIRST]).unwrap_err();
        assert!(matches!(error, LedgerError::Foreign), "{error}");
        assert_eq!(tables(&connection), ["recipe"]);
    }

    #[test]
    fn every_file_is_embedded_under_its_own_number_and_name() {
        for database in ["sqlite", "postgres"] {
            let folder = format!("{}/../../migrations/{database}", env!("CARGO_MANIFEST_DIR"));
            let mut files: Vec<_> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            files.sort();
            let embedded: Vec<_> = MIGRATIONS
                .iter()
                .map(|m| format!("{:04}_{}.sql", m.version, m.name))
                .collect();
            assert_eq!(files, embedded, "{database}");
        }
        assert!(
            MIGRATIONS
                .iter()
                .zip(1..)
                .all(|(migration, n)| migration.version == n)
        );
    }
}
