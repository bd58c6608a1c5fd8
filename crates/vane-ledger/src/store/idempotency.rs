//! Uses of idempotency keys: a repeat of a call is neither run nor billed again.
//!
//! The first call with a key makes a row of its account, which lives for a day: in flight, then
//! answered, or answered with too much to keep. A call that failed takes its row away. Keys and
//! requests are stored as keyed hashes, answers sealed for their account and key. Of each account so
//! many keys are in use and so many bytes are kept, which triggers count: beyond, the oldest answers
//! give way, and their calls are still not run again.

use aws_lc_rs::hmac;

use super::{Row, Store, Txn, Value};
use crate::account::AccountId;
use crate::error::LedgerError;
use crate::secret::Purpose;

/// Answers are kept for so long after their call began.
const KEPT_SECONDS: i64 = 24 * 60 * 60;
const USES: &str = "keys of this account in use";
/// Rows of one step of forgetting.
pub(crate) const FORGOTTEN_AT_ONCE: usize = 64;

/// A call that is to run once, however often it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Repeatable<'a> {
    pub account: AccountId,
    /// As the caller sent it.
    pub key: &'a str,
    /// All that makes another request of it.
    pub request: &'a [&'a [u8]],
    pub call: &'a str,
    pub instance: i64,
    pub at: i64,
    /// A call that began before cannot be running any more.
    pub running_since: i64,
    pub room: Room,
}

/// What of uses and answers there may be for one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub uses_max: i64,
    /// Of answers, sealed.
    pub bytes_max: i64,
}

/// What the use of a key comes to.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody used it: the call runs.
    First(Use),
    InFlight,
    /// It stands for another request.
    OfAnother,
    /// It was answered, and the answer is not kept: it is too large, or gave way to others.
    NotKept {
        call: String,
    },
    /// No more keys of the account may be used for now.
    Full,
    Answered {
        call: String,
        answer: Vec<u8>,
    },
}

/// The use of a key, in the hand of the call that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    account: AccountId,
    key: [u8; 32],
    call: String,
    bytes_max: i64,
}

impl Store {
    /// Uses a key, or says what became of its first use; durable when it returns.
    pub fn claim(&self, asked: &Repeatable<'_>) -> Result<Claim, LedgerError> {
        let hasher = hmac::Key::new(hmac::HMAC_SHA256, &self.derive(Purpose::Request)?);
        let mine = Use {
            account: asked.account,
            key: hash(&hasher, &[b"key", asked.key.as_bytes()]),
            call: asked.call.to_owned(),
            bytes_max: asked.room.bytes_max,
        };
        let fingerprint = hash(&hasher, asked.request);
        let found = self.write_beside(|txn| {
            let (account, key) = (mine.account.0, mine.key.as_slice());
            let outdated = "DELETE FROM idempotency WHERE account = ?1 AND key = ?2
                AND (begun_at <= ?3 OR (state = 'in_flight' AND begun_at < ?4))";
            let gone = asked.at.saturating_sub(KEPT_SECONDS);
            txn.execute(outdated, &[&account, &key, &gone, &asked.running_since])?;
            let first = "INSERT INTO idempotency
                (account, key, fingerprint, call, instance, state, begun_at)
                VALUES (?1, ?2, ?3, ?4, ?5, 'in_flight', ?6) ON CONFLICT DO NOTHING";
            let made = txn.execute(
                first,
                &[
                    &account,
                    &key,
                    &fingerprint.as_slice(),
                    &mine.call,
                    &asked.instance,
                    &asked.at,
                ],
            )?;
            if made == 1 {
                let uses = kept(
                    txn,
                    asked.account,
                    "SELECT uses FROM kept WHERE account = ?1",
                )?;
                return match uses <= asked.room.uses_max {
                    true => Ok(None),
                    // An error, so that the row goes again.
                    false => Err(LedgerError::TooMany {
                        what: USES,
                        max: asked.room.uses_max,
                    }),
                };
            }
            let sql = "SELECT fingerprint, call, state, answer FROM idempotency
                WHERE account = ?1 AND key = ?2";
            let found = txn.one(sql, &[&account, &key], Found::read)?;
            // Taken back since: it is there to be used again.
            found.map(Some).ok_or(LedgerError::Contended)
        });
        let found = match found {
            Err(LedgerError::TooMany { .. }) => return Ok(Claim::Full),
            found => found?,
        };
        match found {
            None => Ok(Claim::First(mine)),
            Some(found) if found.fingerprint != fingerprint => Ok(Claim::OfAnother),
            Some(found) => self.became(&mine, found),
        }
    }

    fn became(&self, asked: &Use, found: Found) -> Result<Claim, LedgerError> {
        let call = found.call;
        Ok(match (found.state.as_str(), found.answer) {
            ("in_flight", _) => Claim::InFlight,
            ("too_large", _) => Claim::NotKept { call },
            (_, answer) => {
                let sealed = String::from_utf8(answer.unwrap_or_default());
                let sealed = sealed.map_err(|_| LedgerError::NotSealed)?;
                let sealer = self.sealer(Purpose::Idempotency)?;
                let answer = sealer.open(&sealed, &asked.bound_to())?;
                Claim::Answered { call, answer }
            }
        })
    }

    /// Keeps the answer of a call, or that it was too large to be kept; durable when it returns.
    pub fn keep_answer(&self, of: &Use, answer: Option<&[u8]>) -> Result<(), LedgerError> {
        let sealer = self.sealer(Purpose::Idempotency)?;
        let sealed = answer.map(|answer| sealer.seal(answer, &of.bound_to()));
        let sealed = sealed.transpose()?.map(String::into_bytes);
        let state = if sealed.is_some() {
            "answered"
        } else {
            "too_large"
        };
        let sql = "UPDATE idempotency SET state = ?4, answer = ?5
            WHERE account = ?1 AND key = ?2 AND call = ?3 AND state = 'in_flight'";
        self.write_beside(|txn| {
            let (account, key) = (of.account.0, of.key.as_slice());
            run(txn, sql, &[&account, &key, &of.call, &state, &sealed])?;
            give_way(txn, of)
        })
    }

    /// Takes a use back: the call has no answer, and a repeat runs.
    pub fn release(&self, of: &Use) -> Result<(), LedgerError> {
        let sql = "DELETE FROM idempotency
            WHERE account = ?1 AND key = ?2 AND call = ?3 AND state = 'in_flight'";
        self.write_beside(|txn| {
            let (account, key) = (of.account.0, of.key.as_slice());
            run(txn, sql, &[&account, &key, &of.call])
        })
    }

    /// Forgets some of what was kept for long enough; says how many.
    pub(crate) fn forget_answers(&self, now: i64) -> Result<usize, LedgerError> {
        let sql = "DELETE FROM idempotency WHERE (account, key) IN (
            SELECT account, key FROM idempotency WHERE begun_at <= ?1 ORDER BY begun_at LIMIT ?2)";
        let most = i64::try_from(FORGOTTEN_AT_ONCE).unwrap_or(i64::MAX);
        let gone = now.saturating_sub(KEPT_SECONDS);
        let forgotten = self.write_beside(|txn| txn.execute(sql, &[&gone, &most]))?;
        Ok(usize::try_from(forgotten).unwrap_or(usize::MAX))
    }
}

impl Use {
    /// What an answer is sealed for: a row that is moved does not open.
    fn bound_to(&self) -> [u8; 40] {
        let mut bound = [0; 40];
        let parts = self.account.0.to_be_bytes().into_iter().chain(self.key);
        for (at, byte) in bound.iter_mut().zip(parts) {
            *at = byte;
        }
        bound
    }
}

struct Found {
    fingerprint: [u8; 32],
    call: String,
    state: String,
    answer: Option<Vec<u8>>,
}

impl Found {
    fn read(row: &Row<'_>) -> Result<Self, LedgerError> {
        Ok(Self {
            fingerprint: row.hash(0)?,
            call: row.get(1)?,
            state: row.get(2)?,
            answer: row.get(3)?,
        })
    }
}

/// Lets the oldest answers of an account go until all that are left have room.
fn give_way(txn: Txn<'_>, newest: &Use) -> Result<(), LedgerError> {
    let oldest = "UPDATE idempotency SET state = 'too_large', answer = NULL
        WHERE account = ?1 AND key IN (SELECT key FROM idempotency
            WHERE account = ?1 AND state = 'answered' AND key <> ?2 ORDER BY begun_at, key LIMIT 8)";
    let bytes = "SELECT bytes FROM kept WHERE account = ?1";
    while kept(txn, newest.account, bytes)? > newest.bytes_max {
        let gone = txn.execute(oldest, &[&newest.account.0, &newest.key.as_slice()])?;
        if gone == 0 {
            break;
        }
    }
    Ok(())
}

fn kept(txn: Txn<'_>, account: AccountId, sql: &str) -> Result<i64, LedgerError> {
    Ok(txn
        .one(sql, &[&account.0], |row| row.get(0))?
        .unwrap_or_default())
}

fn run(txn: Txn<'_>, sql: &str, values: &[&dyn Value]) -> Result<(), LedgerError> {
    txn.execute(sql, values).map(drop)
}

/// Of all parts, each with its length, so that no two lists of parts look the same.
fn hash(hasher: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut signing = hmac::Context::with_key(hasher);
    for part in parts {
        signing.update(&(part.len() as u64).to_be_bytes());
        signing.update(part);
    }
    let mut hash = [0; 32];
    for (at, byte) in hash.iter_mut().zip(signing.sign().as_ref()) {
        *at = *byte;
    }
    hash
}
