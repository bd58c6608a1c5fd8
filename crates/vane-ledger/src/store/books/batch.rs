//! One commit of the books: what it needs is read once, what changes is written once.
//!
//! Settlements go through it; of thousands an hour few touch a row that no other touched. All else
//! that happens to money is rare: for it what has changed is written out first, so that it reads
//! and writes the tables themselves.

use std::collections::{BTreeMap, HashMap};

use super::Kept;
use super::lock::Locked;
use super::memory::{Cached, Memory};
use super::usage::{Hour, Sums};
use super::write::Receipts;
use crate::account::AccountId;
use crate::book::{
    Act, BookId, BookKind, Lot, Op, Outcome, Refusal, Row, Rows, Settled, Settlement, Side, Till,
    decide, gather, settle, well_formed,
};
use crate::error::LedgerError;

pub(super) struct Batch<'t, 'm, 'o> {
    kept: Kept<'t>,
    memory: &'m mut Memory,
    receipts: Receipts<'t>,
    /// Books and leases that their tables do not know as they are now.
    changed: Vec<BookId>,
    spent: Vec<String>,
    hours: HashMap<Hour<&'o str>, Sums>,
    /// The operator's side of usage by instance, with the number of its transaction once it has one.
    sides: BTreeMap<i64, (Option<i64>, Side)>,
    /// The last numbers given.
    receipt: i64,
    txn: i64,
}

impl<'t, 'm, 'o> Batch<'t, 'm, 'o> {
    /// `ops` are those that it will be of.
    pub(super) fn new(
        kept: Kept<'t>,
        memory: &'m mut Memory,
        ops: &[Op],
    ) -> Result<Self, LedgerError> {
        memory.refresh(kept.0)?;
        let locked = kept.lock(ops)?;
        // After the locks: the receipts of an account are numbered in the order of its chain.
        let (receipt, txn) = kept.numbers()?;
        let mut batch = Self {
            memory,
            receipts: Receipts::new(kept, locked.as_ref())?,
            changed: Vec::new(),
            spent: Vec::new(),
            hours: HashMap::new(),
            sides: BTreeMap::new(),
            receipt,
            txn,
            kept,
        };
        if let Some(locked) = locked {
            batch.know(ops, locked)?;
        }
        Ok(batch)
    }

    /// What is locked need not be read again.
    fn know(&mut self, ops: &[Op], locked: Locked) -> Result<(), LedgerError> {
        for op in ops {
            self.sides.entry(op.instance).or_insert_with(|| {
                let book = |kind: BookKind| locked.books.get(&kind.of(op.instance)).cloned();
                let loss = book(BookKind::OperatorLoss);
                let side = Side::new(op.instance, book(BookKind::ProviderPayable), loss);
                (None, side)
            });
        }
        let leases = locked.leases.into_iter();
        let leases = leases.map(|(id, lent)| (id, lent.map(Cached::from)));
        self.memory.leases.extend(leases);
        for book in locked.books.into_values() {
            if book.kind != BookKind::Customer {
                continue;
            }
            if book.promotional.pico() > 0 {
                let account = AccountId(book.owner);
                let lots = self.kept.lots(account)?.into_iter().map(Cached::from);
                self.memory.lots.insert(account, lots.collect());
            }
            self.memory.books.insert(book.id(), book.into());
        }
        Ok(())
    }

    pub(super) fn apply(&mut self, op: &'o Op) -> Result<Result<Outcome, Refusal>, LedgerError> {
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
        if matches!(op.act, Act::Pay(_)) {
            self.post_sides()?;
        }
        let facts = gather(&self.kept, op, self.txn.saturating_add(1))?;
        let (outcome, rows) = match decide(op, facts) {
            Ok(decision) => decision,
            Err(refusal) => return Ok(Err(refusal)),
        };
        for row in &rows {
            self.kept.put(row)?;
            match row {
                Row::Book(book) => drop(self.memory.books.remove(&book.id())),
                Row::Lease(lent) => drop(self.memory.leases.remove(&lent.id)),
                Row::Lot(lot) => drop(self.memory.lots.remove(&lot.account)),
                Row::Txn(txn) => self.txn = txn.n,
                Row::Budget(_)
                | Row::NoBudget(_)
                | Row::TopUp(_)
                | Row::Checkout(_)
                | Row::Payment(_)
                | Row::Claim(_)
                | Row::Frozen(_)
                | Row::Thawed(_) => {}
            }
        }
        Ok(Ok(outcome))
    }

    fn settle(
        &mut self,
        op: &Op,
        settlement: &'o Settlement,
    ) -> Result<Result<Outcome, Refusal>, LedgerError> {
        if let Err(refusal) = well_formed(op) {
            return Ok(Err(refusal));
        }
        self.load(op, settlement)?;
        let Some(customer) = self
            .memory
            .books
            .get(&BookKind::Customer.of(settlement.account.0))
        else {
            return Ok(Err(Refusal::NoSuchAccount));
        };
        let Some((txn, side)) = self.sides.get_mut(&op.instance) else {
            return Ok(Err(Refusal::Malformed));
        };
        let lease = settlement.hold.as_ref();
        let lease = lease.and_then(|hold| self.memory.leases.get(&hold.lease));
        let lots = self.memory.lots.get(&settlement.account);
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
        if !self.memory.books.contains_key(&id) {
            let Some(book) = self.kept.book(id)? else {
                return Ok(());
            };
            if book.promotional.pico() > 0 && !self.memory.lots.contains_key(&account) {
                let lots = self.kept.lots(account)?.into_iter();
                self.memory
                    .lots
                    .insert(account, lots.map(Cached::from).collect());
            }
            self.memory.books.insert(id, book.into());
        }
        if let Some(hold) = &settlement.hold
            && !self.memory.leases.contains_key(&hold.lease)
        {
            let lent = self.kept.lease(&hold.lease)?.map(Cached::from);
            self.memory.leases.insert(hold.lease.clone(), lent);
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
    fn remember(&mut self, settled: Settled<'o>) -> Result<(), LedgerError> {
        let receipt = &settled.receipt;
        let settlement = receipt.settlement;
        self.receipt = receipt.n;
        for attempt in &settlement.attempts {
            if self.memory.are_new(attempt) {
                self.kept.put_prices(attempt)?;
            }
        }
        if receipt.spent.pico() > 0
            && let Some(hold) = &settlement.hold
            && let Some(Some(lent)) = self.memory.leases.get_mut(&hold.lease)
        {
            let spent = lent.row.spent.checked_add(receipt.spent);
            lent.row.spent = spent.ok_or(LedgerError::Refused(Refusal::TooLarge))?;
            if lent.mark() {
                self.spent.push(hold.lease.clone());
            }
        }
        if let Some(lots) = self.memory.lots.get_mut(&settlement.account) {
            for changed in settled.lots {
                if let Some(lot) = lots.iter_mut().find(|lot| lot.row.id == changed.id) {
                    lot.row = changed;
                    lot.mark();
                }
            }
        }
        self.hours
            .entry(Hour::of(settlement, receipt.at))
            .or_default()
            .add(receipt);
        let id = settled.customer.id();
        if let Some(book) = self.memory.books.get_mut(&id) {
            book.row = settled.customer;
            if book.mark() {
                self.changed.push(id);
            }
        }
        Ok(())
    }

    /// Tells the tables all that has changed.
    fn write_out(&mut self) -> Result<(), LedgerError> {
        let Memory {
            books,
            leases,
            lots,
            ..
        } = &mut *self.memory;
        for id in &self.changed {
            let lots = lots.get_mut(&AccountId(id.0 / 8)).into_iter().flatten();
            for lot in lots.filter_map(Cached::news) {
                self.kept.put(&Row::Lot(lot.clone()))?;
            }
        }
        self.receipts.write_out()?;
        // In the order of the tables, so that a page is met once.
        self.changed.sort_unstable();
        self.spent.sort_unstable();
        self.kept.update_books(self.changed.drain(..), books)?;
        self.kept.update_leases(self.spent.drain(..), leases)?;
        self.kept.add_hours(self.hours.drain())
    }

    pub(super) fn finish(mut self) -> Result<(), LedgerError> {
        self.write_out()?;
        self.post_sides()
    }

    /// Posts what is owed and lost so far. Payments may lose money too, in the same books: what is
    /// settled after one has a transaction of its own.
    fn post_sides(&mut self) -> Result<(), LedgerError> {
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
