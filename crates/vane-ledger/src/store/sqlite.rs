//! SQLite: one file, one writer, readers that never wait for it.
//!
//! Every commit made here is synced before it returns: accounts, keys and credit must survive a
//! lost machine, and are rare enough to pay for it.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::books::Memory;
use super::place::Place;
use super::{Txn, fingerprint};
use crate::error::LedgerError;
use crate::key::KeyHasher;
use crate::secret::Secret;

pub struct Sqlite {
    place: Place,
    writer: Mutex<Writer>,
    reader: Mutex<Connection>,
    secret: Secret,
    hasher: KeyHasher,
}

/// The connection that writes, and what it knows of what it wrote.
struct Writer {
    connection: Connection,
    memory: Memory,
}

impl Sqlite {
    pub(super) fn open(url: &str, secret: Option<Secret>) -> Result<Self, LedgerError> {
        let place = Place::parse(url)?;
        let (mut writer, reader) = place.open().map_err(|cause| place.blame(cause))?;
        let txn = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let secret = match secret {
            Some(secret) => secret,
            None => place.secret(fingerprint::of(Txn::Sqlite(&txn))?.is_some())?,
        };
        fingerprint::bind(Txn::Sqlite(&txn), &secret)?;
        txn.commit()?;
        // More statements than the books have, so that none is prepared twice.
        writer.set_prepared_statement_cache_capacity(64);
        let hasher = KeyHasher::new(&secret)?;
        Ok(Self {
            place,
            writer: Mutex::new(Writer {
                connection: writer,
                memory: Memory::default(),
            }),
            reader: reader.into(),
            secret,
            hasher,
        })
    }

    /// One more connection, for a reader with a thread of its own.
    pub(crate) fn connect(&self) -> Result<Connection, LedgerError> {
        self.place.connect()
    }

    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Memory(_) => None,
        }
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    pub(crate) fn hasher(&self) -> &KeyHasher {
        &self.hasher
    }

    /// All of `work` or nothing of it.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.write_with(|txn, _| work(txn))
    }

    /// The same, with what the writer remembers of the books.
    pub(crate) fn write_with<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>, &mut Memory) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut writer = match self.writer.lock() {
            Ok(writer) => writer,
            // A panic rolled its transaction back: the connection is sound, what was learned is not.
            Err(poisoned) => {
                self.writer.clear_poison();
                let mut writer = poisoned.into_inner();
                writer.memory.forget();
                writer
            }
        };
        let Writer { connection, memory } = &mut *writer;
        let done = (|| {
            // Immediate: waiting for the lock happens here, never half-way through.
            let txn = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&txn, memory)?;
            txn.commit()?;
            Ok(value)
        })();
        if done.is_err() {
            memory.forget();
        }
        done
    }

    /// `work` sees one moment of the database.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        // A panic while the lock was held rolled its transaction back: the connection is sound.
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        work(&reader.transaction()?)
    }
}
