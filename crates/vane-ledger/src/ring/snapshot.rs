//! All keys as of one revision of the database. Never changed, only replaced.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, Row, Transaction};
use vane_catalog::Money;

use super::Caller;
use crate::account::{AccountId, AccountKind};
use crate::error::LedgerError;
use crate::key::{LIMIT_COLUMNS, Limits};

pub(super) struct Snapshot {
    revision: i64,
    keys: HashMap<String, Ringed>,
}

/// One key, ready to be judged.
pub(super) struct Ringed {
    pub(super) hash: [u8; 32],
    pub(super) revoked: bool,
    /// The second from which another key has taken its place.
    pub(super) retires_at: Option<i64>,
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
        let mut statement = txn.prepare_cached(&format!(
            "SELECT k.id, k.lineage, k.name, k.account, a.name, a.kind,
                    k.hash, k.revoked_at, k.retires_at,
                    (SELECT b.amount FROM budget b WHERE b.key = k.lineage),
                    EXISTS (SELECT 1 FROM frozen f WHERE f.account = a.id), {LIMIT_COLUMNS}
             FROM api_key k JOIN account a ON a.id = k.account"
        ))?;
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
        key_id: row.get(1)?,
        key_name: row.get(2)?,
        account_id: AccountId(row.get(3)?),
        account_name: row.get(4)?,
        kind: AccountKind::from_column(&row.get::<_, String>(5)?)?,
        budget: row.get::<_, Option<i64>>(9)?.map(Money::from_pico),
        frozen: row.get(10)?,
        limits: Limits::read(row, 11)?,
    };
    Ok(Ringed {
        hash: row.get(6)?,
        revoked: row.get::<_, Option<i64>>(7)?.is_some(),
        retires_at: row.get(8)?,
        caller: Arc::new(caller),
    })
}
