//! All keys that may work as of one revision of the database. Never changed, only replaced.
//!
//! No clock is asked: a key whose time was over when the newest one was made has ended.

use std::collections::HashMap;
use std::sync::Arc;

use vane_catalog::Money;

use super::{Acting, Caller};
use crate::account::{AccountId, AccountKind};
use crate::error::LedgerError;
use crate::key::{LIMIT_COLUMNS, Limits};
use crate::member::Role;
use crate::store::{Row, Txn};

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
    /// The keys as of a transaction that sees one moment, so that the revision is theirs.
    pub(super) fn load(txn: Txn<'_>) -> Result<Self, LedgerError> {
        Self::read(txn, revision(txn)?)
    }

    /// The keys as they are now, or `None` if they are these.
    pub(super) fn newer(&self, txn: Txn<'_>) -> Result<Option<Self>, LedgerError> {
        let revision = revision(txn)?;
        if revision == self.revision {
            return Ok(None);
        }
        Self::read(txn, revision).map(Some)
    }

    pub(super) fn revision(&self) -> i64 {
        self.revision
    }

    pub(super) fn get(&self, id: &str) -> Option<&Ringed> {
        self.keys.get(id)
    }

    fn read(txn: Txn<'_>, revision: i64) -> Result<Self, LedgerError> {
        let sql = select(
            "k.revoked_at IS NULL AND (k.retires_at IS NULL
                 OR k.retires_at > (SELECT max(newest.created_at) FROM api_key newest))",
        );
        let mut keys = HashMap::new();
        txn.each(&sql, &[], |row| {
            keys.insert(row.get(0)?, ringed_of(row)?);
            Ok::<_, LedgerError>(())
        })?;
        Ok(Self { revision, keys })
    }
}

impl Ringed {
    /// A key by its id, also one that ended.
    pub(super) fn find(txn: Txn<'_>, id: &str) -> Result<Option<Self>, LedgerError> {
        txn.one(&select("k.id = ?1"), &[&id], ringed_of)
    }
}

/// The statement that finds keys by a condition.
fn select(condition: &str) -> String {
    format!(
        "SELECT k.id, k.lineage, k.name, k.account, a.name, a.kind,
                k.hash, k.revoked_at, k.retires_at,
                (SELECT b.amount FROM budget b WHERE b.key = k.lineage),
                (SELECT count(*) FROM frozen f WHERE f.account = a.id),
                k.member, m.role, {LIMIT_COLUMNS}
         FROM api_key k JOIN account a ON a.id = k.account
             LEFT JOIN member m ON m.id = k.member
         WHERE {condition}"
    )
}

fn revision(txn: Txn<'_>) -> Result<i64, LedgerError> {
    let value = txn.one("SELECT value FROM key_revision", &[], |row| row.get(0))?;
    value.ok_or(LedgerError::Unreadable { what: "revision" })
}

fn ringed_of(row: &Row<'_>) -> Result<Ringed, LedgerError> {
    let caller = Caller {
        key_id: row.get(1)?,
        key_name: row.get(2)?,
        account_id: AccountId(row.get(3)?),
        account_name: row.get(4)?,
        kind: AccountKind::from_column(row.text(5)?)?,
        budget: row.get::<Option<i64>>(9)?.map(Money::from_pico),
        frozen: row.get::<i64>(10)? != 0,
        acting: acting_of(row.get(11)?, row.get(12)?)?,
        limits: Limits::read(row, 13)?,
    };
    Ok(Ringed {
        hash: row.hash(6)?,
        revoked: row.get::<Option<i64>>(7)?.is_some(),
        retires_at: row.get(8)?,
        caller: Arc::new(caller),
    })
}

fn acting_of(member: Option<String>, role: Option<String>) -> Result<Option<Acting>, LedgerError> {
    let Some(member) = member else {
        return Ok(None);
    };
    // A role that cannot be read must never become none, which may call.
    let role = Role::from_column(&role.unwrap_or_default())?;
    Ok(Some(Acting { member, role }))
}
