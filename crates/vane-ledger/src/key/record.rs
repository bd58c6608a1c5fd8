//! Keys in the database: make, find, list.
//!
//! A key is changed only through its account, so that an id learned elsewhere opens nothing.

use vane_catalog::Money;

use super::{Key, LIMIT_COLUMNS, Limits, budget, text};
use crate::account::AccountId;
use crate::book::Period;
use crate::error::LedgerError;
use crate::name;
use crate::store::{Row, Store, Txn};

/// What the maker of a key decides.
#[derive(Clone, Debug, Default)]
pub struct NewKey {
    pub name: String,
    pub limits: Limits,
    /// What it may spend in each period; `None` sets no bound.
    pub budget: Option<(Money, Period)>,
}

/// What is known of a key after its text was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    pub id: String,
    pub account: AccountId,
    pub name: String,
    /// The id of the first key of its lineage: its own, until it is rotated.
    pub lineage: String,
    pub limits: Limits,
    pub budget: Option<(Money, Period)>,
    pub created_at: i64,
    pub revoked_at: Option<i64>,
    /// The key that took its place.
    pub replaced_by: Option<String>,
    /// From this second on it is refused, because another key took its place.
    pub retires_at: Option<i64>,
}

impl KeyRecord {
    /// The key as lists show it: its public part only.
    pub fn masked(&self) -> String {
        text::masked(&self.id)
    }

    /// Whether a call with it is served.
    pub fn works_at(&self, now: i64) -> bool {
        let over = |end: Option<i64>| end.is_some_and(|end| end <= now);
        self.revoked_at.is_none() && !over(self.limits.expires_at) && !over(self.retires_at)
    }
}

/// One row, before it is written.
pub(super) struct NewRow<'a> {
    pub(super) key: &'a Key,
    pub(super) account: AccountId,
    pub(super) name: &'a str,
    pub(super) lineage: &'a str,
    pub(super) limits: &'a Limits,
    pub(super) now: i64,
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
        new.limits.columns()?;
        let key = Key::generate()?;
        if let Some(budget) = new.budget {
            // Before the key, so that there is no moment at which it could spend without. If the
            // key then fails, the budget is one of an id that nobody has.
            budget::set(self, key.id(), Some(budget), now)?;
        }
        let row = NewRow {
            key: &key,
            account,
            name: &new.name,
            lineage: key.id(),
            limits: &new.limits,
            now,
        };
        self.write(|txn| insert(txn, self.hasher(), &row))?;
        Ok(key)
    }

    /// All keys of an account, revoked ones too, oldest first.
    pub fn list_keys(&self, account: AccountId) -> Result<Vec<KeyRecord>, LedgerError> {
        let sql = select("k.account = ?1 ORDER BY k.created_at, k.id");
        self.read(|txn| txn.rows(&sql, &[&account.0], record_of))
    }

    /// All keys that fall to a model when their budget is spent, of a SQLite database that is there:
    /// it is neither made nor changed.
    pub fn peek_falling(url: &str) -> Result<Vec<KeyRecord>, LedgerError> {
        let sql = select("k.when_spent IS NOT NULL ORDER BY k.created_at, k.id");
        let keys = Self::peek(url, |txn| txn.rows(&sql, &[], record_of))?;
        Ok(keys.unwrap_or_default())
    }

    /// A key by its id, whoever's it is.
    pub fn find_key(&self, id: &str) -> Result<Option<KeyRecord>, LedgerError> {
        self.read(|txn| txn.one(&select("k.id = ?1"), &[&id], record_of))
    }
}

/// The statement that finds records by a condition.
fn select(condition: &str) -> String {
    format!(
        "SELECT k.id, k.account, k.name, k.lineage, k.created_at, k.revoked_at,
                k.replaced_by, k.retires_at, b.amount, b.period, {LIMIT_COLUMNS}
         FROM api_key k LEFT JOIN budget b ON b.key = k.lineage WHERE {condition}"
    )
}

/// The key of an account, in a transaction that is about to change it.
pub(super) fn of_account(
    txn: Txn<'_>,
    account: AccountId,
    id: &str,
) -> Result<KeyRecord, LedgerError> {
    let sql = select("k.id = ?1 AND k.account = ?2");
    txn.one(&sql, &[&id, &account.0], record_of)?
        .ok_or_else(|| LedgerError::NoSuchKey { id: id.to_owned() })
}

pub(super) fn insert(
    txn: Txn<'_>,
    hasher: &super::KeyHasher,
    row: &NewRow<'_>,
) -> Result<(), LedgerError> {
    let (models, providers, requests, tokens, concurrency, expires_at, when_spent) =
        row.limits.columns()?;
    // Selecting the account makes an unknown one zero rows, not a constraint to decipher.
    let made = txn.execute(
        "INSERT INTO api_key (id, account, name, hash, lineage, created_at, models, providers,
             requests_per_minute, tokens_per_minute, concurrency, expires_at, when_spent)
         SELECT ?1, id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13 FROM account WHERE id = ?2",
        &[
            &row.key.id(),
            &row.account.0,
            &row.name,
            &hasher.hash(row.key).as_ref(),
            &row.lineage,
            &row.now,
            &models,
            &providers,
            &requests,
            &tokens,
            &concurrency,
            &expires_at,
            &when_spent,
        ],
    )?;
    if made == 0 {
        Err(LedgerError::NoSuchAccount(row.account))
    } else {
        Ok(())
    }
}

fn record_of(row: &Row<'_>) -> Result<KeyRecord, LedgerError> {
    Ok(KeyRecord {
        id: row.get(0)?,
        account: AccountId(row.get(1)?),
        name: row.get(2)?,
        lineage: row.get(3)?,
        created_at: row.get(4)?,
        revoked_at: row.get(5)?,
        replaced_by: row.get(6)?,
        retires_at: row.get(7)?,
        budget: budget::read(row.get(8)?, row.get(9)?)?,
        limits: Limits::read(row, 10)?,
    })
}
