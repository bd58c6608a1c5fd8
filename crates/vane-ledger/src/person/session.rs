//! Sessions: who signed in on which browser, and as member of which account.
//!
//! A session ends when it is not used for long, at the latest some time after it began, when the
//! user signs out, and when the password is set anew. Roles are read with every look, so that a
//! change of them counts at once.

use super::User;
use super::token::{Token, Use};
use crate::account::{self, Account, AccountId};
use crate::error::LedgerError;
use crate::member::Role;
use crate::store::{Row, Store, Txn};

/// Sessions of a user at a time; the oldest give way.
const SESSIONS_MAX: i64 = 20;
/// The end by idleness is moved this late at most: looking at a page seldom writes.
const MOVED_AFTER: i64 = 300;

/// How long sessions last, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spans {
    pub idle: i64,
    pub whole: i64,
}

/// A user as a member of an account, who may look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    pub member: String,
    pub role: Role,
    pub account: Account,
    /// Whether calls of the account are refused.
    pub frozen: bool,
}

/// Who comes with a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    pub user: User,
    /// As whom the user acts, if as anybody.
    pub seat: Option<Seat>,
    /// All that the user may act as.
    pub seats: Vec<Seat>,
}

impl Store {
    /// Begins a session in place of the one that the browser had.
    pub fn begin_session(
        &self,
        user: &str,
        former: Option<&Token>,
        now: i64,
        spans: Spans,
    ) -> Result<Token, LedgerError> {
        let token = Token::generate()?;
        let hash = self.hash_token(&token, Use::Session)?;
        let former = former.map(|former| self.hash_token(former, Use::Session));
        let former = former.transpose()?;
        self.write(|txn| {
            txn.execute("DELETE FROM session WHERE ends_at <= ?1", &[&now])?;
            if let Some(former) = &former {
                let gone = "DELETE FROM session WHERE token = ?1";
                txn.execute(gone, &[&former.as_slice()])?;
            }
            let crowd = "DELETE FROM session WHERE token IN (SELECT token FROM session
                WHERE user_id = ?1 ORDER BY began_at DESC LIMIT 1000 OFFSET ?2)";
            txn.execute(crowd, &[&user, &SESSIONS_MAX.saturating_sub(1)])?;
            txn.execute(
                "INSERT INTO session (token, user_id, member, began_at, idle_at, ends_at)
                 VALUES (?1, ?2, NULL, ?3, ?4, ?5)",
                &[
                    &hash.as_slice(),
                    &user,
                    &now,
                    &now.saturating_add(spans.idle),
                    &now.saturating_add(spans.whole),
                ],
            )?;
            Ok(())
        })?;
        Ok(token)
    }

    /// Who comes with a token, if that is any good.
    pub fn visit(
        &self,
        token: &Token,
        now: i64,
        spans: Spans,
    ) -> Result<Option<Visit>, LedgerError> {
        let hash = self.hash_token(token, Use::Session)?;
        let sql = "SELECT u.id, u.email, u.operator, s.member, s.idle_at FROM session s
            JOIN \"user\" u ON u.id = s.user_id
            WHERE s.token = ?1 AND s.idle_at > ?2 AND s.ends_at > ?2";
        let found = self.read(|txn| {
            let read = |row: &Row<'_>| {
                let user = User {
                    id: row.get(0)?,
                    email: row.get(1)?,
                    is_operator: row.get::<i64>(2)? == 1,
                };
                Ok((user, row.get::<Option<String>>(3)?, row.get::<i64>(4)?))
            };
            let Some((user, member, idle_at)) = txn.one(sql, &[&hash.as_slice(), &now], read)?
            else {
                return Ok(None);
            };
            let seats = seats(txn, &user.id)?;
            let chosen = seats
                .iter()
                .find(|seat| Some(&seat.member) == member.as_ref());
            let seat = chosen.or(seats.first()).cloned();
            Ok(Some((Visit { user, seat, seats }, idle_at)))
        })?;
        let Some((visit, idle_at)) = found else {
            return Ok(None);
        };
        let due = now.saturating_add(spans.idle);
        if due.saturating_sub(idle_at) > MOVED_AFTER {
            let sql = "UPDATE session SET idle_at = ?2 WHERE token = ?1";
            self.write(|txn| txn.execute(sql, &[&hash.as_slice(), &due]))?;
        }
        Ok(Some(visit))
    }

    /// Acts as another member of the same user from now on. True if there is such a seat.
    pub fn take_seat(&self, token: &Token, user: &str, member: &str) -> Result<bool, LedgerError> {
        let hash = self.hash_token(token, Use::Session)?;
        self.write(|txn| {
            if !seats(txn, user)?.iter().any(|seat| seat.member == member) {
                return Ok(false);
            }
            let sql = "UPDATE session SET member = ?3 WHERE token = ?1 AND user_id = ?2";
            Ok(txn.execute(sql, &[&hash.as_slice(), &user, &member])? == 1)
        })
    }

    pub fn end_session(&self, token: &Token) -> Result<(), LedgerError> {
        let hash = self.hash_token(token, Use::Session)?;
        let sql = "DELETE FROM session WHERE token = ?1";
        self.write(|txn| txn.execute(sql, &[&hash.as_slice()]))?;
        Ok(())
    }

    /// Ends all sessions of a user.
    pub fn end_sessions(&self, user: &str) -> Result<(), LedgerError> {
        self.write(|txn| end_all(txn, user))
    }
}

/// Ends all sessions of a user.
pub(super) fn end_all(txn: Txn<'_>, user: &str) -> Result<(), LedgerError> {
    txn.execute("DELETE FROM session WHERE user_id = ?1", &[&user])?;
    Ok(())
}

pub(super) fn seats(txn: Txn<'_>, user: &str) -> Result<Vec<Seat>, LedgerError> {
    let sql = "SELECT m.id, m.role, a.id, a.name, a.kind, a.created_at,
            (SELECT count(*) FROM frozen f WHERE f.account = a.id)
        FROM member m JOIN account a ON a.id = m.account
        WHERE m.user_id = ?1 AND m.removed_at IS NULL AND m.joined_at IS NOT NULL
        ORDER BY a.id";
    txn.rows(sql, &[&user], |row| {
        Ok(Seat {
            member: row.get(0)?,
            role: Role::from_column(row.text(1)?)?,
            account: Account {
                id: AccountId(row.get(2)?),
                name: row.get(3)?,
                kind: account::AccountKind::from_column(row.text(4)?)?,
                created_at: row.get(5)?,
            },
            frozen: row.get::<i64>(6)? != 0,
        })
    })
}
