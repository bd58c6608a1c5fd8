//! Where a ring reads keys from: what else is read or written does not hold it up.

use std::sync::Arc;

use rusqlite::Connection;

use crate::error::LedgerError;
use crate::store::{Postgres, Store, Txn};

pub(super) enum Source {
    Sqlite(Connection),
    Postgres(Arc<Postgres>),
}

impl Source {
    pub(super) fn open(store: &Store) -> Result<Self, LedgerError> {
        Ok(match store {
            Store::Sqlite(database) => {
                let connection = database.connect()?;
                connection.pragma_update(None, "query_only", true)?;
                Self::Sqlite(connection)
            }
            Store::Postgres(database) => Self::Postgres(Arc::clone(database)),
        })
    }

    /// `work` sees one moment of the database.
    pub(super) fn look<T: Send>(
        &mut self,
        mut work: impl FnMut(Txn<'_>) -> Result<T, LedgerError> + Send,
    ) -> Result<T, LedgerError> {
        match self {
            Self::Sqlite(connection) => work(Txn::Sqlite(&connection.transaction()?)),
            Self::Postgres(database) => database.read(work),
        }
    }
}
