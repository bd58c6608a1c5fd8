//! Another password: by a link from who may make one, or by who knows the former.
//!
//! Who uses such a link is the person from then on, wherever that one belongs. So only the operator
//! makes one for anybody. An admin makes one for another member, of no higher role, who has come to
//! that account by a link, belongs to no other and does not run this server; all of that is asked
//! again when the link is used. A new password ends every session of the person and every link to
//! another one, and stands in the trail of each account that the person looks at.

use serde_json::json;

use super::session::{self, end_all};
use super::token::{Token, Use};
use crate::account::AccountId;
use crate::error::LedgerError;
use crate::member::{self, Author, CONSOLE, Member, Role, Who};
use crate::store::{Store, Txn};
use crate::trail::{self, What};

/// Whose password a link is for, and which admin made it, if not the operator.
struct Link {
    user: String,
    email: String,
    made_by: Option<(AccountId, String)>,
}

impl Store {
    /// A link by which the user of an address sets another password, made by the operator; those
    /// before it are over. `by` says who that was, in the trail.
    pub fn link_recovery(
        &self,
        email: &str,
        by: &str,
        now: i64,
        expires_at: i64,
    ) -> Result<Token, LedgerError> {
        let email = member::email::read(email)?;
        let token = Token::generate()?;
        let hash = self.hash_token(&token, Use::Link)?;
        self.write(|txn| {
            let sql = "SELECT id FROM \"user\" WHERE email = ?1 AND password IS NOT NULL";
            let user: Option<String> = txn.one(sql, &[&email], |row| row.get(0))?;
            let user = user.ok_or(LedgerError::NoPassword)?;
            keep(txn, &hash, &user, None, (now, expires_at))?;
            let (author, detail) = (Author::operator(now), json!({ "email": email, "by": by }));
            for seat in session::seats(txn, &user)? {
                let account = seat.account.id;
                trail::note(
                    txn,
                    &author,
                    account,
                    What::PasswordLinked,
                    &seat.member,
                    &detail,
                )?;
            }
            Ok(())
        })?;
        Ok(token)
    }

    /// The same for a member, by an admin of that account. Returns the address of the member too.
    pub fn link_recovery_of_member(
        &self,
        author: &Author,
        account: AccountId,
        id: &str,
        expires_at: i64,
    ) -> Result<(String, Token), LedgerError> {
        let token = Token::generate()?;
        let hash = self.hash_token(&token, Use::Link)?;
        let email = self.write(|txn| {
            let (member, user) = recoverable(txn, author, account, id)?;
            let maker = author.member().map(|maker| (account, maker));
            keep(txn, &hash, &user, maker, (author.at, expires_at))?;
            let detail = json!({ "email": member.email });
            trail::note(txn, author, account, What::PasswordLinked, id, &detail)?;
            Ok::<_, LedgerError>(member.email)
        })?;
        Ok((email, token))
    }

    /// Whose password a link is for, while it is good: an address.
    pub fn recovery(&self, token: &Token, now: i64) -> Result<Option<String>, LedgerError> {
        let hash = self.hash_token(token, Use::Link)?;
        let found = self.read(|txn| good(txn, &hash, now))?;
        Ok(found.map(|link| link.email))
    }

    /// Uses a link to set another password, by its hash. Returns the id of the user.
    pub fn recover(&self, token: &Token, hash: &str, now: i64) -> Result<String, LedgerError> {
        let link = self.hash_token(token, Use::Link)?;
        self.write(|txn| {
            let found = good(txn, &link, now)?.ok_or(LedgerError::LinkOver)?;
            let sql = "UPDATE \"user\" SET password = ?2 WHERE id = ?1";
            txn.execute(sql, &[&found.user, &hash])?;
            is_another(txn, &found.user, &found.email, now)?;
            Ok(found.user)
        })
    }

    /// Sets another password for a user who has shown to know the one of the hash `former`. False
    /// if it is another one by now.
    pub fn change_password(
        &self,
        user: &str,
        former: &str,
        hash: &str,
        now: i64,
    ) -> Result<bool, LedgerError> {
        self.write(|txn| {
            let sql = "UPDATE \"user\" SET password = ?3 WHERE id = ?1 AND password = ?2";
            if txn.execute(sql, &[&user, &former, &hash])? == 0 {
                return Ok(false);
            }
            let sql = "SELECT email FROM \"user\" WHERE id = ?1";
            let email: Option<String> = txn.one(sql, &[&user], |row| row.get(0))?;
            is_another(txn, user, &email.unwrap_or_default(), now)?;
            Ok(true)
        })
    }
}

/// What follows from a password that is another from now on.
pub(super) fn is_another(
    txn: Txn<'_>,
    user: &str,
    email: &str,
    now: i64,
) -> Result<(), LedgerError> {
    end_all(txn, user)?;
    txn.execute("DELETE FROM link WHERE user_id = ?1", &[&user])?;
    let detail = json!({ "email": email });
    for seat in session::seats(txn, user)? {
        let author = Author {
            who: Who::Member {
                id: seat.member.clone(),
                key: CONSOLE.to_owned(),
            },
            at: now,
        };
        let account = seat.account.id;
        trail::note(
            txn,
            &author,
            account,
            What::PasswordSet,
            &seat.member,
            &detail,
        )?;
    }
    Ok(())
}

fn keep(
    txn: Txn<'_>,
    hash: &[u8; 32],
    user: &str,
    maker: Option<(AccountId, String)>,
    (now, expires_at): (i64, i64),
) -> Result<(), LedgerError> {
    let outdated = "DELETE FROM link WHERE expires_at <= ?1 OR user_id = ?2";
    txn.execute(outdated, &[&now, &user])?;
    let (account, maker) = maker.map(|(account, maker)| (account.0, maker)).unzip();
    let sql = "INSERT INTO link (token, purpose, account, user_id, made_by, created_at, expires_at)
        VALUES (?1, 'recover', ?2, ?3, ?4, ?5, ?6)";
    txn.execute(
        sql,
        &[&hash.as_slice(), &account, &user, &maker, &now, &expires_at],
    )?;
    Ok(())
}

/// A link that may be used, also by what has become of people since it was made.
fn good(txn: Txn<'_>, hash: &[u8; 32], now: i64) -> Result<Option<Link>, LedgerError> {
    let sql = "SELECT u.id, u.email, l.account, l.made_by
        FROM link l JOIN \"user\" u ON u.id = l.user_id
        WHERE l.token = ?1 AND l.purpose = 'recover' AND l.expires_at > ?2";
    let found = txn.one(sql, &[&hash.as_slice(), &now], |row| {
        let account: Option<i64> = row.get(2)?;
        Ok(Link {
            user: row.get(0)?,
            email: row.get(1)?,
            made_by: account.map(AccountId).zip(row.get(3)?),
        })
    })?;
    let Some(link) = found else {
        return Ok(None);
    };
    let Some((account, maker)) = &link.made_by else {
        return Ok(Some(link));
    };
    let author = Author {
        who: Who::Member {
            id: maker.clone(),
            key: CONSOLE.to_owned(),
        },
        at: now,
    };
    let sql = "SELECT id FROM member WHERE account = ?1 AND user_id = ?2 AND removed_at IS NULL";
    let member: Option<String> = txn.one(sql, &[&account.0, &link.user], |row| row.get(0))?;
    let Some(member) = member else {
        return Ok(None);
    };
    match recoverable(txn, &author, *account, &member) {
        Ok(_) => Ok(Some(link)),
        Err(
            LedgerError::MayNot { .. }
            | LedgerError::Above { .. }
            | LedgerError::NoSuchMember { .. }
            | LedgerError::NoPassword
            | LedgerError::NotAlone,
        ) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A member for whom this author may make a link, and the user.
fn recoverable(
    txn: Txn<'_>,
    author: &Author,
    account: AccountId,
    id: &str,
) -> Result<(Member, String), LedgerError> {
    let member = member::reached(txn, author, account, id, Role::Viewer)?;
    if author.member().as_deref() == Some(id) {
        // A session alone must not be enough to set another password.
        return Err(LedgerError::Oneself);
    }
    let sql = "SELECT u.id, u.operator, u.password, m.joined_at
        FROM member m JOIN \"user\" u ON u.id = m.user_id WHERE m.id = ?1";
    let found = txn.one(sql, &[&id], |row| {
        let signs_in = row.get::<Option<String>>(2)?.is_some();
        let joined = row.get::<Option<i64>>(3)?.is_some();
        Ok((
            row.get::<String>(0)?,
            row.get::<i64>(1)? == 1,
            signs_in && joined,
        ))
    })?;
    let Some((user, is_operator, has_come)) = found else {
        return Err(LedgerError::NoSuchMember { who: id.to_owned() });
    };
    if !has_come {
        // The same whether somebody signs in here by that address: whoever writes a member down
        // must not learn it so.
        return Err(LedgerError::NoPassword);
    }
    if is_operator || session::seats(txn, &user)?.len() > 1 {
        return Err(LedgerError::NotAlone);
    }
    Ok((member, user))
}
