//! The chain of each book: nothing missing, moved or changed, and the balance its sum.
//!
//! Customers' chains are walked all at once, for their receipts lie in the order of arrival; the
//! few entries between are fetched where a receipt shows that they are due. A chain begins at the
//! opening of its book.

use std::collections::HashMap;

use vane_catalog::Money;

use super::openings::{Before, Gone};
use super::{Audited, Halt, broken};
use crate::book::{self, BookId, BookKind, Entry, Opening, Receipt, TxnKind, hash_of};
use crate::error::LedgerError;
use crate::store::{Row, Txn};

const BOOKS: &str =
    "SELECT b.id, b.kind || ' ' || coalesce(a.name, CAST(b.owner AS TEXT)), b.prepaid, b.posted,
    b.entries, b.receipt, b.head, o.seq, o.balance, o.receipt, o.head, o.kept
    FROM book b LEFT JOIN account a ON b.kind = 'customer' AND a.id = b.owner
    LEFT JOIN opening o ON o.book = b.id";
const ENTRIES: &str = "SELECT e.seq, e.amount, e.balance, e.receipt, e.hash, e.txn, t.id, t.kind,
    t.reason, t.at FROM entry e LEFT JOIN txn t ON t.n = e.txn
    WHERE e.book = ?1 AND e.seq > ?2 AND e.seq < ?3 ORDER BY e.seq";

/// How far a chain is walked, and where its book says that it ends.
pub(crate) struct Chain {
    name: String,
    pub(crate) prepaid: bool,
    place: Opening,
    posted: Money,
    entries: i64,
    last_receipt: i64,
    last_head: [u8; 32],
}

pub(super) struct Chains<'t> {
    txn: Txn<'t>,
    customers: HashMap<BookId, Chain>,
}

impl<'t> Chains<'t> {
    /// Walks the chains of the operator's books, and begins those of customers.
    pub(super) fn open(txn: Txn<'t>, audited: &mut Audited) -> Result<Self, Halt> {
        let chains = txn.rows(&format!("{BOOKS} ORDER BY b.id"), &[], chain_of)?;
        openings(txn, &chains, audited)?;
        let mut customers = HashMap::new();
        for (id, mut chain) in chains {
            audited.books = audited.books.saturating_add(1);
            if id.0.rem_euclid(8) == BookKind::Customer.of(0).0 {
                customers.insert(id, chain);
            } else {
                chain.follow(txn, id, i64::MAX, |_| audited.count())?;
                chain.end()?;
            }
        }
        Ok(Self { txn, customers })
    }

    /// Goes on to a receipt.
    pub(super) fn enter(
        &mut self,
        receipt: &Receipt,
        details: &[u8],
        audited: &mut Audited,
    ) -> Result<&Chain, Halt> {
        let Some(chain) = self.customers.get_mut(&receipt.book()) else {
            return no_book(receipt);
        };
        chain.enter(self.txn, receipt, details, |_| audited.count())?;
        Ok(chain)
    }

    /// Walks what comes after the last receipts, to the ends that the books name.
    pub(super) fn close(self, audited: &mut Audited) -> Result<(), Halt> {
        for (id, mut chain) in self.customers {
            chain.follow(self.txn, id, i64::MAX, |_| audited.count())?;
            chain.end()?;
        }
        Ok(())
    }
}

/// Proves the openings, of books in the order of their ids.
fn openings(txn: Txn<'_>, chains: &[(BookId, Chain)], audited: &mut Audited) -> Result<(), Halt> {
    let mut gone = Gone::read(txn)?;
    let mut last = None;
    for (id, chain) in chains {
        if last == Some(id) {
            return chain.broken(15, "it has two openings");
        }
        last = Some(id);
        if chain.place.seq > 0 {
            let before = chain.before(txn, *id, audited)?;
            let taken = gone.take(*id, &before);
            taken.or_else(|what| chain.broken(15, what))?;
        }
    }
    gone.end()
}

fn no_book<T>(receipt: &Receipt) -> Result<T, Halt> {
    let call = &receipt.settlement.call;
    broken(
        1,
        format!("the book of the receipt of call {call} is missing"),
    )
}

impl Chain {
    /// The chain of one book, where it begins.
    pub(crate) fn begin(txn: Txn<'_>, book: BookId) -> Result<Option<Self>, LedgerError> {
        let found = txn.one(&format!("{BOOKS} WHERE b.id = ?1"), &[&book.0], chain_of)?;
        Ok(found.map(|(_, chain)| chain))
    }

    /// That of the customer of a receipt.
    pub(crate) fn of(txn: Txn<'_>, receipt: &Receipt) -> Result<Self, Halt> {
        match Self::begin(txn, receipt.book())? {
            Some(chain) => Ok(chain),
            None => no_book(receipt),
        }
    }

    /// What the book has come to as far as it is walked.
    pub(crate) const fn place(&self) -> &Opening {
        &self.place
    }

    pub(super) fn broken<T>(&self, invariant: u8, what: impl AsRef<str>) -> Result<T, Halt> {
        broken(invariant, format!("{}: {}", self.name, what.as_ref()))
    }

    /// Walks the entries before the place `until`, and tells of each.
    pub(crate) fn follow(
        &mut self,
        txn: Txn<'_>,
        book: BookId,
        until: i64,
        mut met: impl FnMut(&book::Txn),
    ) -> Result<(), Halt> {
        let from = self.place.seq;
        txn.each(ENTRIES, &[&book.0, &from, &until], |row| {
            let entry = entry_of(book, row)?;
            let seq = self.next(entry.seq)?;
            let made = self.made(row, seq)?;
            if hash_of(&made, &entry, &self.place.head) != entry.hash
                || entry.receipt != self.place.receipt
            {
                return self.changed(seq);
            }
            self.place.head = entry.hash;
            if made.kind != TxnKind::Usage {
                self.place.kept = hash_of(&made, &entry, &self.place.kept);
            }
            self.add(seq, entry.amount, entry.balance)?;
            met(&made);
            Ok(())
        })
    }

    /// Walks what is kept of before its opening: all credit, and no usage.
    fn before(&self, txn: Txn<'_>, book: BookId, audited: &mut Audited) -> Result<Before, Halt> {
        let mut before = Before::of(&self.place);
        let mut kept = [0; 32];
        let until = self.place.seq.saturating_add(1);
        txn.each(ENTRIES, &[&book.0, &0_i64, &until], |row| {
            let entry = entry_of(book, row)?;
            let made = self.made(row, entry.seq)?;
            if made.kind == TxnKind::Usage {
                let seq = entry.seq;
                return self.broken(
                    15,
                    format!("entry {seq} is of usage and before its opening"),
                );
            }
            kept = hash_of(&made, &entry, &kept);
            before.keeps(entry.amount);
            audited.count();
            Ok(())
        })?;
        if kept != self.place.kept {
            return self.broken(15, "what is kept of before its opening is not what it was");
        }
        Ok(before)
    }

    fn made(&self, row: &Row<'_>, seq: i64) -> Result<book::Txn, Halt> {
        let Some(made) = txn_of(row)? else {
            let n: i64 = row.get(5)?;
            return self.broken(1, format!("the transaction {n} of entry {seq} is missing"));
        };
        Ok(made)
    }

    /// Walks up to a receipt, and it too.
    pub(crate) fn enter(
        &mut self,
        txn: Txn<'_>,
        receipt: &Receipt,
        details: &[u8],
        met: impl FnMut(&book::Txn),
    ) -> Result<(), Halt> {
        if receipt.seq != self.place.seq.saturating_add(1) {
            self.follow(txn, receipt.book(), receipt.seq, met)?;
        }
        let seq = self.next(receipt.seq)?;
        let whole = receipt.hash_after(&self.place.head, details) == receipt.hash;
        if !whole || receipt.before != self.place.receipt {
            return self.changed(seq);
        }
        self.place.head = receipt.hash;
        self.place.receipt = receipt.n;
        let amount = Money::ZERO.checked_sub(receipt.charged);
        self.add(seq, amount.unwrap_or_default(), receipt.balance)
    }

    fn next(&mut self, seq: i64) -> Result<i64, Halt> {
        self.place.seq = self.place.seq.saturating_add(1);
        if seq != self.place.seq {
            return self.broken(9, format!("entry {} is missing", self.place.seq));
        }
        Ok(seq)
    }

    fn changed<T>(&self, seq: i64) -> Result<T, Halt> {
        let what = "was changed, or what was before it: it is not what its hash was made of";
        self.broken(9, format!("entry {seq} {what}"))
    }

    fn add(&mut self, seq: i64, amount: Money, balance: Money) -> Result<(), Halt> {
        if self.place.balance.checked_add(amount) != Some(balance) {
            let what = format!("the balance after entry {seq} is not the sum of its entries");
            return self.broken(2, what);
        }
        self.place.balance = balance;
        Ok(())
    }

    fn end(&self) -> Result<(), Halt> {
        if self.place.seq != self.entries {
            let (seq, last) = (self.place.seq, self.entries);
            let what = format!("it has {seq} entries and should end with entry {last}");
            return self.broken(9, what);
        }
        if self.place.head != self.last_head {
            return self.broken(9, "its last entry is another one than it names");
        }
        if self.place.receipt != self.last_receipt {
            return self.broken(9, "its newest receipt is another one than it names");
        }
        if self.place.balance != self.posted {
            let (posted, sum) = (self.posted, self.place.balance);
            let what = format!("the balance is ${posted}, its entries come to ${sum}");
            return self.broken(2, what);
        }
        Ok(())
    }
}

fn chain_of(row: &Row<'_>) -> Result<(BookId, Chain), LedgerError> {
    let place = match row.get::<Option<i64>>(7)? {
        Some(seq) => Opening {
            seq,
            balance: Money::from_pico(row.get(8)?),
            receipt: row.get(9)?,
            head: row.hash(10)?,
            kept: row.hash(11)?,
        },
        None => Opening::default(),
    };
    let chain = Chain {
        name: row.get(1)?,
        prepaid: row.get::<i64>(2)? != 0,
        place,
        posted: Money::from_pico(row.get(3)?),
        entries: row.get(4)?,
        last_receipt: row.get(5)?,
        last_head: row.hash(6)?,
    };
    Ok((BookId(row.get(0)?), chain))
}

/// The transaction of an entry, without its entries.
fn txn_of(row: &Row<'_>) -> Result<Option<book::Txn>, LedgerError> {
    let kind: Option<String> = row.get(7)?;
    let mut kinds = TxnKind::ALL.into_iter();
    let Some(kind) = kinds.find(|one| Some(one.as_str()) == kind.as_deref()) else {
        return Ok(None);
    };
    Ok(Some(book::Txn {
        n: row.get(5)?,
        id: row.get(6)?,
        kind,
        reason: row.get(8)?,
        at: row.get(9)?,
        entries: Vec::new(),
    }))
}

fn entry_of(book: BookId, row: &Row<'_>) -> Result<Entry, LedgerError> {
    Ok(Entry {
        book,
        seq: row.get(0)?,
        amount: Money::from_pico(row.get(1)?),
        balance: Money::from_pico(row.get(2)?),
        receipt: row.get(3)?,
        hash: row.hash(4)?,
    })
}
