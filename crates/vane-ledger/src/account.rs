//! Accounts: who pays.
//!
//! A name is unique and an id is never shown to mean another account: keys and, later, entries
//! point at it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::json;
use vane_catalog::Money;

use crate::error::LedgerError;
use crate::member::{Author, Right};
use crate::name;
use crate::store::{Row, Store, Txn, books};
use crate::trail::{self, What};

/// The number of an account in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub i64);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether an account needs money before it spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// Everything is recorded, no balance is needed.
    Metered,
    /// Cannot spend what it does not have.
    Prepaid,
}

impl AccountKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metered => "metered",
            Self::Prepaid => "prepaid",
        }
    }

    pub(crate) fn from_column(text: &str) -> Result<Self, LedgerError> {
        match text {
            "metered" => Ok(Self::Metered),
            "prepaid" => Ok(Self::Prepaid),
            _ => Err(LedgerError::Unreadable {
                what: "kind of account",
            }),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    pub kind: AccountKind,
    /// Unix seconds.
    pub created_at: i64,
}

impl Store {
    pub fn create_account(
        &self,
        name: &str,
        kind: AccountKind,
        now: i64,
    ) -> Result<Account, LedgerError> {
        // Opening credit and account are one transaction: `Store::create_credited`.
        if kind == AccountKind::Prepaid {
            return Err(LedgerError::PrepaidWithoutCredit);
        }
        self.write(|txn| create(txn, name, kind, now))
    }

    /// All accounts, by name.
    pub fn list_accounts(&self) -> Result<Vec<Account>, LedgerError> {
        let sql = "SELECT id, name, kind, created_at FROM account ORDER BY name";
        self.read(|txn| txn.rows(sql, &[], account_of))
    }

    /// So many accounts by name, after one, each with what its book has.
    pub fn list_balances(
        &self,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(Account, Money)>, LedgerError> {
        let sql = "SELECT a.id, a.name, a.kind, a.created_at, b.posted FROM account a
            JOIN book b ON b.kind = 'customer' AND b.owner = a.id
            WHERE a.name > ?1 ORDER BY a.name LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|txn| {
            txn.rows(sql, &[&after, &limit], |row| {
                Ok((account_of(row)?, Money::from_pico(row.get(4)?)))
            })
        })
    }

    pub fn account(&self, id: AccountId) -> Result<Account, LedgerError> {
        let sql = "SELECT id, name, kind, created_at FROM account WHERE id = ?1";
        let found = self.read(|txn| txn.one(sql, &[&id.0], account_of))?;
        found.ok_or(LedgerError::NoSuchAccount(id))
    }

    /// Gives an account another name.
    pub fn rename_account(
        &self,
        author: &Author,
        id: AccountId,
        name: &str,
    ) -> Result<(), LedgerError> {
        name::check("the name of an account", name)?;
        self.write(|txn| {
            author.standing(txn, id)?.must(Right::Rename)?;
            let taken = "SELECT 1 FROM account WHERE name = ?1 AND id <> ?2";
            if txn.one(taken, &[&name, &id.0], |_| Ok(()))?.is_some() {
                return Err(LedgerError::AccountExists {
                    name: name.to_owned(),
                });
            }
            let renamed = "UPDATE account SET name = ?2 WHERE id = ?1";
            if txn.execute(renamed, &[&id.0, &name])? == 0 {
                return Err(LedgerError::NoSuchAccount(id));
            }
            let detail = json!({ "name": name });
            trail::note(
                txn,
                author,
                id,
                What::AccountRenamed,
                &id.to_string(),
                &detail,
            )
        })
    }

    pub fn find_account(&self, name: &str) -> Result<Option<Account>, LedgerError> {
        let sql = "SELECT id, name, kind, created_at FROM account WHERE name = ?1";
        self.read(|txn| txn.one(sql, &[&name], account_of))
    }
}

/// Whether there is such an account.
pub(crate) fn exists(txn: Txn<'_>, id: AccountId) -> Result<bool, LedgerError> {
    let sql = "SELECT 1 FROM account WHERE id = ?1";
    Ok(txn.one(sql, &[&id.0], |_| Ok(()))?.is_some())
}

/// Makes an account and opens its book.
pub(crate) fn create(
    txn: Txn<'_>,
    name: &str,
    kind: AccountKind,
    now: i64,
) -> Result<Account, LedgerError> {
    name::check("the name of an account", name)?;
    let id = txn
        .one(
            "INSERT INTO account (name, kind, created_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO NOTHING RETURNING id",
            &[&name, &kind.as_str(), &now],
            |row| row.get(0),
        )?
        .ok_or_else(|| LedgerError::AccountExists {
            name: name.to_owned(),
        })?;
    let account = Account {
        id: AccountId(id),
        name: name.to_owned(),
        kind,
        created_at: now,
    };
    books::open(txn, &account)?;
    Ok(account)
}

fn account_of(row: &Row<'_>) -> Result<Account, LedgerError> {
    Ok(Account {
        id: AccountId(row.get(0)?),
        name: row.get(1)?,
        kind: AccountKind::from_column(row.text(2)?)?,
        created_at: row.get(3)?,
    })
}
