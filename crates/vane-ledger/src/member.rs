//! Members: users in an account, each with a role there.
//!
//! An account without members is its operator's alone. From its first member on, who is an owner,
//! it keeps at least one owner. Nobody gives, changes or takes a role above the own one. Who is removed stays as
//! a row that keys and changes point at, and all keys that acted for them and invitations to them end in the same commit.

mod author;
pub(crate) mod email;
mod role;

use serde_json::json;

pub(crate) use self::author::Standing;
pub use self::author::{Author, CONSOLE, Who};
pub use self::role::{Right, Role};
use crate::account::AccountId;
use crate::error::LedgerError;
use crate::id::new_id;
use crate::store::{Row, Store, Txn};
use crate::trail::{self, What};

/// Members of an account at a time.
const MEMBERS_MAX: i64 = 1_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: String,
    pub email: String,
    /// As the user gave it; empty until then.
    pub name: String,
    pub role: Role,
    /// Unix seconds.
    pub created_at: i64,
}

impl Store {
    /// Makes a user a member, known by an address; a user whom nobody knew is made.
    pub fn add_member(
        &self,
        author: &Author,
        account: AccountId,
        email: &str,
        role: Role,
    ) -> Result<Member, LedgerError> {
        let email = email::read(email)?;
        let ids = (new_id()?, new_id()?);
        self.write(|txn| {
            may_add(txn, author, account, role)?;
            let user = user_of(txn, &email, &ids.0, author.at)?;
            add(txn, author, account, (&ids.1, &user, &email), role)
        })
    }

    /// The members of an account, by address.
    pub fn list_members(&self, account: AccountId) -> Result<Vec<Member>, LedgerError> {
        let sql = select("m.account = ?1 AND m.removed_at IS NULL ORDER BY u.email");
        self.read(|txn| txn.rows(&sql, &[&account.0], member_of))
    }

    pub fn find_member(&self, account: AccountId, id: &str) -> Result<Option<Member>, LedgerError> {
        self.read(|txn| found(txn, account, id))
    }

    /// A member by the address of its user.
    pub fn find_member_by_email(
        &self,
        account: AccountId,
        email: &str,
    ) -> Result<Option<Member>, LedgerError> {
        let email = email::read(email)?;
        let sql = select("m.account = ?1 AND m.removed_at IS NULL AND u.email = ?2");
        self.read(|txn| txn.one(&sql, &[&account.0, &email], member_of))
    }

    /// Gives a member another role.
    pub fn set_role(
        &self,
        author: &Author,
        account: AccountId,
        id: &str,
        role: Role,
    ) -> Result<Member, LedgerError> {
        self.write(|txn| {
            let member = reached(txn, author, account, id, role)?;
            if role != Role::Owner {
                another_owner(txn, account, &member)?;
            }
            txn.execute(
                "UPDATE member SET role = ?2 WHERE id = ?1",
                &[&id, &role.as_str()],
            )?;
            let detail = json!({ "email": member.email, "role": role.as_str() });
            trail::note(txn, author, account, What::RoleSet, id, &detail)?;
            Ok(Member { role, ..member })
        })
    }

    /// Removes a member, ends all keys that act for it, and ends what it was invited by.
    pub fn remove_member(
        &self,
        author: &Author,
        account: AccountId,
        id: &str,
    ) -> Result<(), LedgerError> {
        self.write(|txn| {
            let member = reached(txn, author, account, id, Role::Viewer)?;
            another_owner(txn, account, &member)?;
            let gone = "UPDATE member SET removed_at = ?2 WHERE id = ?1";
            txn.execute(gone, &[&id, &author.at])?;
            let ended = "UPDATE api_key SET revoked_at = ?2
                WHERE member = ?1 AND revoked_at IS NULL";
            txn.execute(ended, &[&id, &author.at])?;
            let uninvited = "DELETE FROM link WHERE account = ?1 AND email = ?2";
            txn.execute(uninvited, &[&account.0, &member.email])?;
            let detail = json!({ "email": member.email });
            trail::note(txn, author, account, What::MemberRemoved, id, &detail)
        })
    }
}

/// Whether an author may make one more member of a role.
pub(crate) fn may_add(
    txn: Txn<'_>,
    author: &Author,
    account: AccountId,
    role: Role,
) -> Result<(), LedgerError> {
    let standing = author.standing(txn, account)?;
    standing.must(Right::Members)?;
    standing.must_reach(role)?;
    let members = count(txn, account, None)?;
    if members == 0 && role != Role::Owner {
        return Err(LedgerError::FirstOwner);
    }
    if members >= MEMBERS_MAX {
        return Err(LedgerError::TooMany {
            what: "members",
            max: MEMBERS_MAX,
        });
    }
    Ok(())
}

/// Makes a user a member under a new id.
pub(crate) fn add(
    txn: Txn<'_>,
    author: &Author,
    account: AccountId,
    (id, user, email): (&str, &str, &str),
    role: Role,
) -> Result<Member, LedgerError> {
    // Selecting the account makes an unknown one zero rows, not a constraint to decipher.
    let made = txn.execute(
        "INSERT INTO member (id, account, user_id, role, created_at)
         SELECT ?1, id, ?3, ?4, ?5 FROM account WHERE id = ?2
         ON CONFLICT DO NOTHING",
        &[&id, &account.0, &user, &role.as_str(), &author.at],
    )?;
    if made == 0 {
        return Err(match crate::account::exists(txn, account)? {
            true => LedgerError::MemberExists {
                email: email.to_owned(),
            },
            false => LedgerError::NoSuchAccount(account),
        });
    }
    let detail = json!({ "email": email, "role": role.as_str() });
    trail::note(txn, author, account, What::MemberAdded, id, &detail)?;
    of_account(txn, account, id)
}

/// The member that an author who may is about to change, to a role that the author has too.
pub(crate) fn reached(
    txn: Txn<'_>,
    author: &Author,
    account: AccountId,
    id: &str,
    role: Role,
) -> Result<Member, LedgerError> {
    let standing = author.standing(txn, account)?;
    standing.must(Right::Members)?;
    let member = of_account(txn, account, id)?;
    standing.must_reach(member.role.max(role))?;
    Ok(member)
}

fn another_owner(txn: Txn<'_>, account: AccountId, but: &Member) -> Result<(), LedgerError> {
    if but.role == Role::Owner && count(txn, account, Some(Role::Owner))? <= 1 {
        return Err(LedgerError::LastOwner);
    }
    Ok(())
}

pub(crate) fn count(
    txn: Txn<'_>,
    account: AccountId,
    role: Option<Role>,
) -> Result<i64, LedgerError> {
    let sql = "SELECT count(*) FROM member
        WHERE account = ?1 AND removed_at IS NULL AND role = coalesce(CAST(?2 AS TEXT), role)";
    let role = role.map(Role::as_str);
    Ok(txn
        .one(sql, &[&account.0, &role], |row| row.get(0))?
        .unwrap_or_default())
}

/// The user of an address; a new one where there is none.
pub(crate) fn user_of(
    txn: Txn<'_>,
    email: &str,
    new: &str,
    at: i64,
) -> Result<String, LedgerError> {
    let make = "INSERT INTO \"user\" (id, email, name, created_at) VALUES (?1, ?2, '', ?3)
        ON CONFLICT (email) DO NOTHING";
    txn.execute(make, &[&new, &email, &at])?;
    let sql = "SELECT id FROM \"user\" WHERE email = ?1";
    let user = txn.one(sql, &[&email], |row| row.get(0))?;
    user.ok_or(LedgerError::Unreadable { what: "user" })
}

fn select(condition: &str) -> String {
    format!(
        "SELECT m.id, u.email, u.name, m.role, m.created_at
         FROM member m JOIN \"user\" u ON u.id = m.user_id WHERE {condition}"
    )
}

fn found(txn: Txn<'_>, account: AccountId, id: &str) -> Result<Option<Member>, LedgerError> {
    let sql = select("m.id = ?1 AND m.account = ?2 AND m.removed_at IS NULL");
    txn.one(&sql, &[&id, &account.0], member_of)
}

pub(crate) fn of_account(
    txn: Txn<'_>,
    account: AccountId,
    id: &str,
) -> Result<Member, LedgerError> {
    let none = || LedgerError::NoSuchMember { who: id.to_owned() };
    found(txn, account, id)?.ok_or_else(none)
}

/// The role of whom a key acts for; none once that one was removed.
pub(crate) fn role_of(txn: Txn<'_>, id: Option<&str>) -> Result<Option<Role>, LedgerError> {
    let sql = "SELECT role FROM member WHERE id = ?1 AND removed_at IS NULL";
    txn.one(sql, &[&id], |row| Role::from_column(row.text(0)?))
}

/// The role of the member of an address, if there is one.
pub(crate) fn role_at(
    txn: Txn<'_>,
    account: AccountId,
    email: &str,
) -> Result<Option<Role>, LedgerError> {
    let sql = select("m.account = ?1 AND m.removed_at IS NULL AND u.email = ?2");
    let found = txn.one(&sql, &[&account.0, &email], member_of)?;
    Ok(found.map(|member| member.role))
}

fn member_of(row: &Row<'_>) -> Result<Member, LedgerError> {
    Ok(Member {
        id: row.get(0)?,
        email: row.get(1)?,
        name: row.get(2)?,
        role: Role::from_column(row.text(3)?)?,
        created_at: row.get(4)?,
    })
}
