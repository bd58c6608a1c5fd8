//! One connection to PostgreSQL, and the statements that are prepared on it.
//!
//! A session is used by one thread at a time. A statement that failed leaves its transaction
//! failed: it can only be undone, which `failed` remembers.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use postgres::fallible_iterator::FallibleIterator;
use postgres::types::ToSql;
use postgres::{Client, Row, SimpleQueryMessage, Statement};

use super::address::Address;
use crate::error::LedgerError;

/// The first version with `pg_xact_status` over whole transaction ids.
const VERSION_MIN: i32 = 130_000;

/// Nobody may wait for ever: not for a lock, an answer, or a replica that hangs half-way. A commit
/// that the server has told of is on its disk, whatever the server's own setting.
const SETTINGS: &str = "SET statement_timeout = '30s';
    SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '60s';
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write');";

const ABOUT: &str = "SELECT current_setting('server_version_num')::int,
    current_setting('server_version'), current_setting('server_encoding'), current_schema()::text";

/// Values, as the driver takes them.
pub(super) type Values<'v> = [&'v (dyn ToSql + Sync)];

pub(crate) struct Session {
    client: RefCell<Client>,
    statements: RefCell<HashMap<String, Statement>>,
    failed: Cell<bool>,
}

impl Session {
    pub(super) fn connect(address: &Address) -> Result<Self, LedgerError> {
        let mut client = address.connect()?;
        let about = client.query_one(ABOUT, &[])?;
        let (version, encoding): (i32, String) = (about.try_get(0)?, about.try_get(2)?);
        if version < VERSION_MIN {
            let found = about.try_get(1)?;
            return Err(LedgerError::OldServer { found });
        }
        if encoding != "UTF8" {
            return Err(LedgerError::Encoding { found: encoding });
        }
        if about.try_get::<_, Option<String>>(3)?.is_none() {
            return Err(LedgerError::NoSchema);
        }
        client.batch_execute(SETTINGS)?;
        Ok(Self {
            client: client.into(),
            statements: RefCell::default(),
            failed: Cell::new(false),
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.borrow().is_closed()
    }

    /// Whether a statement failed since the last `simple` one that succeeded.
    pub(super) fn failed(&self) -> bool {
        self.failed.get()
    }

    /// Several statements without values in one message. Answers the first column of the last row.
    pub(super) fn simple(&self, sql: &str) -> Result<Option<String>, LedgerError> {
        let said = self.client.borrow_mut().simple_query(sql)?;
        self.failed.set(false);
        let last = said.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        Ok(last)
    }

    /// Several statements without values.
    pub(crate) fn run(&self, sql: &str) -> Result<(), LedgerError> {
        self.noted(self.client.borrow_mut().batch_execute(sql))
    }

    pub(crate) fn execute(&self, sql: &str, values: &Values<'_>) -> Result<u64, LedgerError> {
        let statement = self.prepared(sql)?;
        self.noted(self.client.borrow_mut().execute(&statement, values))
    }

    pub(crate) fn rows(&self, sql: &str, values: &Values<'_>) -> Result<Vec<Row>, LedgerError> {
        let statement = self.prepared(sql)?;
        self.noted(self.client.borrow_mut().query(&statement, values))
    }

    pub(crate) fn each<E: From<LedgerError>>(
        &self,
        sql: &str,
        values: &Values<'_>,
        mut read: impl FnMut(&Row) -> Result<(), E>,
    ) -> Result<(), E> {
        let statement = self.prepared(sql)?;
        let mut client = self.client.borrow_mut();
        let mut rows = self.noted(client.query_raw(&statement, values.iter().copied()))?;
        while let Some(row) = self.noted(rows.next())? {
            read(&row)?;
        }
        Ok(())
    }

    fn prepared(&self, sql: &str) -> Result<Statement, LedgerError> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let theirs = sql.replace('?', "$");
        let statement = self.noted(self.client.borrow_mut().prepare(&theirs))?;
        let mut statements = self.statements.borrow_mut();
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn noted<T>(&self, done: Result<T, postgres::Error>) -> Result<T, LedgerError> {
        done.map_err(|error| {
            self.failed.set(true);
            error.into()
        })
    }
}
