//! One commit of the books: what it needs is read once, what changes is written once.
//!
//! Settlements go through it; of thousands an hour few touch a row that no other touched. All else
//! that happens to money is rare: for it what has changed is written out first, so that it reads
//! and writes the tables themselves.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use super::Kept;
use super::usage::{Hour, Sums};
use super::write::Receipts;
use crate::account::AccountId;
use crate::book::{
    Act, Attempt, Book, BookId, BookKind, Lent, Lot, Op, Outcome, Refusal, Row, Rows, Settled,
    Settlement, Side, Till, decide, gather, settle, well_formed,
};
use crate::error::LedgerError;

/// Prices that stand in the table of rates, by a keyed hash of what they belong to.
#[derive(Default)]
pub(crate) struct Prices {
    known: HashSet<u64>,
    keys: RandomState,
}

impl Prices {
    /// What was learned in a transaction that failed is not so.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
    }

    /// Whether these are new. They are known from now on.
    fn are_new(&mut self, attempt: &Attempt) -> bool {
        const KNOWN_MAX: usize = 1 << 16;
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        let prices = attempt.lines.iter().map(|line| (&line.bucket, line.price));
        let prices: [Option<_>; 8] = {
            let mut prices = prices.fuse();
            std::array::from_fn(|_| prices.next())
        };
        let of = (&attempt.provider, &attempt.model, &attempt.rate_version);
        attempt.lines.len() > 8 || self.known.insert(self.keys.hash_one((of, prices)))
    }
}

/// A row as it is now; `changed` says that the table does not know yet.
struct Cached<T> {
    row: T,
    changed: bool,
}

impl<T> From<T> for Cached<T> {
    fn from(row: T) -> Self {
        let changed = false;
        Self { row, changed }
    }
}

pub(super) struct Batch<'t, 'p> {
    kept: Kept<'t>,
    prices: &'p mut Prices,
    receipts: Receipts<'t>,
    books: HashMap<BookId, Cached<Book>>,
    leases: HashMap<String, Option<Cached<Lent>>>,
    lots: HashMap<AccountId, Vec<Cached<Lot>>>,
    hours: HashMap<Hour, Sums>,
    /// The operator's side of usage by instance, with the number of its transaction once it has one.
    sides: BTreeMap<i64, (Option<i64>, Side)>,
    /// The last numbers given.
    receipt: i64,
    txn: i64,
}

impl<'t, 'p> Batch<'t, 'p> {
    /// `ops` are those that it will be of.
    pub(super) fn new(
        kept: Kept<'t>,
        prices: &'p mut Prices,
        ops: &[Op],
    ) -> Result<Self, LedgerError> {
        let locked = kept.lock(ops)?;
        // After the locks: the receipts of an account are numbered in the order of its chain.
        let (receipt, txn) = kept.numbers()?;
        let mut batch = Self {
            receipts: Receipts::new(kept, locked.as_ref())?,
            prices,
            books: HashMap::new(),
            leases: HashMap::new(),
            lots: HashMap::new(),
            hours: HashMap::new(),
            sides: BTreeMap::new(),
            receipt,
            txn,
            kept,
        };
        let Some(locked) = locked else {
            return Ok(batch);
        };
        let leases = locked.leases.into_iter();
        batch.leases = leases
            .map(|(id, lent)| (id, lent.map(Cached::from)))
            .collect();
        for op in ops {
            let sides = &mut batch.sides;
            sides.entry(op.instance).or_insert_with(|| {
                let book = |kind: BookKind| locked.books.get(&kind.of(op.instance)).cloned();
                let loss = book(BookKind::OperatorLoss);
                (
                    None,
                    Side::new(op.instance, book(BookKind::ProviderPayable), loss),
                )
            });
        }
        for book in locked.books.into_values() {
            if book.promotional.pico() > 0 {
                let account = AccountId(book.owner);
                let lots = kept.lots(account)?.into_iter();
                batch.lots.insert(account, lots.map(Cached::from).collect());
            }
            if book.kind == BookKind::Customer {
                batch.books.insert(book.id(), book.into());
            }
        }
        Ok(batch)
    }

    pub(super) fn apply(&mut self, op: &Op) -> Result<Result<Outcome, Refusal>, LedgerError> {
        let Act::Settle(settlement) = &op.act else {
            return self.decide(op);
        };
        let said = self.settle(op, settlement)?;
        // Whatever else is the matter with it: what is settled is settled.
        if said.is_err() && self.receipts.has(&settlement.call)? {
            return Ok(Err(Refusal::Repeated));
        }
        Ok(said)
    }

    fn decide(&mut self, op: &Op) -> Result<Result<Outcome, Refusal>, LedgerError> {
        self.write_out()?;
        let facts = gather(&self.kept, op, self.txn.saturating_add(1))?;
        let (outcome, rows) = match decide(op, facts) {
            Ok(decision) => decision,
            Err(refusal) => return Ok(Err(refusal)),
        };
        for row in &rows {
            self.kept.put(row)?;
            match row {
                Row::Book(book) => drop(self.books.remove(&book.id())),
                Row::Lease(lent) => drop(self.leases.remove(&lent.id)),
                Row::Lot(lot) => drop(self.lots.remove(&lot.account)),
                Row::Txn(txn) => self.txn = txn.n,
                Row::Budget(_) | Row::NoBudget(_) | Row::TopUp(_) => {}
            }
        }
        Ok(Ok(outcome))
    }

    fn settle(
        &mut self,
        op: &Op,
        settlement: &Settlement,
    ) -> Result<Result<Outcome, Refusal>, LedgerError> {
        if let Err(refusal) = well_formed(op) {
            return Ok(Err(refusal));
        }
        self.load(op, settlement)?;
        let Some(customer) = self.books.get(&BookKind::Customer.of(settlement.account.0)) else {
            return Ok(Err(Refusal::NoSuchAccount));
        };
        let Some((txn, side)) = self.sides.get_mut(&op.instance) else {
            return Ok(Err(Refusal::Malformed));
        };
        let lease = settlement.hold.as_ref();
        let lease = lease.and_then(|hold| self.leases.get(&hold.lease));
        let lots = self.lots.get(&settlement.account);
        let lots: Vec<Lot> = lots
            .into_iter()
            .flatten()
            .map(|lot| lot.row.clone())
            .collect();
        let till = Till {
            customer: &customer.row,
            lease: lease.and_then(|lease| Some(&lease.as_ref()?.row)),
            lots: &lots,
            side,
            receipt: self.receipt.saturating_add(1),
            txn: txn.unwrap_or(self.txn.saturating_add(1)),
        };
        let settled = match settle(op, settlement, &till) {
            Ok(settled) => settled,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if !self.receipts.enter(&settled)? {
            return Ok(Err(Refusal::Repeated));
        }
        if let Err(refusal) = side.take(&settled.receipt) {
            return Err(LedgerError::Refused(refusal));
        }
        *txn = Some(settled.receipt.txn);
        self.txn = self.txn.max(settled.receipt.txn);
        let outcome = settled.outcome();
        self.remember(settled)?;
        Ok(Ok(outcome))
    }

    /// Reads what a settlement depends on, as far as it is not here yet.
    fn load(&mut self, op: &Op, settlement: &Settlement) -> Result<(), LedgerError> {
        let account = settlement.account;
        let id = BookKind::Customer.of(account.0);
        if !self.books.contains_key(&id) {
            let Some(book) = self.kept.book(id)? else {
                return Ok(());
            };
            if book.promotional.pico() > 0 && !self.lots.contains_key(&account) {
                let lots = self.kept.lots(account)?.into_iter();
                self.lots.insert(account, lots.map(Cached::from).collect());
            }
            self.books.insert(id, book.into());
        }
        if let Some(hold) = &settlement.hold
            && !self.leases.contains_key(&hold.lease)
        {
            let lent = self.kept.lease(&hold.lease)?.map(Cached::from);
            self.leases.insert(hold.lease.clone(), lent);
        }
        if !self.sides.contains_key(&op.instance) {
            let book = |kind: BookKind| self.kept.book(kind.of(op.instance));
            let payable = book(BookKind::ProviderPayable)?;
            let side = Side::new(op.instance, payable, book(BookKind::OperatorLoss)?);
            self.sides.insert(op.instance, (None, side));
        }
        Ok(())
    }

    /// What was settled holds for the settlements after it.
    fn remember(&mut self, settled: Settled<'_>) -> Result<(), LedgerError> {
        let receipt = &settled.receipt;
        let settlement = receipt.settlement;
        self.receipt = receipt.n;
        for attempt in &settlement.attempts {
            if self.prices.are_new(attempt) {
                self.kept.put_prices(attempt)?;
            }
        }
        if receipt.spent.pico() > 0
            && let Some(hold) = &settlement.hold
            && let Some(Some(lent)) = self.leases.get_mut(&hold.lease)
        {
            let spent = lent.row.spent.checked_add(receipt.spent);
            lent.row.spent = spent.ok_or(LedgerError::Refused(Refusal::TooLarge))?;
            lent.changed = true;
        }
        if let Some(lots) = self.lots.get_mut(&settlement.account) {
            for changed in settled.lots {
                if let Some(lot) = lots.iter_mut().find(|lot| lot.row.id == changed.id) {
                    lot.row = changed;
                    lot.changed = true;
                }
            }
        }
        self.hours
            .entry(Hour::of(receipt))
            .or_default()
            .add(receipt);
        let changed = true;
        let row = settled.customer;
        self.books.insert(row.id(), Cached { row, changed });
        Ok(())
    }

    /// Tells the tables all that has changed.
    fn write_out(&mut self) -> Result<(), LedgerError> {
        fn changed<T>(cached: &mut Cached<T>) -> Option<&T> {
            std::mem::take(&mut cached.changed).then_some(&cached.row)
        }
        self.receipts.write_out()?;
        let books = self.books.values_mut().filter_map(changed);
        self.kept.update_books(books)?;
        let leases = self.leases.values_mut().flatten().filter_map(changed);
        self.kept.update_leases(leases)?;
        for lot in self.lots.values_mut().flatten().filter_map(changed) {
            self.kept.put(&Row::Lot(lot.clone()))?;
        }
        self.kept.add_hours(self.hours.drain())
    }

    pub(super) fn finish(mut self) -> Result<(), LedgerError> {
        self.write_out()?;
        for (txn, side) in std::mem::take(&mut self.sides).into_values() {
            let Some(txn) = txn else { continue };
            let (txn, books) = side.post(txn).map_err(LedgerError::Refused)?;
            for book in books {
                self.kept.put(&Row::Book(book))?;
            }
            self.kept.put(&Row::Txn(txn))?;
        }
        Ok(())
    }
}
