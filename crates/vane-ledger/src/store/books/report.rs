//! Receipts and statements, newest first, a page at a time.
//!
//! A book names its newest receipt and each receipt the one before it, so that a page costs what it
//! shows, however many there are. Receipts that were removed end it: of before them credit is told.

use vane_catalog::Money;

use super::Kept;
use super::read::{RECEIPT, receipt_of};
use crate::account::AccountId;
use crate::book::{BookId, BookKind, Receipt, Rows, TxnKind};
use crate::error::LedgerError;
use crate::store::{Row, Store};

/// The longest page.
const PAGE_MAX: usize = 1_000;

const ENTRY: &str = "SELECT e.seq, e.amount, e.balance, e.receipt, t.kind, t.reason, t.at
    FROM entry e JOIN txn t ON t.n = e.txn WHERE e.book = ?1 AND e.seq < ?2
    ORDER BY e.seq DESC LIMIT 1";
const ENTRY_AT: &str = "SELECT e.seq, e.amount, e.balance, e.receipt, t.kind, t.reason, t.at
    FROM entry e JOIN txn t ON t.n = e.txn WHERE e.book = ?1 AND e.seq = ?2";

const ENTRY_OF: &str = "SELECT e.seq, e.amount, e.balance, e.receipt, t.kind, t.reason, t.at
    FROM txn t JOIN entry e ON e.txn = t.n WHERE t.id = ?2 AND e.book = ?1";

/// Something that changed a balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// What to ask for the lines before this one with.
    pub cursor: i64,
    pub at: i64,
    pub amount: Money,
    /// What is posted after it.
    pub balance: Money,
    pub posted: Posted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    Credit { kind: TxnKind, reason: String },
    Call(Box<Receipt>),
}

/// Where in a chain a page begins: before the place `seq`, where `receipt` is the newest.
struct Place {
    seq: i64,
    receipt: i64,
}

impl Store {
    /// What the operation of an id did to the balance of an account.
    pub fn posted_as(
        &self,
        account: AccountId,
        id: &str,
    ) -> Result<Option<StatementLine>, LedgerError> {
        let book = BookKind::Customer.of(account.0).0;
        self.read(|txn| txn.one(ENTRY_OF, &[&book, &id], |row| Ok(entry_of(row)?.0)))
    }

    /// The receipt of a call; `None` for that of another account.
    pub fn receipt(
        &self,
        account: Option<AccountId>,
        call: &str,
    ) -> Result<Option<Receipt>, LedgerError> {
        let sql = format!("SELECT {RECEIPT} FROM receipt WHERE call = ?1");
        let receipt = self.read(|txn| txn.one(&sql, &[&call], receipt_of))?;
        let wanted = |receipt: &Receipt| account.is_none_or(|id| id == receipt.settlement.account);
        Ok(receipt.filter(wanted))
    }

    /// Receipts of an account, newest first: from the newest, or from the one before `before`,
    /// the number of a receipt of the account.
    pub fn receipts(
        &self,
        account: AccountId,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Receipt>, LedgerError> {
        self.read(|txn| {
            let kept = Kept(txn);
            let place = kept.place(account, before)?;
            let mut next = place.map_or(0, |place| place.receipt);
            let mut receipts = Vec::new();
            while receipts.len() < limit.min(PAGE_MAX)
                && let Some(receipt) = kept.receipt(account, next)?
            {
                next = receipt.before;
                receipts.push(receipt);
            }
            Ok(receipts)
        })
    }

    /// What changed the balance of an account, newest first: from the newest, or from what was
    /// before the line of a cursor.
    pub fn statement(
        &self,
        account: AccountId,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<StatementLine>, LedgerError> {
        let book = BookKind::Customer.of(account.0);
        self.read(|txn| {
            let kept = Kept(txn);
            let Some(place) = kept.place(account, before)? else {
                return Ok(Vec::new());
            };
            let mut receipt = kept.receipt(account, place.receipt)?;
            let mut entry = kept.entry(ENTRY, book, place.seq)?;
            let mut lines = Vec::new();
            while lines.len() < limit.min(PAGE_MAX) {
                let seq = |entry: &(StatementLine, Place)| entry.1.seq;
                if receipt.as_ref().map(|receipt| receipt.seq) > entry.as_ref().map(seq) {
                    let Some(made) = receipt.take() else { break };
                    receipt = kept.receipt(account, made.before)?;
                    lines.push(line_of(made));
                } else {
                    let Some((line, place)) = entry.take() else {
                        break;
                    };
                    entry = kept.entry(ENTRY, book, place.seq)?;
                    lines.push(line);
                }
            }
            Ok(lines)
        })
    }
}

fn line_of(receipt: Receipt) -> StatementLine {
    StatementLine {
        cursor: receipt.n,
        at: receipt.at,
        amount: Money::from_pico(receipt.charged.pico().saturating_neg()),
        balance: receipt.balance,
        posted: Posted::Call(Box::new(receipt)),
    }
}

/// An entry, and its place. Its cursor is below zero, for no receipt has such a number.
fn entry_of(row: &Row<'_>) -> Result<(StatementLine, Place), LedgerError> {
    let seq: i64 = row.get(0)?;
    let kind: String = row.get(4)?;
    let kind = TxnKind::ALL.into_iter().find(|one| one.as_str() == kind);
    let posted = Posted::Credit {
        kind: kind.ok_or(LedgerError::Unreadable {
            what: "kind of transaction",
        })?,
        reason: row.get(5)?,
    };
    let line = StatementLine {
        cursor: seq.saturating_neg(),
        at: row.get(6)?,
        amount: Money::from_pico(row.get(1)?),
        balance: Money::from_pico(row.get(2)?),
        posted,
    };
    let receipt = row.get(3)?;
    Ok((line, Place { seq, receipt }))
}

impl Kept<'_> {
    /// A receipt by its number, if it is of that account.
    fn receipt(self, account: AccountId, n: i64) -> Result<Option<Receipt>, LedgerError> {
        if n <= 0 {
            return Ok(None);
        }
        let sql = format!("SELECT {RECEIPT} FROM receipt WHERE n = ?1 AND account = ?2");
        self.0.one(&sql, &[&n, &account.0], receipt_of)
    }

    fn entry(
        self,
        sql: &str,
        book: BookId,
        seq: i64,
    ) -> Result<Option<(StatementLine, Place)>, LedgerError> {
        self.0.one(sql, &[&book.0, &seq], entry_of)
    }

    /// Where a page goes on that ended with a receipt which is gone by now: at what is left of
    /// before the opening. Any number up to that of the newest gone one leads there.
    fn before_opening(self, book: BookId, n: i64) -> Result<Option<Place>, LedgerError> {
        let sql = "SELECT seq FROM opening WHERE book = ?1 AND receipt >= ?2";
        let seq = self.0.one(sql, &[&book.0, &n], |row| row.get::<i64>(0))?;
        Ok(seq.map(|seq| Place { seq, receipt: 0 }))
    }

    fn place(self, account: AccountId, before: Option<i64>) -> Result<Option<Place>, LedgerError> {
        let book = BookKind::Customer.of(account.0);
        match before {
            None => Ok(self.book(book)?.map(|book| Place {
                seq: book.entries.saturating_add(1),
                receipt: book.receipt,
            })),
            Some(n) if n > 0 => match self.receipt(account, n)? {
                Some(receipt) => Ok(Some(Place {
                    seq: receipt.seq,
                    receipt: receipt.before,
                })),
                None => self.before_opening(book, n),
            },
            Some(seq) => {
                let entry = self.entry(ENTRY_AT, book, seq.saturating_neg())?;
                Ok(entry.map(|(_, place)| place))
            }
        }
    }
}
