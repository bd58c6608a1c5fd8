//! Keys in the database: make, find, list.
//!
//! A key is changed only through its account, so that an id learned elsewhere opens nothing.

use serde_json::{Value, json};
use vane_catalog::Money;

use super::{Key, LIMIT_COLUMNS, Limits, budget, text};
use crate::account::AccountId;
use crate::book::{Period, Refusal};
use crate::error::LedgerError;
use crate::member::{self, Author, Right, Standing};
use crate::name;
use crate::store::{Row, Store, Txn};
use crate::trail::{self, What};

/// Keys of an account that have not been revoked, nor replaced and their overlap over, beyond which
/// members make none. What expired counts: another expiry has it work again.
const KEYS_MAX: i64 = 1_000;
/// A list of a key, as its row has it.
const LIST_BYTES_MAX: usize = 4_096;

/// What the maker of a key decides.
#[derive(Clone, Debug, Default)]
pub struct NewKey {
    pub name: String,
    pub limits: Limits,
    /// What it may spend in each period; `None` sets no bound.
    pub budget: Option<(Money, Period)>,
    /// The id of the member that it acts for; `None` acts for nobody. What a member makes acts for
    /// that member or for nobody.
    pub member: Option<String>,
}

/// What of a key can be changed, and so of its whole lineage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub name: String,
    pub limits: Limits,
    pub budget: Option<(Money, Period)>,
}

/// What is known of a key after its text was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    pub id: String,
    pub account: AccountId,
    pub name: String,
    /// The id of the first key of its lineage: its own, until it is rotated.
    pub lineage: String,
    pub limits: Limits,
    pub budget: Option<(Money, Period)>,
    /// The id of the member that it acts for.
    pub member: Option<String>,
    pub created_at: i64,
    pub revoked_at: Option<i64>,
    /// The key that took its place.
    pub replaced_by: Option<String>,
    /// From this second on it is refused, because another key took its place.
    pub retires_at: Option<i64>,
}

impl KeyRecord {
    pub fn terms(&self) -> Terms {
        Terms {
            name: self.name.clone(),
            limits: self.limits.clone(),
            budget: self.budget,
        }
    }

    /// The key as lists show it: its public part only.
    pub fn masked(&self) -> String {
        text::masked(&self.id)
    }

    /// Whether a call with it is served.
    pub fn works_at(&self, now: i64) -> bool {
        let over = |end: Option<i64>| end.is_some_and(|end| end <= now);
        self.revoked_at.is_none() && !over(self.limits.expires_at) && !over(self.retires_at)
    }
}

/// One row, before it is written.
pub(super) struct NewRow<'a> {
    pub(super) key: &'a Key,
    pub(super) account: AccountId,
    pub(super) name: &'a str,
    pub(super) lineage: &'a str,
    pub(super) limits: &'a Limits,
    pub(super) member: Option<&'a str>,
    pub(super) now: i64,
}

impl Store {
    /// Makes a key, as the operator. The returned text is its only appearance: show it, then
    /// forget it.
    pub fn create_key(
        &self,
        account: AccountId,
        new: &NewKey,
        now: i64,
    ) -> Result<Key, LedgerError> {
        self.create_key_by(&Author::operator(now), account, new)
    }

    /// The same by any author.
    pub fn create_key_by(
        &self,
        author: &Author,
        account: AccountId,
        new: &NewKey,
    ) -> Result<Key, LedgerError> {
        let terms = Terms {
            name: new.name.clone(),
            limits: new.limits.clone(),
            budget: new.budget,
        };
        terms.check()?;
        let key = Key::generate()?;
        self.write(|txn| {
            let member = match author.standing(txn, account)? {
                Standing::Operator => match &new.member {
                    Some(id) => Some(member::of_account(txn, account, id)?.id),
                    None => None,
                },
                standing @ Standing::Member { .. } => {
                    let right = match new.member {
                        Some(_) => Right::OwnKeys,
                        None => Right::AllKeys,
                    };
                    standing.must(right)?;
                    few_enough(txn, account, author.at)?;
                    standing.member().filter(|_| new.member.is_some())
                }
            };
            let row = NewRow {
                key: &key,
                account,
                name: &terms.name,
                lineage: key.id(),
                limits: &terms.limits,
                member: member.as_deref(),
                now: author.at,
            };
            insert(txn, self.hasher(), &row)?;
            budget::put(txn, key.id(), terms.budget)?;
            let mut detail = terms.noted();
            detail["member"] = member.into();
            trail::note(txn, author, account, What::KeyMade, key.id(), &detail)
        })?;
        Ok(key)
    }

    /// All keys of an account, revoked ones too, oldest first.
    pub fn list_keys(&self, account: AccountId) -> Result<Vec<KeyRecord>, LedgerError> {
        let sql = select("k.account = ?1 ORDER BY k.created_at, k.id");
        self.read(|txn| txn.rows(&sql, &[&account.0], record_of))
    }

    /// All keys that fall to a model when their budget is spent, of a database that is there: it is
    /// neither made nor changed.
    pub fn peek_falling(url: &str) -> Result<Vec<KeyRecord>, LedgerError> {
        let sql = select("k.when_spent IS NOT NULL ORDER BY k.created_at, k.id");
        let keys = Self::peek(url, |txn| txn.rows(&sql, &[], record_of))?;
        Ok(keys.unwrap_or_default())
    }

    /// So many keys of an account, oldest first, after the one of an id.
    pub fn keys_after(
        &self,
        account: AccountId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<KeyRecord>, LedgerError> {
        let sql = select(
            "k.account = ?1 AND (CAST(?2 AS TEXT) IS NULL OR (k.created_at, k.id) >
                 (SELECT o.created_at, o.id FROM api_key o WHERE o.id = ?2 AND o.account = ?1))
             ORDER BY k.created_at, k.id LIMIT ?3",
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|txn| txn.rows(&sql, &[&account.0, &after, &limit], record_of))
    }

    /// The oldest key of a name that acts for a member and works.
    pub fn working_key(
        &self,
        account: AccountId,
        member: &str,
        name: &str,
        now: i64,
    ) -> Result<Option<KeyRecord>, LedgerError> {
        let sql = select(
            "k.member = ?2 AND k.account = ?1 AND k.name = ?3 AND k.revoked_at IS NULL
                 AND (k.retires_at IS NULL OR k.retires_at > ?4)
                 AND (k.expires_at IS NULL OR k.expires_at > ?4)
             ORDER BY k.created_at, k.id LIMIT 1",
        );
        self.read(|txn| txn.one(&sql, &[&account.0, &member, &name, &now], record_of))
    }

    /// A key by its id, whoever's it is.
    pub fn find_key(&self, id: &str) -> Result<Option<KeyRecord>, LedgerError> {
        self.read(|txn| txn.one(&select("k.id = ?1"), &[&id], record_of))
    }
}

impl Terms {
    pub(super) fn check(&self) -> Result<(), LedgerError> {
        name::check("the name of a key", &self.name)?;
        let (models, providers, ..) = self.limits.columns()?;
        for (what, list) in [
            ("the list of models", models),
            ("the list of providers", providers),
        ] {
            // Every process has it in memory.
            if list.is_some_and(|list| list.len() > LIST_BYTES_MAX) {
                let problem = "must take at most 4,096 bytes; allow fewer, or all";
                return Err(LedgerError::Name { what, problem });
            }
        }
        match self.budget {
            Some((amount, _)) if amount < Money::ZERO => {
                Err(LedgerError::Refused(Refusal::NotPositive))
            }
            _ => Ok(()),
        }
    }

    /// As the trail has them.
    pub(super) fn noted(&self) -> Value {
        let budget = |(amount, period): (Money, Period)| json!({ "amount": amount.to_string(), "period": period.as_str() });
        json!({
            "name": self.name,
            "budget": self.budget.map(budget),
            "models": self.limits.models,
            "providers": self.limits.providers,
            "requests_per_minute": self.limits.requests_per_minute,
            "tokens_per_minute": self.limits.tokens_per_minute,
            "concurrency": self.limits.concurrency,
            "expires_at": self.limits.expires_at,
            "when_spent": self.limits.when_spent,
        })
    }
}

/// Whether members may make one more key of an account.
pub(super) fn few_enough(txn: Txn<'_>, account: AccountId, now: i64) -> Result<(), LedgerError> {
    let sql = "SELECT count(*) FROM api_key
        WHERE account = ?1 AND revoked_at IS NULL AND (retires_at IS NULL OR retires_at > ?2)";
    let keys: i64 = txn
        .one(sql, &[&account.0, &now], |row| row.get(0))?
        .unwrap_or_default();
    match keys < KEYS_MAX {
        true => Ok(()),
        false => Err(LedgerError::TooMany {
            what: "keys",
            max: KEYS_MAX,
        }),
    }
}

/// The statement that finds records by a condition.
fn select(condition: &str) -> String {
    format!(
        "SELECT k.id, k.account, k.name, k.lineage, k.created_at, k.revoked_at,
                k.replaced_by, k.retires_at, b.amount, b.period, k.member, {LIMIT_COLUMNS}
         FROM api_key k LEFT JOIN budget b ON b.key = k.lineage WHERE {condition}"
    )
}

/// The key of an account, in a transaction that is about to change it.
pub(super) fn of_account(
    txn: Txn<'_>,
    account: AccountId,
    id: &str,
) -> Result<KeyRecord, LedgerError> {
    let sql = select("k.id = ?1 AND k.account = ?2");
    txn.one(&sql, &[&id, &account.0], record_of)?
        .ok_or_else(|| LedgerError::NoSuchKey { id: id.to_owned() })
}

pub(super) fn insert(
    txn: Txn<'_>,
    hasher: &super::KeyHasher,
    row: &NewRow<'_>,
) -> Result<(), LedgerError> {
    let (models, providers, requests, tokens, concurrency, expires_at, when_spent) =
        row.limits.columns()?;
    // Selecting the account makes an unknown one zero rows, not a constraint to decipher.
    let made = txn.execute(
        "INSERT INTO api_key (id, account, name, hash, lineage, created_at, models, providers,
             requests_per_minute, tokens_per_minute, concurrency, expires_at, when_spent, member)
         SELECT ?1, id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14
         FROM account WHERE id = ?2",
        &[
            &row.key.id(),
            &row.account.0,
            &row.name,
            &hasher.hash(row.key).as_ref(),
            &row.lineage,
            &row.now,
            &models,
            &providers,
            &requests,
            &tokens,
            &concurrency,
            &expires_at,
            &when_spent,
            &row.member,
        ],
    )?;
    if made == 0 {
        Err(LedgerError::NoSuchAccount(row.account))
    } else {
        Ok(())
    }
}

fn record_of(row: &Row<'_>) -> Result<KeyRecord, LedgerError> {
    Ok(KeyRecord {
        id: row.get(0)?,
        account: AccountId(row.get(1)?),
        name: row.get(2)?,
        lineage: row.get(3)?,
        created_at: row.get(4)?,
        revoked_at: row.get(5)?,
        replaced_by: row.get(6)?,
        retires_at: row.get(7)?,
        budget: budget::read(row.get(8)?, row.get(9)?)?,
        member: row.get(10)?,
        limits: Limits::read(row, 11)?,
    })
}
