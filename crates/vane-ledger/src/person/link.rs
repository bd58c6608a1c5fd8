//! Links that are used once: to set the server up, and to join an account.
//!
//! A link is an address with a token that was printed or shown once. It ends when it is used, when
//! its time is over, and an invitation also when who made it may no longer invite. Who holds one
//! sets the password of a user that has none; an invitation never changes one that is there, since
//! its maker could then sign in to accounts that are no business of theirs.

use serde_json::json;

use super::recovery;
use super::token::{Token, Use};
use crate::account::{self, AccountId};
use crate::error::LedgerError;
use crate::id::new_id;
use crate::member::{self, Author, CONSOLE, Right, Role, Who};
use crate::store::{Row, Store, Txn};
use crate::trail::{self, What};

/// Invitations of an account that nobody has used yet.
const OPEN_MAX: i64 = 100;

/// What a link to an account invites to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    pub account: AccountId,
    pub account_name: String,
    pub email: String,
    pub role: Role,
    made_by: Option<String>,
}

/// The password of who uses a link.
#[derive(Clone, Copy, Debug)]
pub enum Password<'a> {
    /// The hash of a first one.
    First(&'a str),
    /// The hash of the one that is there, which the user has shown to know.
    Shown(&'a str),
}

impl Store {
    /// A link that makes whoever uses it first an operator; links before it are over.
    pub fn link_setup(&self, now: i64, expires_at: i64) -> Result<Token, LedgerError> {
        let token = Token::generate()?;
        let hash = self.hash_token(&token, Use::Link)?;
        self.write(|txn| {
            txn.execute("DELETE FROM link WHERE purpose = 'setup'", &[])?;
            let sql = "INSERT INTO link (token, purpose, created_at, expires_at)
                VALUES (?1, 'setup', ?2, ?3)";
            txn.execute(sql, &[&hash.as_slice(), &now, &expires_at])
        })?;
        Ok(token)
    }

    /// Whether a link sets this server up.
    pub fn is_setup(&self, token: &Token, now: i64) -> Result<bool, LedgerError> {
        let hash = self.hash_token(token, Use::Link)?;
        self.read(|txn| is_setup(txn, &hash, now))
    }

    /// Uses a link to make an operator, who owns the first account. A user of that address gets
    /// the password in place of the former. Returns the id of the user.
    pub fn set_up(
        &self,
        token: &Token,
        email: &str,
        hash: &str,
        now: i64,
    ) -> Result<String, LedgerError> {
        let email = member::email::read(email)?;
        let link = self.hash_token(token, Use::Link)?;
        let (user, member) = (new_id()?, new_id()?);
        self.write(|txn| {
            if !is_setup(txn, &link, now)? {
                return Err(LedgerError::LinkOver);
            }
            txn.execute("DELETE FROM link WHERE purpose = 'setup'", &[])?;
            let user = member::user_of(txn, &email, &user, now)?;
            let sql = "UPDATE \"user\" SET password = ?2, operator = 1 WHERE id = ?1";
            txn.execute(sql, &[&user, &hash])?;
            recovery::is_another(txn, &user, &email, now)?;
            let account = first_account(txn, now)?;
            let author = Author::operator(now);
            join(txn, &author, account, (&member, &user, &email), Role::Owner)?;
            Ok(user)
        })
    }

    /// Makes a link by which the user of an address joins an account.
    pub fn invite(
        &self,
        author: &Author,
        account: AccountId,
        email: &str,
        role: Role,
        expires_at: i64,
    ) -> Result<Token, LedgerError> {
        let email = member::email::read(email)?;
        let token = Token::generate()?;
        let hash = self.hash_token(&token, Use::Link)?;
        self.write(|txn| {
            if !account::exists(txn, account)? {
                return Err(LedgerError::NoSuchAccount(account));
            }
            member::may_add(txn, author, account, role)?;
            if let Some(written) = member::role_at(txn, account, &email)? {
                author.standing(txn, account)?.must_reach(written)?;
            }
            let outdated =
                "DELETE FROM link WHERE expires_at <= ?1 OR (account = ?2 AND email = ?3)";
            txn.execute(outdated, &[&author.at, &account.0, &email])?;
            let count = "SELECT count(*) FROM link WHERE account = ?1 AND purpose = 'join'";
            let open: i64 = txn
                .one(count, &[&account.0], |row| row.get(0))?
                .unwrap_or_default();
            if open >= OPEN_MAX {
                return Err(LedgerError::TooMany {
                    what: "open invitations",
                    max: OPEN_MAX,
                });
            }
            txn.execute(
                "INSERT INTO link
                     (token, purpose, account, email, role, made_by, created_at, expires_at)
                 VALUES (?1, 'join', ?2, ?3, ?4, ?5, ?6, ?7)",
                &[
                    &hash.as_slice(),
                    &account.0,
                    &email,
                    &role.as_str(),
                    &author.member(),
                    &author.at,
                    &expires_at,
                ],
            )?;
            let detail = json!({ "email": email, "role": role.as_str() });
            trail::note(txn, author, account, What::MemberInvited, &email, &detail)
        })?;
        Ok(token)
    }

    /// What a link invites to, while it is good.
    pub fn invitation(&self, token: &Token, now: i64) -> Result<Option<Invitation>, LedgerError> {
        let hash = self.hash_token(token, Use::Link)?;
        self.read(|txn| invitation(txn, &hash, now))
    }

    /// Uses an invitation. Returns the id of the user.
    pub fn join(
        &self,
        token: &Token,
        password: Password<'_>,
        now: i64,
    ) -> Result<String, LedgerError> {
        let link = self.hash_token(token, Use::Link)?;
        let (user, member) = (new_id()?, new_id()?);
        self.write(|txn| {
            let invited = invitation(txn, &link, now)?.ok_or(LedgerError::LinkOver)?;
            let used = "DELETE FROM link WHERE token = ?1";
            txn.execute(used, &[&link.as_slice()])?;
            let user = member::user_of(txn, &invited.email, &user, now)?;
            let (sql, hash) = match password {
                Password::First(hash) => (
                    "UPDATE \"user\" SET password = ?2 WHERE id = ?1 AND password IS NULL",
                    hash,
                ),
                Password::Shown(hash) => (
                    "UPDATE \"user\" SET password = ?2 WHERE id = ?1 AND password = ?2",
                    hash,
                ),
            };
            if txn.execute(sql, &[&user, &hash])? == 0 {
                return Err(LedgerError::OtherPassword);
            }
            let author = Author {
                who: match &invited.made_by {
                    None => Who::Operator,
                    Some(id) => Who::Member {
                        id: id.clone(),
                        key: CONSOLE.to_owned(),
                    },
                },
                at: now,
            };
            let who = (member.as_str(), user.as_str(), invited.email.as_str());
            join(txn, &author, invited.account, who, invited.role)?;
            Ok(user)
        })
    }
}

fn is_setup(txn: Txn<'_>, hash: &[u8; 32], now: i64) -> Result<bool, LedgerError> {
    let sql = "SELECT 1 FROM link WHERE token = ?1 AND purpose = 'setup' AND expires_at > ?2";
    let found = txn.one(sql, &[&hash.as_slice(), &now], |_| Ok(()))?;
    Ok(found.is_some())
}

/// A good invitation, whose maker may still invite: to that role, and to the one that the address was
/// written down with, which stays.
fn invitation(txn: Txn<'_>, hash: &[u8; 32], now: i64) -> Result<Option<Invitation>, LedgerError> {
    let sql = "SELECT l.account, a.name, l.email, l.role, l.made_by
        FROM link l JOIN account a ON a.id = l.account
        WHERE l.token = ?1 AND l.purpose = 'join' AND l.expires_at > ?2";
    let read = |row: &Row<'_>| {
        Ok(Invitation {
            account: AccountId(row.get(0)?),
            account_name: row.get(1)?,
            email: row.get(2)?,
            role: Role::from_column(row.text(3)?)?,
            made_by: row.get(4)?,
        })
    };
    let Some(found) = txn.one(sql, &[&hash.as_slice(), &now], read)? else {
        return Ok(None);
    };
    let written = member::role_at(txn, found.account, &found.email)?;
    let reach = found.role.max(written.unwrap_or(found.role));
    let may = match &found.made_by {
        None => true,
        Some(maker) => member::role_of(txn, Some(maker))?
            .is_some_and(|role| Role::may(Some(role), Right::Members) && role >= reach),
    };
    Ok(may.then_some(found))
}

/// Lets a user look at an account: a member who was written down before keeps the role.
fn join(
    txn: Txn<'_>,
    author: &Author,
    account: AccountId,
    (id, user, email): (&str, &str, &str),
    role: Role,
) -> Result<(), LedgerError> {
    let known = "SELECT id FROM member
        WHERE account = ?1 AND user_id = ?2 AND removed_at IS NULL";
    let known: Option<String> = txn.one(known, &[&account.0, &user], |row| row.get(0))?;
    let member = match known {
        Some(known) => known,
        None => {
            member::may_add(txn, author, account, role)?;
            member::add(txn, author, account, (id, user, email), role)?.id
        }
    };
    let sql = "UPDATE member SET joined_at = coalesce(joined_at, ?2) WHERE id = ?1";
    txn.execute(sql, &[&member, &author.at])?;
    Ok(())
}

fn first_account(txn: Txn<'_>, now: i64) -> Result<AccountId, LedgerError> {
    let sql = "SELECT id FROM account ORDER BY id LIMIT 1";
    match txn.one(sql, &[], |row| row.get(0))? {
        Some(id) => Ok(AccountId(id)),
        None => {
            let kind = account::AccountKind::Metered;
            Ok(account::create(txn, "default", kind, now)?.id)
        }
    }
}
