//! Accounts: who pays.
//!
//! A name is unique and an id is never shown to mean another account: keys and, later, entries
//! point at it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::LedgerError;
use crate::name;
use crate::store::{Row, Store, Txn, books};

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

    pub fn find_account(&self, name: &str) -> Result<Option<Account>, LedgerError> {
        let sql = "SELECT id, name, kind, created_at FROM account WHERE name = ?1";
        self.read(|txn| txn.one(sql, &[&name], account_of))
    }
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
