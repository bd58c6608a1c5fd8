//! What becomes of a key: other limits, another secret, its end.

use super::record::{NewRow, insert, of_account};
use super::{Key, Limits};
use crate::account::AccountId;
use crate::error::LedgerError;
use crate::store::Store;

impl Store {
    /// Changes the limits of a key, and so of its whole lineage; gives back what they are now.
    pub fn update_key(
        &self,
        account: AccountId,
        id: &str,
        change: impl Fn(&mut Limits) + Sync,
    ) -> Result<Limits, LedgerError> {
        self.write(|txn| {
            let key = of_account(txn, account, id)?;
            let mut limits = key.limits;
            change(&mut limits);
            let (models, providers, requests, tokens, concurrency, expires_at, when_spent) =
                limits.columns()?;
            txn.execute(
                "UPDATE api_key SET models = ?3, providers = ?4, requests_per_minute = ?5,
                     tokens_per_minute = ?6, concurrency = ?7, expires_at = ?8, when_spent = ?9
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
                    &when_spent,
                ],
            )?;
            Ok(limits)
        })
    }

    /// Makes another secret for a key: the same name, limits and budget under a new id. The one
    /// before it goes on working for the overlap. The returned text is its only appearance.
    pub fn rotate_key(
        &self,
        account: AccountId,
        id: &str,
        overlap_seconds: i64,
        now: i64,
    ) -> Result<Key, LedgerError> {
        let new = Key::generate()?;
        self.write(|txn| {
            let old = of_account(txn, account, id)?;
            let ended = |how| LedgerError::KeyEnded {
                id: old.id.clone(),
                how,
            };
            if let Some(by) = old.replaced_by {
                return Err(LedgerError::KeyReplaced { id: old.id, by });
            }
            if old.revoked_at.is_some() {
                return Err(ended("was revoked"));
            }
            if old.limits.expires_at.is_some_and(|end| end <= now) {
                return Err(ended("has expired"));
            }
            let row = NewRow {
                key: &new,
                account,
                name: &old.name,
                lineage: &old.lineage,
                limits: &old.limits,
                now,
            };
            insert(txn, self.hasher(), &row)?;
            txn.execute(
                "UPDATE api_key SET replaced_by = ?2, retires_at = ?3 WHERE id = ?1",
                &[
                    &old.id,
                    &new.id(),
                    &now.saturating_add(overlap_seconds.max(0)),
                ],
            )?;
            Ok(())
        })?;
        Ok(new)
    }

    /// Ends a key; others of its lineage go on. Ending it again changes nothing: the first time
    /// stands.
    pub fn revoke_key(&self, account: AccountId, id: &str, now: i64) -> Result<(), LedgerError> {
        self.write(|txn| {
            let found = txn.execute(
                "UPDATE api_key SET revoked_at = coalesce(revoked_at, ?3)
                 WHERE id = ?1 AND account = ?2",
                &[&id, &account.0, &now],
            )?;
            if found == 0 {
                Err(LedgerError::NoSuchKey { id: id.to_owned() })
            } else {
                Ok(())
            }
        })
    }
}
