//! Where a SQLite database lives, and how a connection to it is made.
//!
//! Every connection waits for other writers, checks foreign keys and syncs what it commits.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::migrate::{MIGRATIONS, migrate};
use crate::draft;
use crate::error::LedgerError;
use crate::secret::{Secret, file};

pub(crate) const BUSY_SECONDS: u64 = 5;

/// Where a database lives.
pub(super) enum Place {
    File(PathBuf),
    /// A name that only this store knows, so that its connections share one memory.
    Memory(String),
}

impl Place {
    pub(super) fn parse(url: &str) -> Result<Self, LedgerError> {
        let rest = url.strip_prefix("sqlite:").ok_or(LedgerError::Address)?;
        match rest.strip_prefix("//").unwrap_or(rest) {
            "" => Err(LedgerError::Address),
            ":memory:" => {
                let mut bytes = [0; 16];
                aws_lc_rs::rand::fill(&mut bytes)?;
                let name = u128::from_ne_bytes(bytes);
                Ok(Self::Memory(format!("file:/vane-{name:032x}?vfs=memdb")))
            }
            path => Ok(Self::File(path.into())),
        }
    }

    /// A writer and a reader of a database that has the current schema.
    pub(super) fn open(&self) -> Result<(Connection, Connection), LedgerError> {
        if let Self::File(path) = self {
            // Private, which SQLite's own files would not be; and in its final mode before anyone
            // else sees it, since SQLite does not wait for others when it changes the mode.
            draft::create(path, |draft| {
                write_ahead(&Self::File(draft.to_owned()).connect()?)
            })?;
        }
        let mut writer = self.connect()?;
        // A file of another program must be refused before its mode is changed.
        migrate(&mut writer, MIGRATIONS)?;
        if let Self::File(_) = self {
            write_ahead(&writer)?;
        }
        // Both in pages of 4 KB. Pages that every commit changes are copied into the database every
        // 32 MB of log, not every four, and are not read back in between.
        writer.pragma_update(None, "wal_autocheckpoint", 8_000)?;
        writer.pragma_update(None, "cache_size", 8_000)?;
        let reader = self.connect()?;
        reader.pragma_update(None, "query_only", true)?;
        Ok((writer, reader))
    }

    /// A reader of a file that is there; nothing is made or changed.
    pub(super) fn peek(&self) -> Result<Option<Connection>, LedgerError> {
        let Self::File(path) = self else {
            return Ok(None);
        };
        if !path.is_file() {
            return Ok(None);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(BUSY_SECONDS))?;
        Ok(Some(connection))
    }

    pub(super) fn connect(&self) -> Result<Connection, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match self {
            Self::File(path) => Connection::open_with_flags(path, flags)?,
            Self::Memory(uri) => Connection::open_with_flags(
                uri,
                flags | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_URI,
            )?,
        };
        connection.busy_timeout(Duration::from_secs(BUSY_SECONDS))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(connection)
    }

    /// The secret that belongs to this place; a new one only while nothing depends on an old one.
    pub(super) fn secret(&self, in_use: bool) -> Result<Secret, LedgerError> {
        let Self::File(path) = self else {
            return Secret::random();
        };
        let path = path.with_file_name(file::NAME);
        match file::load(&path)? {
            Some(secret) => Ok(secret),
            None if in_use => Err(LedgerError::SecretMissing { path }),
            None => file::create(&path),
        }
    }

    pub(super) fn blame(&self, cause: LedgerError) -> LedgerError {
        match self {
            Self::File(path) => LedgerError::Open {
                path: path.clone(),
                cause: cause.into(),
            },
            Self::Memory(_) => cause,
        }
    }
}

/// Takes effect for the file, not the connection.
fn write_ahead(connection: &Connection) -> Result<(), LedgerError> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))?;
    if mode == "wal" {
        Ok(())
    } else {
        Err(LedgerError::NoWriteAheadLog)
    }
}
