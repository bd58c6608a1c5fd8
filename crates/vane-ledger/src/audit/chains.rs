//! The chain of each book: nothing missing, moved or changed, and the balance its sum.
//!
//! Customers' chains are walked all at once, for their receipts lie in the order of arrival; the
//! few entries between are fetched where a receipt shows that they are due.

use std::collections::HashMap;

use vane_catalog::Money;

use super::{Audited, Halt, broken};
use crate::book::{self, BookId, BookKind, Entry, Receipt, TxnKind, hash_of};
use crate::error::LedgerError;
use crate::store::{Row, Txn};

const BOOKS: &str =
    "SELECT b.id, b.kind || ' ' || coalesce(a.name, CAST(b.owner AS TEXT)), b.prepaid, b.posted,
    b.entries, b.receipt, b.head
    FROM book b LEFT JOIN account a ON b.kind = 'customer' AND a.id = b.owner ORDER BY b.id";
const ENTRIES: &str = "SELECT e.seq, e.amount, e.balance, e.receipt, e.hash, e.txn, t.id, t.kind,
    t.reason, t.at FROM entry e LEFT JOIN txn t ON t.n = e.txn
    WHERE e.book = ?1 AND e.seq > ?2 AND e.seq < ?3 ORDER BY e.seq";

/// How far a chain is walked, and where its book says that it ends.
pub(super) struct Chain {
    name: String,
    pub(super) prepaid: bool,
    seq: i64,
    head: [u8; 32],
    balance: Money,
    receipt: i64,
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
        let mut customers = HashMap::new();
        for (id, mut chain) in txn.rows(BOOKS, &[], chain_of)? {
            audited.books = audited.books.saturating_add(1);
            if id.0.rem_euclid(8) == BookKind::Customer.of(0).0 {
                customers.insert(id, chain);
            } else {
                chain.follow(txn, id, i64::MAX, audited)?;
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
            let call = &receipt.settlement.call;
            return broken(
                1,
                format!("the book of the receipt of call {call} is missing"),
            );
        };
        if receipt.seq != chain.seq.saturating_add(1) {
            chain.follow(self.txn, receipt.book(), receipt.seq, audited)?;
        }
        chain.enter(receipt, details)?;
        Ok(chain)
    }

    /// Walks what comes after the last receipts, to the ends that the books name.
    pub(super) fn close(self, audited: &mut Audited) -> Result<(), Halt> {
        for (id, mut chain) in self.customers {
            chain.follow(self.txn, id, i64::MAX, audited)?;
            chain.end()?;
        }
        Ok(())
    }
}

impl Chain {
    fn broken<T>(&self, invariant: u8, what: impl AsRef<str>) -> Result<T, Halt> {
        broken(invariant, format!("{}: {}", self.name, what.as_ref()))
    }

    /// Walks the entries before the place `until`.
    fn follow(
        &mut self,
        txn: Txn<'_>,
        book: BookId,
        until: i64,
        audited: &mut Audited,
    ) -> Result<(), Halt> {
        txn.each(ENTRIES, &[&book.0, &self.seq.clone(), &until], |row| {
            let entry = entry_of(book, row)?;
            let seq = self.next(entry.seq)?;
            let Some(made) = txn_of(row)? else {
                let n: i64 = row.get(5)?;
                return self.broken(1, format!("the transaction {n} of entry {seq} is missing"));
            };
            if hash_of(&made, &entry, &self.head) != entry.hash || entry.receipt != self.receipt {
                return self.changed(seq);
            }
            self.head = entry.hash;
            self.add(seq, entry.amount, entry.balance)?;
            audited.entries = audited.entries.saturating_add(1);
            Ok(())
        })
    }

    fn enter(&mut self, receipt: &Receipt, details: &[u8]) -> Result<(), Halt> {
        let seq = self.next(receipt.seq)?;
        let whole = receipt.hash_after(&self.head, details) == receipt.hash;
        if !whole || receipt.before != self.receipt {
            return self.changed(seq);
        }
        self.head = receipt.hash;
        self.receipt = receipt.n;
        let amount = Money::ZERO.checked_sub(receipt.charged);
        self.add(seq, amount.unwrap_or_default(), receipt.balance)
    }

    fn next(&mut self, seq: i64) -> Result<i64, Halt> {
        self.seq = self.seq.saturating_add(1);
        if seq != self.seq {
            return self.broken(9, format!("entry {} is missing", self.seq));
        }
        Ok(seq)
    }

    fn changed<T>(&self, seq: i64) -> Result<T, Halt> {
        let what = "was changed, or what was before it: it is not what its hash was made of";
        self.broken(9, format!("entry {seq} {what}"))
    }

    fn add(&mut self, seq: i64, amount: Money, balance: Money) -> Result<(), Halt> {
        if self.balance.checked_add(amount) != Some(balance) {
            let what = format!("the balance after entry {seq} is not the sum of its entries");
            return self.broken(2, what);
        }
        self.balance = balance;
        Ok(())
    }

    fn end(&self) -> Result<(), Halt> {
        if self.seq != self.entries {
            let (seq, last) = (self.seq, self.entries);
            let what = format!("it has {seq} entries and should end with entry {last}");
            return self.broken(9, what);
        }
        if self.head != self.last_head {
            return self.broken(9, "its last entry is another one than it names");
        }
        if self.receipt != self.last_receipt {
            return self.broken(9, "its newest receipt is another one than it names");
        }
        if self.balance != self.posted {
            let (posted, sum) = (self.posted, self.balance);
            let what = format!("the balance is ${posted}, its entries come to ${sum}");
            return self.broken(2, what);
        }
        Ok(())
    }
}

fn chain_of(row: &Row<'_>) -> Result<(BookId, Chain), LedgerError> {
    let chain = Chain {
        name: row.get(1)?,
        prepaid: row.get::<i64>(2)? != 0,
        seq: 0,
        head: [0; 32],
        balance: Money::ZERO,
        receipt: 0,
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
