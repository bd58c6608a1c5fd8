//! The trail: who changed what in an account, and when.
//!
//! A change is noted in the commit that makes it, so that neither is there without the other. What
//! is noted is the changed thing as it was from then on, and never a secret.

use serde_json::Value;

use crate::account::AccountId;
use crate::error::LedgerError;
use crate::member::{Author, Who};
use crate::store::{Row, Store, Txn};

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Later ones have larger numbers.
    pub n: i64,
    pub author: Author,
    /// The address of the author; nothing of the operator.
    pub email: Option<String>,
    pub what: String,
    /// The id of what was changed.
    pub subject: String,
    pub detail: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    KeyMade,
    KeyChanged,
    KeyRotated,
    KeyRevoked,
    MemberInvited,
    MemberAdded,
    RoleSet,
    MemberRemoved,
    /// A link to another password was made.
    PasswordLinked,
    PasswordSet,
    AccountRenamed,
}

impl What {
    const fn as_str(self) -> &'static str {
        match self {
            Self::KeyMade => "key_made",
            Self::KeyChanged => "key_changed",
            Self::KeyRotated => "key_rotated",
            Self::KeyRevoked => "key_revoked",
            Self::MemberInvited => "member_invited",
            Self::MemberAdded => "member_added",
            Self::RoleSet => "role_set",
            Self::MemberRemoved => "member_removed",
            Self::PasswordLinked => "password_linked",
            Self::PasswordSet => "password_set",
            Self::AccountRenamed => "account_renamed",
        }
    }
}

impl Store {
    /// So many changes of an account, newest first, from before the one of a number.
    pub fn changes(
        &self,
        account: AccountId,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Change>, LedgerError> {
        let sql = "SELECT c.n, c.at, c.member, c.key, u.email, c.what, c.subject, c.detail
            FROM change c LEFT JOIN member m ON m.id = c.member
                LEFT JOIN \"user\" u ON u.id = m.user_id
            WHERE c.account = ?1 AND c.n < ?2 ORDER BY c.n DESC LIMIT ?3";
        let before = before.unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|txn| txn.rows(sql, &[&account.0, &before, &limit], change_of))
    }
}

pub(crate) fn note(
    txn: Txn<'_>,
    author: &Author,
    account: AccountId,
    what: What,
    subject: &str,
    detail: &Value,
) -> Result<(), LedgerError> {
    let (member, key) = match &author.who {
        Who::Operator => (None, None),
        Who::Member { id, key } => (Some(id), Some(key)),
    };
    let sql = "INSERT INTO change (account, at, member, key, what, subject, detail)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let detail = detail.to_string();
    txn.execute(
        sql,
        &[
            &account.0,
            &author.at,
            &member,
            &key,
            &what.as_str(),
            &subject,
            &detail,
        ],
    )?;
    Ok(())
}

fn change_of(row: &Row<'_>) -> Result<Change, LedgerError> {
    let member: Option<String> = row.get(2)?;
    let who = match member.zip(row.get(3)?) {
        Some((id, key)) => Who::Member { id, key },
        None => Who::Operator,
    };
    let unreadable = |_| LedgerError::Unreadable { what: "change" };
    Ok(Change {
        n: row.get(0)?,
        author: Author {
            who,
            at: row.get(1)?,
        },
        email: row.get(4)?,
        what: row.get(5)?,
        subject: row.get(6)?,
        detail: serde_json::from_str(row.text(7)?).map_err(unreadable)?,
    })
}
