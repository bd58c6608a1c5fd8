//! Transactions and their entries.
//!
//! A posting is made of legs and of the book that balances them, whose amount is computed: no
//! transaction can sum to anything but zero. Each entry carries a hash over the one before it in
//! its book, so that none can be changed or taken out unseen. Of usage, the customers' entries are
//! the receipts themselves: see [`super::receipt`].

use aws_lc_rs::digest;
use vane_catalog::Money;

use super::op::Refusal;
use super::row::{Book, BookId, add};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxnKind {
    Grant,
    TopUp,
    Promotion,
    Refund,
    Expiry,
    /// A payment was refunded or disputed, or a dispute of it was won.
    Reversal,
    Usage,
}

impl TxnKind {
    pub const ALL: [Self; 7] = [
        Self::Grant,
        Self::TopUp,
        Self::Promotion,
        Self::Refund,
        Self::Expiry,
        Self::Reversal,
        Self::Usage,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::TopUp => "top_up",
            Self::Promotion => "promotion",
            Self::Refund => "refund",
            Self::Expiry => "expiry",
            Self::Reversal => "reversal",
            Self::Usage => "usage",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Txn {
    /// In order of arrival.
    pub n: i64,
    /// The operation that made it; usage of many calls has none.
    pub id: Option<String>,
    pub kind: TxnKind,
    pub reason: String,
    pub at: i64,
    pub entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub book: BookId,
    /// Its place in the chain of its book, from 1.
    pub seq: i64,
    pub amount: Money,
    /// What is posted after it.
    pub balance: Money,
    /// The newest receipt before it in the chain, 0 where there is none.
    pub receipt: i64,
    pub hash: [u8; 32],
}

impl Txn {
    pub(super) fn new(n: i64, id: Option<&str>, kind: TxnKind, reason: &str, at: i64) -> Self {
        Self {
            n,
            id: id.map(str::to_owned),
            kind,
            reason: reason.to_owned(),
            at,
            entries: Vec::new(),
        }
    }

    /// Adds an entry of `amount` to a book.
    pub(super) fn enter(&mut self, book: &mut Book, amount: Money) -> Result<(), Refusal> {
        let seq = book.entries.checked_add(1).ok_or(Refusal::TooLarge)?;
        let mut entry = Entry {
            book: book.id(),
            seq,
            amount,
            balance: add(book.posted, amount)?,
            receipt: book.receipt,
            hash: [0; 32],
        };
        entry.hash = hash_of(self, &entry, &book.head);
        book.posted = entry.balance;
        book.entries = seq;
        book.head = entry.hash;
        self.entries.push(entry);
        Ok(())
    }
}

/// The hash of an entry of `txn`: over all that both say and the hash before it in its book.
pub fn hash_of(txn: &Txn, entry: &Entry, previous: &[u8; 32]) -> [u8; 32] {
    let mut said = Said::new("vane entry 2");
    said.text(txn.id.as_deref().unwrap_or_default());
    said.text(txn.kind.as_str());
    said.text(&txn.reason);
    for number in [
        txn.n,
        txn.at,
        entry.book.0,
        entry.seq,
        entry.amount.pico(),
        entry.balance.pico(),
        entry.receipt,
    ] {
        said.number(number);
    }
    said.hash(previous)
}

/// All that a hash is made of, so that no two rows read alike.
pub(super) struct Said(Vec<u8>);

impl Said {
    pub(super) fn new(of: &str) -> Self {
        let mut said = Self(Vec::with_capacity(1_024));
        said.text(of);
        said
    }

    /// With its length, so that what stands in one text cannot stand in the next.
    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn number(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    pub(super) fn hash(mut self, previous: &[u8; 32]) -> [u8; 32] {
        self.0.extend_from_slice(previous);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, &self.0).as_ref());
        bytes
    }
}
