//! What becomes of a key: other terms, another secret, its end.
//!
//! Each is one commit, with what the trail notes of it. Who may is decided there too: a key is its
//! own member's, and else that of those who may change any key and whom its member does not outrank.

use serde_json::json;

use super::record::{NewRow, few_enough, insert, of_account};
use super::{Key, KeyRecord, Terms, budget};
use crate::account::AccountId;
use crate::error::LedgerError;
use crate::member::{self, Author, Right, Standing};
use crate::store::{Store, Txn};
use crate::trail::{self, What};

impl Store {
    /// Changes the terms of a key, and so of its whole lineage, all or none of them; gives back
    /// what they are now.
    pub fn change_key(
        &self,
        author: &Author,
        account: AccountId,
        id: &str,
        change: impl Fn(&mut Terms) + Sync,
    ) -> Result<Terms, LedgerError> {
        self.write(|txn| {
            let (key, _) = reached(txn, author, account, id)?;
            let mut terms = key.terms();
            change(&mut terms);
            terms.check()?;
            let (models, providers, requests, tokens, concurrency, expires_at, when_spent) =
                terms.limits.columns()?;
            txn.execute(
                "UPDATE api_key SET models = ?3, providers = ?4, requests_per_minute = ?5,
                     tokens_per_minute = ?6, concurrency = ?7, expires_at = ?8, name = ?9,
                     when_spent = ?10
                 WHERE account = ?1 AND lineage = ?2",
                &[
                    &account.0,
                    &key.lineage,
                    &models,
                    &providers,
                    &requests,
                    &tokens,
                    &concurrency,
                    &expires_at,
                    &terms.name,
                    &when_spent,
                ],
            )?;
            if terms.budget != key.budget {
                budget::put(txn, &key.lineage, terms.budget)?;
            }
            trail::note(txn, author, account, What::KeyChanged, id, &terms.noted())?;
            Ok(terms)
        })
    }

    /// Makes another secret for a key, as the operator: the same terms under a new id. The one
    /// before it goes on working for the overlap. The returned text is its only appearance.
    pub fn rotate_key(
        &self,
        account: AccountId,
        id: &str,
        overlap_seconds: i64,
        now: i64,
    ) -> Result<Key, LedgerError> {
        self.rotate_key_by(&Author::operator(now), account, id, overlap_seconds)
    }

    /// The same by any author: but whom it acts for, nobody is told its text.
    pub fn rotate_key_by(
        &self,
        author: &Author,
        account: AccountId,
        id: &str,
        overlap_seconds: i64,
    ) -> Result<Key, LedgerError> {
        let new = Key::generate()?;
        self.write(|txn| {
            let (old, standing) = reached(txn, author, account, id)?;
            let to_be_told = old.member.is_none() || standing.is(old.member.as_deref());
            if standing != Standing::Operator && !to_be_told {
                return Err(LedgerError::NotTheirs { id: old.id });
            }
            rotatable(&old, author.at)?;
            if standing != Standing::Operator {
                few_enough(txn, account, author.at)?;
            }
            let row = NewRow {
                key: &new,
                account,
                name: &old.name,
                lineage: &old.lineage,
                limits: &old.limits,
                member: old.member.as_deref(),
                now: author.at,
            };
            insert(txn, self.hasher(), &row)?;
            let retires_at = author.at.saturating_add(overlap_seconds.max(0));
            let replaced = "UPDATE api_key SET replaced_by = ?2, retires_at = ?3 WHERE id = ?1";
            txn.execute(replaced, &[&old.id, &new.id(), &retires_at])?;
            let detail = json!({ "replaced_by": new.id(), "retires_at": retires_at });
            trail::note(txn, author, account, What::KeyRotated, &old.id, &detail)
        })?;
        Ok(new)
    }

    /// Ends a key, as the operator; others of its lineage go on. Ending it again changes nothing:
    /// the first time stands.
    pub fn revoke_key(&self, account: AccountId, id: &str, now: i64) -> Result<(), LedgerError> {
        self.revoke_key_by(&Author::operator(now), account, id)
    }

    /// The same by any author.
    pub fn revoke_key_by(
        &self,
        author: &Author,
        account: AccountId,
        id: &str,
    ) -> Result<(), LedgerError> {
        self.write(|txn| {
            let (key, _) = reached(txn, author, account, id)?;
            if key.revoked_at.is_some() {
                return Ok(());
            }
            let ended = "UPDATE api_key SET revoked_at = ?2 WHERE id = ?1";
            txn.execute(ended, &[&id, &author.at])?;
            trail::note(txn, author, account, What::KeyRevoked, id, &json!({}))
        })
    }
}

/// The key of an account that an author who may is about to change.
fn reached(
    txn: Txn<'_>,
    author: &Author,
    account: AccountId,
    id: &str,
) -> Result<(KeyRecord, Standing), LedgerError> {
    let key = of_account(txn, account, id)?;
    let standing = author.standing(txn, account)?;
    if standing.is(key.member.as_deref()) {
        standing.must(Right::OwnKeys)?;
    } else {
        standing.must(Right::AllKeys)?;
        if let Some(role) = member::role_of(txn, key.member.as_deref())? {
            standing.must_reach(role)?;
        }
    }
    Ok((key, standing))
}

fn rotatable(key: &KeyRecord, now: i64) -> Result<(), LedgerError> {
    let id = key.id.clone();
    if let Some(by) = key.replaced_by.clone() {
        Err(LedgerError::KeyReplaced { id, by })
    } else if key.revoked_at.is_some() {
        Err(LedgerError::KeyEnded {
            id,
            how: "was revoked",
        })
    } else if key.limits.expires_at.is_some_and(|end| end <= now) {
        Err(LedgerError::KeyEnded {
            id,
            how: "has expired",
        })
    } else {
        Ok(())
    }
}
