//! Keys in the database: make, revoke, list.
//!
//! A key is reached only through its account, so that an id learned elsewhere opens nothing.

use rusqlite::Row;

use super::{Key, text};
use crate::account::AccountId;
use crate::error::LedgerError;
use crate::name;
use crate::store::Store;

/// What the maker of a key decides.
#[derive(Clone, Debug, Default)]
pub struct NewKey {
    pub name: String,
    /// The models it may use; `None` allows all.
    pub models: Option<Vec<String>>,
    /// Unix seconds; from that second on the key is refused.
    pub expires_at: Option<i64>,
}

/// What is known of a key after its text was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    pub id: String,
    pub account: AccountId,
    pub name: String,
    pub models: Option<Vec<String>>,
    pub created_at: i64,
    pub expires_at: Option<i64>,
    pub revoked_at: Option<i64>,
}

impl KeyRecord {
    /// The key as lists show it: its public part only.
    pub fn masked(&self) -> String {
        text::masked(&self.id)
    }
}

impl Store {
    /// Makes a key. The returned text is its only appearance: show it, then forget it.
    pub fn create_key(
        &self,
        account: AccountId,
        new: &NewKey,
        now: i64,
    ) -> Result<Key, LedgerError> {
        name::check("the name of a key", &new.name)?;
        let models = new.models.as_deref().map(models_column).transpose()?;
        let key = Key::generate()?;
        let Self::Sqlite(database) = self;
        let hash = database.hasher().hash(&key);
        database.write(|txn| {
            // Selecting the account makes an unknown one zero rows, not a constraint to decipher.
            let made = txn.execute(
                "INSERT INTO api_key (id, account, name, hash, models, created_at, expires_at)
                 SELECT ?1, id, ?3, ?4, ?5, ?6, ?7 FROM account WHERE id = ?2",
                (
                    key.id(),
                    account.0,
                    &new.name,
                    hash.as_ref(),
                    &models,
                    now,
                    new.expires_at,
                ),
            )?;
            if made == 0 {
                Err(LedgerError::NoSuchAccount(account))
            } else {
                Ok(())
            }
        })?;
        Ok(key)
    }

    /// Ends a key. Ending it again changes nothing: the first time stands.
    pub fn revoke_key(&self, account: AccountId, id: &str, now: i64) -> Result<(), LedgerError> {
        let Self::Sqlite(database) = self;
        database.write(|txn| {
            let found = txn.execute(
                "UPDATE api_key SET revoked_at = coalesce(revoked_at, ?3)
                 WHERE id = ?1 AND account = ?2",
                (id, account.0, now),
            )?;
            if found == 0 {
                Err(LedgerError::NoSuchKey { id: id.to_owned() })
            } else {
                Ok(())
            }
        })
    }

    /// All keys of an account, revoked ones too, oldest first.
    pub fn list_keys(&self, account: AccountId) -> Result<Vec<KeyRecord>, LedgerError> {
        let Self::Sqlite(database) = self;
        database.read(|txn| {
            let mut statement = txn.prepare_cached(
                "SELECT id, account, name, models, created_at, expires_at, revoked_at
                 FROM api_key WHERE account = ?1 ORDER BY created_at, id",
            )?;
            let mut rows = statement.query((account.0,))?;
            let mut keys = Vec::new();
            while let Some(row) = rows.next()? {
                keys.push(record_of(row)?);
            }
            Ok(keys)
        })
    }
}

fn record_of(row: &Row<'_>) -> Result<KeyRecord, LedgerError> {
    Ok(KeyRecord {
        id: row.get(0)?,
        account: AccountId(row.get(1)?),
        name: row.get(2)?,
        models: models_of(row.get(3)?)?,
        created_at: row.get(4)?,
        expires_at: row.get(5)?,
        revoked_at: row.get(6)?,
    })
}

fn models_column(models: &[String]) -> Result<String, LedgerError> {
    if models.is_empty() {
        return Err(LedgerError::NoModels);
    }
    for model in models {
        name::check("the id of a model", model)?;
    }
    Ok(serde_json::Value::from(models).to_string())
}

/// Reads what `models_column` wrote. A list that cannot be read must never become "all models".
pub(crate) fn models_of(column: Option<String>) -> Result<Option<Vec<String>>, LedgerError> {
    column
        .map(|text| {
            serde_json::from_str(&text).map_err(|_| LedgerError::Unreadable {
                what: "list of models",
            })
        })
        .transpose()
}
