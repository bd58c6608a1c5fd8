//! One way to speak to either database.
//!
//! Statements are SQLite's text with numbered parameters (`?1`), in the words that both understand;
//! for PostgreSQL the mark is exchanged. What only one of them can say stands beside that one.

use postgres::types::{FromSqlOwned, ToSql};
use rusqlite::{params_from_iter, types};

use super::postgres::Session;
use crate::error::LedgerError;

/// A transaction.
#[derive(Clone, Copy)]
pub(crate) enum Txn<'t> {
    Sqlite(&'t rusqlite::Transaction<'t>),
    Postgres(&'t Session),
}

/// A value that a statement takes: whole numbers of 64 bits, text, bytes, or none of them.
pub(crate) trait Value: types::ToSql + ToSql + Sync {}
impl<T: types::ToSql + ToSql + Sync> Value for T {}

/// What a column is read as.
pub(crate) trait Column: types::FromSql + FromSqlOwned {}
impl<T: types::FromSql + FromSqlOwned> Column for T {}

pub(crate) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r postgres::Row),
}

impl Row<'_> {
    pub(crate) fn get<T: Column>(&self, column: usize) -> Result<T, LedgerError> {
        match self {
            Self::Sqlite(row) => Ok(row.get(column)?),
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    pub(crate) fn columns(&self) -> usize {
        match self {
            Self::Sqlite(row) => row.as_ref().column_count(),
            Self::Postgres(row) => row.len(),
        }
    }

    pub(crate) fn text(&self, column: usize) -> Result<&str, LedgerError> {
        match self {
            Self::Sqlite(row) => Ok(row
                .get_ref(column)?
                .as_str()
                .map_err(rusqlite::Error::from)?),
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    pub(crate) fn bytes(&self, column: usize) -> Result<&[u8], LedgerError> {
        match self {
            Self::Sqlite(row) => Ok(row
                .get_ref(column)?
                .as_blob()
                .map_err(rusqlite::Error::from)?),
            Self::Postgres(row) => Ok(row.try_get(column)?),
        }
    }

    pub(crate) fn hash(&self, column: usize) -> Result<[u8; 32], LedgerError> {
        let unreadable = |_| LedgerError::Unreadable { what: "hash" };
        self.bytes(column)?.try_into().map_err(unreadable)
    }
}

impl Txn<'_> {
    /// Statements without values.
    pub(crate) fn run(self, sql: &str) -> Result<(), LedgerError> {
        match self {
            Self::Sqlite(txn) => Ok(txn.execute_batch(sql)?),
            Self::Postgres(session) => session.run(sql),
        }
    }

    /// Says how many rows it changed.
    pub(crate) fn execute(self, sql: &str, values: &[&dyn Value]) -> Result<u64, LedgerError> {
        match self {
            Self::Sqlite(txn) => {
                let changed = txn.prepare_cached(sql)?.execute(sqlite(values))?;
                Ok(u64::try_from(changed).unwrap_or(u64::MAX))
            }
            Self::Postgres(session) => session.execute(sql, &of_postgres(values)),
        }
    }

    pub(crate) fn one<T>(
        self,
        sql: &str,
        values: &[&dyn Value],
        read: impl FnOnce(&Row<'_>) -> Result<T, LedgerError>,
    ) -> Result<Option<T>, LedgerError> {
        match self {
            Self::Sqlite(txn) => {
                let mut statement = txn.prepare_cached(sql)?;
                let mut rows = statement.query(sqlite(values))?;
                rows.next()?.map(|row| read(&Row::Sqlite(row))).transpose()
            }
            Self::Postgres(session) => {
                let rows = session.rows(sql, &of_postgres(values))?;
                let first = rows.first().map(Row::Postgres);
                first.as_ref().map(read).transpose()
            }
        }
    }

    pub(crate) fn rows<T>(
        self,
        sql: &str,
        values: &[&dyn Value],
        mut read: impl FnMut(&Row<'_>) -> Result<T, LedgerError>,
    ) -> Result<Vec<T>, LedgerError> {
        let mut all = Vec::new();
        self.each(sql, values, |row| {
            all.push(read(row)?);
            Ok::<_, LedgerError>(())
        })?;
        Ok(all)
    }

    /// Reads row by row: the memory that it takes does not grow with the answer. On PostgreSQL no
    /// other statement may run meanwhile.
    pub(crate) fn each<E: From<LedgerError>>(
        self,
        sql: &str,
        values: &[&dyn Value],
        mut read: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::Sqlite(txn) => {
                let mut statement = txn.prepare_cached(sql).map_err(LedgerError::from)?;
                let rows = statement.query(sqlite(values));
                let mut rows = rows.map_err(LedgerError::from)?;
                while let Some(row) = rows.next().map_err(LedgerError::from)? {
                    read(&Row::Sqlite(row))?;
                }
                Ok(())
            }
            Self::Postgres(session) => {
                session.each(sql, &of_postgres(values), |row| read(&Row::Postgres(row)))
            }
        }
    }
}

fn sqlite<'v>(values: &'v [&'v dyn Value]) -> impl rusqlite::Params + 'v {
    params_from_iter(values.iter().map(|value| *value as &dyn types::ToSql))
}

fn of_postgres<'v>(values: &'v [&'v dyn Value]) -> Vec<&'v (dyn ToSql + Sync)> {
    let values = values.iter();
    values.map(|value| *value as &(dyn ToSql + Sync)).collect()
}
