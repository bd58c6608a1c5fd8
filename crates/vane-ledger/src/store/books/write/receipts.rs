//! Receipts on their way into the table: one by one in SQLite, all of a commit at once in PostgreSQL.

use std::collections::HashSet;

use rusqlite::{CachedStatement, ErrorCode};

use super::super::Kept;
use super::super::lock::Locked;
use super::bulk::Columns;
use crate::book::Settled;
use crate::error::LedgerError;
use crate::store::{Session, Txn};

const RECEIPT: &str = "INSERT INTO receipt (n, call, account, txn, seq, before, at, cost,
    charged, spent, balance, hash, details) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

pub(in crate::store::books) enum Receipts<'t> {
    Sqlite {
        kept: Kept<'t>,
        insert: CachedStatement<'t>,
    },
    Postgres {
        session: &'t Session,
        /// Calls that have a receipt, waiting or written.
        called: HashSet<String>,
        waiting: Box<Columns>,
    },
}

impl<'t> Receipts<'t> {
    pub(in crate::store::books) fn new(
        kept: Kept<'t>,
        locked: Option<&Locked>,
    ) -> Result<Self, LedgerError> {
        Ok(match kept.0 {
            Txn::Sqlite(txn) => Self::Sqlite {
                kept,
                insert: txn.prepare_cached(RECEIPT)?,
            },
            Txn::Postgres(session) => Self::Postgres {
                session,
                called: locked
                    .map(|locked| locked.called.clone())
                    .unwrap_or_default(),
                waiting: Box::default(),
            },
        })
    }

    /// Whether a call has a receipt.
    pub(in crate::store::books) fn has(&self, call: &str) -> Result<bool, LedgerError> {
        match self {
            Self::Sqlite { kept, .. } => kept.called(call),
            Self::Postgres { called, .. } => Ok(called.contains(call)),
        }
    }

    /// Enters a receipt; `false` if its call has one already.
    pub(in crate::store::books) fn enter(
        &mut self,
        settled: &Settled<'_>,
    ) -> Result<bool, LedgerError> {
        match self {
            Self::Sqlite { insert, .. } => insert_one(insert, settled),
            Self::Postgres {
                called, waiting, ..
            } => {
                let new = called.insert(settled.receipt.settlement.call.clone());
                if new {
                    waiting.push(settled);
                }
                Ok(new)
            }
        }
    }

    pub(in crate::store::books) fn write_out(&mut self) -> Result<(), LedgerError> {
        match self {
            Self::Sqlite { .. } => Ok(()),
            Self::Postgres {
                session, waiting, ..
            } => std::mem::take(waiting).insert(session),
        }
    }
}

fn insert_one(
    insert: &mut CachedStatement<'_>,
    settled: &Settled<'_>,
) -> Result<bool, LedgerError> {
    let receipt = &settled.receipt;
    let made = receipt.settlement;
    let written = insert.execute(rusqlite::params![
        receipt.n,
        made.call,
        made.account.0,
        receipt.txn,
        receipt.seq,
        receipt.before,
        receipt.at,
        receipt.cost.pico(),
        receipt.charged.pico(),
        receipt.spent.pico(),
        receipt.balance.pico(),
        receipt.hash,
        settled.details,
    ]);
    match written {
        Ok(_) => Ok(true),
        // Only a call can be there already: numbers go on from the last.
        Err(rusqlite::Error::SqliteFailure(error, _))
            if error.code == ErrorCode::ConstraintViolation
                && error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE =>
        {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
