//! Removing the oldest receipts, a chunk at a time.
//!
//! What goes is usage: whole transactions, from the oldest on, with the receipts and the entries
//! that are their legs. It is proved before it goes, and what each book has come to by then stays as
//! its opening. Credit stays. Rows that go are of the past: nobody who settles calls reads, locks or
//! writes them, and whoever else removes at the same time finds the openings moved.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::read::{DETAILS, RECEIPT, receipt_of};
use super::usage::Hour;
use super::write::Gone;
use super::{BATCH_MAX, Kept};
use crate::account::AccountId;
use crate::audit::{Chain, Halt, Walk, broken};
use crate::book::{Act, BookId, Op, Opening, Receipt, Status};
use crate::error::LedgerError;
use crate::store::{Row, Store, Txn, Value};

/// Numbers of receipts of one commit lie within so many: those that a commit may give in PostgreSQL.
const SPAN: i64 = 16_384;
const OLDEST: &str = "SELECT n, txn, at FROM receipt ORDER BY n LIMIT ?1";
const AROUND: &str = "SELECT n, txn, at FROM receipt WHERE n >= ?1 AND n <= ?2 ORDER BY n";
const NEWEST: &str = "SELECT coalesce(max(n), 0) FROM receipt";
const YOUNG: &str = "SELECT n FROM receipt WHERE at >= ?1 ORDER BY n LIMIT 1";
const LEGS: &str = "SELECT txn, book, seq, amount FROM entry WHERE txn = ?1";
const ALL_LEGS: &str = "SELECT txn, book, seq, amount FROM entry WHERE txn = ANY(?1)";

/// The oldest receipts, proved, and what their books have come to by then.
pub struct Removal {
    receipts: Vec<Receipt>,
    gone: Gone,
}

/// Receipts that may be removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removable {
    pub receipts: i64,
    /// When the first and the last of their calls were settled.
    pub oldest_at: i64,
    pub newest_at: i64,
}

/// What is looked at of each receipt to find out how far a removal goes.
struct Light {
    n: i64,
    txn: i64,
    at: i64,
}

impl Removal {
    /// What goes, in the order of arrival.
    #[must_use]
    pub fn receipts(&self) -> &[Receipt] {
        &self.receipts
    }
}

impl Store {
    /// How many receipts were settled before `before`, from the oldest on, and may be removed.
    pub fn removable(&self, before: i64) -> Result<Removable, LedgerError> {
        self.read_long(|txn| {
            let number = |sql, before: &[&dyn Value]| txn.one(sql, before, |row| row.get::<i64>(0));
            let newest = number(NEWEST, &[])?.unwrap_or_default();
            let stays = number(YOUNG, &[&before])?.unwrap_or(newest).min(newest);
            let (from, until) = (stays.saturating_sub(SPAN), stays.saturating_add(SPAN));
            let around = txn.rows(AROUND, &[&from, &until], light_of)?;
            let cuts = cuts(&around).into_iter();
            let lasts = cuts.filter_map(|cut| around.get(cut.checked_sub(1)?));
            let last = lasts.map(|row| row.n).filter(|n| *n < stays).max();
            let sql = "SELECT count(*), coalesce(min(at), 0), coalesce(max(at), 0)
                FROM receipt WHERE n <= ?1";
            let found = txn.one(sql, &[&last.unwrap_or_default()], |row| {
                Ok(Removable {
                    receipts: row.get(0)?,
                    oldest_at: row.get(1)?,
                    newest_at: row.get(2)?,
                })
            })?;
            Ok(found.unwrap_or_default())
        })
    }

    /// The next receipts that may be removed of those that were settled before `before`: about
    /// `most`, for transactions go whole. Nothing is changed yet.
    ///
    /// # Errors
    /// When the database cannot be read, or what would go does not hold.
    pub fn next_removal(&self, before: i64, most: usize) -> Result<Option<Removal>, LedgerError> {
        self.read_long(|txn| match plan(txn, before, most) {
            Ok(removal) => Ok(removal),
            Err(Halt::Broken(broken)) => Err(LedgerError::Unsound(broken)),
            Err(Halt::Ledger(error)) => Err(error),
        })
    }

    /// Removes what was looked for, in one commit. `false` where somebody else removed something
    /// meanwhile: then nothing has happened.
    ///
    /// # Errors
    /// When the database fails: then nothing has happened either.
    pub fn remove(&self, removal: &Removal) -> Result<bool, LedgerError> {
        let removed = self.write_beside(|txn| Kept(txn).put_gone(&removal.gone));
        match removed {
            Err(LedgerError::RemovedMeanwhile) => Ok(false),
            removed => removed.map(|()| true),
        }
    }

    /// The end of the last hour of which receipts are gone, of an account or of all; `None` where
    /// none is.
    pub fn gone_until(&self, account: Option<AccountId>) -> Result<Option<i64>, LedgerError> {
        let hour = self.read(|txn| match account {
            Some(account) => {
                let sql = "SELECT max(hour) FROM gone_hour WHERE account = ?1";
                txn.one(sql, &[&account.0], |row| row.get::<Option<i64>>(0))
            }
            None => txn.one("SELECT max(hour) FROM gone_hour", &[], |row| row.get(0)),
        })?;
        Ok(hour.flatten().map(|hour| hour.saturating_add(3_600)))
    }
}

fn light_of(row: &Row<'_>) -> Result<Light, LedgerError> {
    Ok(Light {
        n: row.get(0)?,
        txn: row.get(1)?,
        at: row.get(2)?,
    })
}

/// After how many of these receipts, in the order of their numbers, no transaction goes on.
fn cuts(rows: &[Light]) -> Vec<usize> {
    let last: HashMap<i64, i64> = rows.iter().map(|row| (row.txn, row.n)).collect();
    let (mut reach, mut count, mut cuts) = (0, 0_usize, Vec::new());
    for row in rows {
        count = count.saturating_add(1);
        reach = reach.max(last.get(&row.txn).copied().unwrap_or(row.n));
        if reach == row.n {
            cuts.push(count);
        }
    }
    cuts
}

/// The number of the last receipt that goes with the next chunk.
fn last(txn: Txn<'_>, before: i64, most: usize) -> Result<Option<i64>, LedgerError> {
    let span = usize::try_from(SPAN).unwrap_or(usize::MAX);
    let window = most.max(BATCH_MAX).saturating_add(span).saturating_add(1);
    let window = i64::try_from(window).unwrap_or(i64::MAX);
    let rows = txn.rows(OLDEST, &[&window], light_of)?;
    // It stays, so that numbers go on from it.
    let newest: i64 = txn.one(NEWEST, &[], |row| row.get(0))?.unwrap_or_default();
    let read = rows.last().map_or(0, |row| row.n);
    let goes = |row: &&Light| {
        let is_seen = read == newest || row.n.saturating_add(SPAN) <= read;
        row.at < before && row.n < newest && is_seen
    };
    let old = rows.iter().take_while(goes).count();
    let cuts: Vec<usize> = cuts(&rows).into_iter().filter(|cut| *cut <= old).collect();
    // A commit of more goes as a whole.
    let cut = cuts.iter().rev().find(|cut| **cut <= most).or(cuts.first());
    let row = cut.and_then(|cut| rows.get(cut.checked_sub(1)?));
    Ok(row.map(|row| row.n))
}

/// What a transaction costs and loses.
type Legs = BTreeMap<i64, (i128, i128)>;

fn plan(txn: Txn<'_>, before: i64, most: usize) -> Result<Option<Removal>, Halt> {
    let Some(last) = last(txn, before, most)? else {
        return Ok(None);
    };
    let sql = format!("SELECT {RECEIPT} FROM receipt WHERE n <= ?1 ORDER BY n");
    let found = txn.rows(&sql, &[&last], |row| {
        Ok((receipt_of(row)?, row.get::<Vec<u8>>(DETAILS)?))
    })?;
    let strays = stray_calls(txn)?;
    let mut walk = Walk::new(txn)?;
    let mut chains: BTreeMap<BookId, (Opening, Chain)> = BTreeMap::new();
    let (mut gone, mut legs) = (Gone::default(), Legs::new());
    let mut receipts = Vec::with_capacity(found.len());
    for (receipt, details) in found {
        let chain = match chains.entry(receipt.book()) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(place) => {
                let chain = Chain::of(txn, &receipt)?;
                place.insert((chain.place().clone(), chain))
            }
        };
        chain.1.enter(txn, &receipt, &details, |_| {})?;
        walk.prove(&receipt, chain.1.prepaid)?;
        let (cost, lost) = legs.entry(receipt.txn).or_default();
        *cost = cost.saturating_add(i128::from(receipt.cost.pico()));
        *lost = lost.saturating_add(i128::from(receipt.lost().pico()));
        gone.add(&receipt, &strays);
        receipts.push(receipt);
    }
    operators(txn, &legs, &mut chains)?;
    gone.txns = legs.into_keys().collect();
    gone.openings = chains
        .into_iter()
        .map(|(book, (from, chain))| (book, from, chain.place().clone()))
        .collect();
    Ok(Some(Removal { receipts, gone }))
}

/// Proves the operator's legs of transactions, and walks their books up to them.
fn operators(
    txn: Txn<'_>,
    legs: &Legs,
    chains: &mut BTreeMap<BookId, (Opening, Chain)>,
) -> Result<(), Halt> {
    let mut ends: BTreeMap<BookId, i64> = BTreeMap::new();
    let mut posted: BTreeMap<i64, [i128; 8]> = BTreeMap::new();
    for leg in entries_of(txn, legs.keys().copied().collect())? {
        let amounts = posted.entry(leg.txn).or_default();
        let kind = usize::try_from(leg.book.0.rem_euclid(8)).unwrap_or_default();
        if let Some(sum) = amounts.get_mut(kind) {
            *sum = sum.saturating_add(i128::from(leg.amount));
        }
        let end = ends.entry(leg.book).or_default();
        *end = leg.seq.max(*end);
    }
    for (n, (cost, lost)) in legs {
        // What is owed is posted as it is, what is lost below zero.
        let wanted = [0, 0, *cost, lost.saturating_neg(), 0, 0, 0, 0];
        if posted.get(n) != Some(&wanted) {
            let what = "its entries do not sum to zero with its receipts";
            return broken(1, format!("transaction {n}: {what}"));
        }
    }
    for (book, end) in ends {
        let Some(mut chain) = Chain::begin(txn, book)? else {
            return broken(1, format!("book {}: it is missing", book.0));
        };
        let from = chain.place().clone();
        let mut stays = None;
        chain.follow(txn, book, end.saturating_add(1), |met| {
            if met.id.is_none() && !legs.contains_key(&met.n) {
                stays = Some(met.n);
            }
        })?;
        if let Some(n) = stays {
            let what = "its receipts are younger than those of a later one of its book";
            return broken(1, format!("transaction {n}: {what}"));
        }
        chains.insert(book, (from, chain));
    }
    Ok(())
}

struct Leg {
    txn: i64,
    book: BookId,
    seq: i64,
    amount: i64,
}

fn entries_of(txn: Txn<'_>, txns: Vec<i64>) -> Result<Vec<Leg>, LedgerError> {
    let leg = |row: &Row<'_>| {
        Ok(Leg {
            txn: row.get(0)?,
            book: BookId(row.get(1)?),
            seq: row.get(2)?,
            amount: row.get(3)?,
        })
    };
    match txn {
        Txn::Sqlite(_) => {
            let mut legs = Vec::new();
            for n in txns {
                legs.extend(txn.rows(LEGS, &[&n], leg)?);
            }
            Ok(legs)
        }
        Txn::Postgres(session) => {
            let rows = session.rows(ALL_LEGS, &[&txns])?;
            rows.iter().map(|row| leg(&Row::Postgres(row))).collect()
        }
    }
}

/// The calls of all strays that are not dropped.
fn stray_calls(txn: Txn<'_>) -> Result<BTreeSet<String>, LedgerError> {
    let sql = "SELECT op FROM stray WHERE state <> 'dropped'";
    let calls = txn.rows(sql, &[], |row| {
        let op: Option<Op> = serde_json::from_str(row.text(0)?).ok();
        Ok(match op.map(|op| op.act) {
            Some(Act::Settle(settlement)) => Some(settlement.call),
            _ => None,
        })
    })?;
    Ok(calls.into_iter().flatten().collect())
}

impl Gone {
    fn add(&mut self, receipt: &Receipt, strays: &BTreeSet<String>) {
        let made = &receipt.settlement;
        self.receipts.push(receipt.n);
        let hour = Hour::<String>::of(made, receipt.at);
        self.hours.entry(hour).or_default().add(receipt);
        if receipt.spent.pico() > 0
            && let Some(hold) = &made.hold
        {
            let spent = self.leases.entry(hold.lease.clone()).or_default();
            *spent = spent.saturating_add(receipt.spent.pico());
        }
        // Settled by its last word: the journal that has the call may come back.
        if made.status == Status::Interrupted || strays.contains(&made.call) {
            self.calls.push(made.call.clone());
        }
    }
}
