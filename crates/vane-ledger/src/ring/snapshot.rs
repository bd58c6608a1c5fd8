//! All keys as of one revision of the database. Never changed, only replaced.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, Row, Transaction};

use super::Caller;
use crate::account::{AccountId, AccountKind};
use crate::error::LedgerError;
use crate::key::models_of;

pub(super) struct Snapshot {
    revision: i64,
    keys: HashMap<String, Ringed>,
}

/// One key, ready to be judged.
pub(super) struct Ringed {
    pub(super) hash: [u8; 32],
    pub(super) revoked: bool,
    pub(super) expires_at: Option<i64>,
    pub(super) caller: Arc<Caller>,
}

impl Snapshot {
    pub(super) fn load(connection: &mut Connection) -> Result<Self, LedgerError> {
        let txn = connection.transaction()?;
        let revision = revision(&txn)?;
        Self::read(&txn, revision)
    }

    /// The keys as they are now, or `None` if they are these.
    pub(super) fn newer(&self, connection: &mut Connection) -> Result<Option<Self>, LedgerError> {
        // One transaction, so that the revision is that of the keys read after it.
        let txn = connection.transaction()?;
        let revision = revision(&txn)?;
        if revision == self.revision {
            return Ok(None);
        }
        Self::read(&txn, revision).map(Some)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Ringed> {
        self.keys.get(id)
    }

    fn read(txn: &Transaction<'_>, revision: i64) -> Result<Self, LedgerError> {
        let mut statement = txn.prepare_cached(
            "SELECT k.id, k.name, k.account, a.name, a.kind, k.models,
                    k.hash, k.expires_at, k.revoked_at,
                    EXISTS (SELECT 1 FROM budget b WHERE b.key = k.id),
                    EXISTS (SELECT 1 FROM frozen f WHERE f.account = a.id)
             FROM api_key k JOIN account a ON a.id = k.account",
        )?;
        let mut rows = statement.query(())?;
        let mut keys = HashMap::new();
        while let Some(row) = rows.next()? {
            keys.insert(row.get(0)?, ringed_of(row)?);
        }
        Ok(Self { revision, keys })
    }
}

fn revision(txn: &Transaction<'_>) -> Result<i64, LedgerError> {
    let mut statement = txn.prepare_cached("SELECT value FROM key_revision")?;
    Ok(statement.query_row((), |row| row.get(0))?)
}

fn ringed_of(row: &Row<'_>) -> Result<Ringed, LedgerError> {
    let caller = Caller {
        key_id: row.get(0)?,
        key_name: row.get(1)?,
        account_id: AccountId(row.get(2)?),
        account_name: row.get(3)?,
        kind: AccountKind::from_column(&row.get::<_, String>(4)?)?,
        models: models_of(row.get(5)?)?,
        budgeted: row.get(9)?,
        frozen: row.get(10)?,
    };
    Ok(Ringed {
        hash: row.get(6)?,
        expires_at: row.get(7)?,
        revoked: row.get::<_, Option<i64>>(8)?.is_some(),
        caller: Arc::new(caller),
    })
}
