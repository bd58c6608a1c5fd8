//! Money that one replica lacks while others have it to spare.
//!
//! Who is refused recalls the account: a number, higher than all before, in one row. The others look
//! for new numbers a few times a second while they are lent anything, return what nobody holds, and
//! then say up to which number they have done so. Recalls are committed one at a time, so that who
//! has seen one has seen all before it. In SQLite there is nobody to ask.

use vane_catalog::Money;

use super::instance::NOW;
use super::{Life, Store};
use crate::account::AccountId;
use crate::error::LedgerError;

/// What living others are lent of an account, or of a key's budget, and have not spent.
const OTHERS: &str = "SELECT l.amount - l.spent FROM lease l JOIN instance i ON i.id = l.instance
    WHERE l.account = ?1 AND (?2 = '' OR l.key = ?2) AND l.state = 'open' AND l.instance <> ?3
    AND i.lease_until >= ";
const RECALL: &str = "INSERT INTO recall (account, n)
    SELECT CAST(?1 AS BIGINT), coalesce(max(n), 0) + 1 FROM recall WHERE true
    ON CONFLICT (account) DO UPDATE SET n = excluded.n RETURNING n";
const BEHIND: &str = "SELECT 1 FROM lease l JOIN instance i ON i.id = l.instance
    WHERE l.account = ?1 AND l.state = 'open' AND l.amount > l.spent AND l.instance <> ?2
    AND i.recalled < ?3 AND i.lease_until >= ";

impl Store {
    /// Asks for what others have to spare of an account. `None` where that cannot be as much as is
    /// `lacking`, of the account or of the key's budget.
    pub(crate) fn recall(
        &self,
        life: &Life,
        account: AccountId,
        key: Option<&str>,
        lacking: Money,
    ) -> Result<Option<i64>, LedgerError> {
        if !self.is_shared() {
            return Ok(None);
        }
        let sql = format!("{OTHERS}{NOW}");
        let (key, me) = (key.unwrap_or_default(), life.instance);
        let others = self.read(|txn| {
            txn.rows(&sql, &[&account.0, &key, &me], |row| {
                Ok(Money::from_pico(row.get(0)?))
            })
        })?;
        if Money::checked_sum(others).is_some_and(|others| others < lacking) {
            return Ok(None);
        }
        self.write(|txn| txn.one(RECALL, &[&account.0], |row| row.get(0)))
    }

    /// The accounts that were recalled after a number, each with its own.
    pub(crate) fn recalls(&self, after: i64) -> Result<Vec<(AccountId, i64)>, LedgerError> {
        let sql = "SELECT account, n FROM recall WHERE n > ?1";
        self.read(|txn| {
            txn.rows(sql, &[&after], |row| {
                Ok((AccountId(row.get(0)?), row.get(1)?))
            })
        })
    }

    /// All recalls up to a number are heeded: what nobody held by then is returned.
    pub(crate) fn heed(&self, life: &Life, n: i64) -> Result<(), LedgerError> {
        let sql = "UPDATE instance SET recalled = ?3 WHERE id = ?1 AND epoch = ?2";
        self.write_beside(|txn| txn.execute(sql, &[&life.instance, &life.epoch, &n]))?;
        Ok(())
    }

    /// Whether everyone who lives and is lent something of the account has heeded the recall.
    pub(crate) fn is_heeded(
        &self,
        life: &Life,
        account: AccountId,
        n: i64,
    ) -> Result<bool, LedgerError> {
        let sql = format!("{BEHIND}{NOW} LIMIT 1");
        let (account, me) = (account.0, life.instance);
        let behind = self.read(|txn| txn.one(&sql, &[&account, &me, &n], |_| Ok(())))?;
        Ok(behind.is_none())
    }
}
