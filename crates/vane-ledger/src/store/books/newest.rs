//! What the newest calls of an account were like: how many failed, and how long they took.
//!
//! One statement follows the chain of receipts from the newest on, so that it costs what it looks
//! at, however many there are. Times are exact: of all calls looked at, by nearest rank.

use super::read::unreadable;
use crate::account::AccountId;
use crate::book::{BookKind, Status, settlement_of};
use crate::error::LedgerError;
use crate::store::Store;

/// So many calls are looked at, at most.
pub const NEWEST_MAX: i64 = 1_000;

const CHAIN: &str = "WITH RECURSIVE newest (before, at, details) AS (
    SELECT r.before, r.at, r.details FROM book b JOIN receipt r ON r.n = b.receipt
    WHERE b.id = ?1 AND r.account = ?2
    UNION ALL
    SELECT r.before, r.at, r.details FROM newest c JOIN receipt r ON r.n = c.before
    WHERE r.account = ?2)
    SELECT at, details FROM newest LIMIT ?3";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Newest {
    pub calls: u64,
    /// That ended without their whole answer, and not because of their caller or its money.
    pub failed: u64,
    /// Of those that were done, in milliseconds.
    pub took_ms: Option<Spread>,
    pub first_content_ms: Option<Spread>,
}

/// A time that half of all stay within, and one that 95 of 100 do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    pub p50: u32,
    pub p95: u32,
}

impl Spread {
    fn of(mut times: Vec<u32>) -> Option<Self> {
        times.sort_unstable();
        let within = |percent: usize| {
            let rank = times.len().saturating_mul(percent).div_ceil(100);
            times.get(rank.checked_sub(1)?).copied()
        };
        Some(Self {
            p50: within(50)?,
            p95: within(95)?,
        })
    }
}

/// What is looked at of a call: how it ended, when its first content came, and how long it took.
type Seen = (Status, Option<u32>, u32);

impl Newest {
    fn of(calls: impl Iterator<Item = Seen>) -> Self {
        let mut newest = Self::default();
        let (mut took, mut first_content) = (Vec::new(), Vec::new());
        for (status, first, whole) in calls {
            newest.calls = newest.calls.saturating_add(1);
            match status {
                Status::Done => {
                    took.push(whole);
                    first_content.extend(first);
                }
                Status::Failed | Status::Interrupted => {
                    newest.failed = newest.failed.saturating_add(1);
                }
                Status::Stopped | Status::ClientGone => {}
            }
        }
        newest.took_ms = Spread::of(took);
        newest.first_content_ms = Spread::of(first_content);
        newest
    }
}

impl Store {
    /// Of the `count` newest calls of an account, and at most [`NEWEST_MAX`], those that were
    /// settled from `from` to before `until`, by one key or by all.
    pub fn newest(
        &self,
        account: AccountId,
        count: i64,
        key: Option<&str>,
        from: i64,
        until: i64,
    ) -> Result<Newest, LedgerError> {
        let book = BookKind::Customer.of(account.0).0;
        let count = count.clamp(0, NEWEST_MAX);
        let seen = self.read(|txn| {
            txn.rows(CHAIN, &[&book, &account.0, &count], |row| {
                let at: i64 = row.get(0)?;
                if at < from || at >= until {
                    return Ok(None);
                }
                let made = settlement_of(String::new(), account, row.bytes(1)?);
                let made = made.ok_or(unreadable("details of a receipt"))?;
                let is_wanted = key.is_none_or(|key| key == made.key);
                let seen = (made.status, made.first_content_ms(), made.took_ms);
                Ok(is_wanted.then_some(seen))
            })
        })?;
        Ok(Newest::of(seen.into_iter().flatten()))
    }
}
