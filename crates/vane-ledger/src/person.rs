//! People: users who sign in, and what they sign in with.
//!
//! A user is known by an address that nobody has proved to own. So only a link that came from an
//! owner, admin or the operator lets a user look at an account ([`Store::join`]), however the user
//! came to be a member of it. Tokens of cookies and links are kept as keyed hashes only; passwords
//! come as hashes already, made off every lock by the caller.

mod link;
mod recovery;
mod session;
mod token;

pub use self::link::{Invitation, Password};
pub use self::session::{Seat, Spans, Visit};
pub use self::token::Token;

use crate::account::AccountId;
use crate::book::Op;
use crate::error::LedgerError;
use crate::id::new_id;
use crate::member::{self, Author, CONSOLE, Role, Who};
use crate::store::{Store, Txn, books};
use crate::trail::{self, What};
use serde_json::json;

/// A person, as signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: String,
    pub email: String,
    /// Whether this one runs the server.
    pub is_operator: bool,
}

/// A user as the operator sees one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub user: User,
    /// Whether there is a password.
    pub signs_in: bool,
    /// Of how many accounts a member.
    pub accounts: i64,
}

/// Who signs up without a link.
#[derive(Clone, Copy, Debug)]
pub struct SigningUp<'a> {
    pub email: &'a str,
    /// Of the password.
    pub hash: &'a str,
    pub at: i64,
    /// So many may sign up in any 24 hours.
    pub per_day_max: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedUp {
    Made,
    /// Somebody has the address. Only whoever holds the password may learn this.
    Known,
    /// Too many came today, whoever this is.
    TooMany,
}

const DAY: i64 = 86_400;

impl Store {
    /// Whether anybody runs this server from the console.
    pub fn has_operator(&self) -> Result<bool, LedgerError> {
        let sql = "SELECT 1 FROM \"user\" WHERE operator = 1";
        let found = self.read(|txn| txn.one(sql, &[], |_| Ok(())))?;
        Ok(found.is_some())
    }

    /// The user of an address and the hash of the password, where there are both.
    pub fn find_password(&self, email: &str) -> Result<Option<(String, String)>, LedgerError> {
        let Ok(email) = member::email::read(email) else {
            return Ok(None);
        };
        let sql = "SELECT id, password FROM \"user\" WHERE email = ?1 AND password IS NOT NULL";
        self.read(|txn| txn.one(sql, &[&email], |row| Ok((row.get(0)?, row.get(1)?))))
    }

    /// So many users in the order of their addresses, after one.
    pub fn list_people(&self, after: &str, limit: usize) -> Result<Vec<Person>, LedgerError> {
        let sql = "SELECT u.id, u.email, u.operator, u.password,
                (SELECT count(*) FROM member m WHERE m.user_id = u.id AND m.removed_at IS NULL)
            FROM \"user\" u WHERE u.email > ?1 ORDER BY u.email LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|txn| {
            txn.rows(sql, &[&after, &limit], |row| {
                Ok(Person {
                    user: User {
                        id: row.get(0)?,
                        email: row.get(1)?,
                        is_operator: row.get::<i64>(2)? == 1,
                    },
                    signs_in: row.get::<Option<String>>(3)?.is_some(),
                    accounts: row.get(4)?,
                })
            })
        })
    }

    /// Makes a user, of an address that nobody has a password for, and an account with its opening
    /// credit that the user owns.
    ///
    /// # Errors
    /// When the address is none, or the credit is refused.
    pub fn sign_up(
        &self,
        new: &SigningUp<'_>,
        credit: impl Fn(AccountId) -> Op + Sync,
    ) -> Result<SignedUp, LedgerError> {
        let email = member::email::read(new.email)?;
        let (user, member) = (new_id()?, new_id()?);
        self.write_books(|txn, memory| {
            let since = new.at.saturating_sub(DAY);
            if signed_up_since(txn, since)? >= new.per_day_max {
                return Ok(SignedUp::TooMany);
            }
            // A row without a password was written by others, who have proved nothing: it keeps
            // nobody out. What it was added to is not looked at by signing in.
            let made = "INSERT INTO \"user\" (id, email, name, created_at, password, signed_up_at)
                VALUES (?1, ?2, '', ?3, ?4, ?3)
                ON CONFLICT (email) DO UPDATE
                SET password = excluded.password, signed_up_at = excluded.signed_up_at
                WHERE \"user\".password IS NULL RETURNING id";
            let made: Option<String> =
                txn.one(made, &[&user, &email, &new.at, &new.hash], |row| row.get(0))?;
            let Some(user) = made else {
                return Ok(SignedUp::Known);
            };
            let account = account_name(&email, &user);
            let prepaid = crate::AccountKind::Prepaid;
            let account = crate::account::create(txn, &account, prepaid, new.at)?.id;
            for outcome in books::apply(txn, memory, &[credit(account)])? {
                outcome.map_err(LedgerError::Refused)?;
            }
            let author = Author {
                who: Who::Member {
                    id: member.clone(),
                    key: CONSOLE.to_owned(),
                },
                at: new.at,
            };
            txn.execute(
                "INSERT INTO member (id, account, user_id, role, created_at, joined_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                &[&member, &account.0, &user, &Role::Owner.as_str(), &new.at],
            )?;
            let detail = json!({ "email": email, "role": Role::Owner.as_str() });
            trail::note(txn, &author, account, What::MemberAdded, &member, &detail)?;
            Ok(SignedUp::Made)
        })
    }
}

fn signed_up_since(txn: Txn<'_>, since: i64) -> Result<i64, LedgerError> {
    let sql = "SELECT count(*) FROM \"user\" WHERE signed_up_at > ?1";
    let count = txn.one(sql, &[&since], |row| row.get(0))?;
    Ok(count.unwrap_or_default())
}

/// The address and a part of the user's id, which nobody is told. The address alone would tell whoever
/// asks for an account of that name that somebody signed up with it.
fn account_name(email: &str, user: &str) -> String {
    let short: String = email.chars().take(100).collect();
    format!("{short} {}", user.get(..8).unwrap_or(user))
}
