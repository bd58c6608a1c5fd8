//! Transactions and their entries.
//!
//! A posting is made of legs and of the book that balances them, whose amount is computed: no
//! transaction can sum to anything but zero. Each entry carries the hash of the one before it in
//! its book, so that none can be changed or taken out unseen.

use aws_lc_rs::digest;
use vane_catalog::Money;

use super::op::{Attempt, Refusal};
use super::row::{Book, BookId, add};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxnKind {
    Grant,
    TopUp,
    Promotion,
    Refund,
    Expiry,
    Usage,
}

impl TxnKind {
    pub const ALL: [Self; 6] = [
        Self::Grant,
        Self::TopUp,
        Self::Promotion,
        Self::Refund,
        Self::Expiry,
        Self::Usage,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::TopUp => "top_up",
            Self::Promotion => "promotion",
            Self::Refund => "refund",
            Self::Expiry => "expiry",
            Self::Usage => "usage",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Txn {
    pub id: String,
    pub kind: TxnKind,
    /// The call that a usage transaction pays for.
    pub call: Option<String>,
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
    pub usage: Option<Usage>,
    pub previous: [u8; 32],
    pub hash: [u8; 32],
}

/// What an entry of usage pays for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub attempt: i64,
    pub rate_version: String,
    /// `input:1000@300000 output:500@900000`: bucket, quantity, pico-dollars for one.
    pub quantities: String,
}

impl Usage {
    pub(super) fn of(number: i64, attempt: &Attempt) -> Self {
        let line = |line: &super::op::Line| {
            format!("{}:{}@{}", line.bucket, line.quantity, line.price.pico())
        };
        Self {
            attempt: number,
            rate_version: attempt.rate_version.clone(),
            quantities: attempt.lines.iter().map(line).collect::<Vec<_>>().join(" "),
        }
    }
}

impl Txn {
    pub(super) fn new(id: &str, kind: TxnKind, reason: &str, at: i64) -> Self {
        Self {
            id: id.to_owned(),
            kind,
            call: None,
            reason: reason.to_owned(),
            at,
            entries: Vec::new(),
        }
    }

    /// Adds entries of `amount` to each leg's book, and of what balances them to `against`.
    pub(super) fn post(
        &mut self,
        legs: &mut [(&mut Book, Money)],
        against: &mut Book,
        usage: Option<&Usage>,
    ) -> Result<(), Refusal> {
        let mut balance = Money::ZERO;
        for (book, amount) in legs {
            balance = balance.checked_sub(*amount).ok_or(Refusal::TooLarge)?;
            self.enter(book, *amount, usage)?;
        }
        self.enter(against, balance, usage)
    }

    fn enter(
        &mut self,
        book: &mut Book,
        amount: Money,
        usage: Option<&Usage>,
    ) -> Result<(), Refusal> {
        let seq = book.entries.checked_add(1).ok_or(Refusal::TooLarge)?;
        let mut entry = Entry {
            book: book.id(),
            seq,
            amount,
            usage: usage.cloned(),
            previous: book.head,
            hash: [0; 32],
        };
        entry.hash = hash_of(self, &entry);
        book.posted = add(book.posted, amount)?;
        book.entries = seq;
        book.head = entry.hash;
        self.entries.push(entry);
        Ok(())
    }
}

/// The hash of an entry of `txn`: over all that both say and the hash before it.
pub fn hash_of(txn: &Txn, entry: &Entry) -> [u8; 32] {
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut text = |text: &str| {
        // With its length, so that no two entries read alike.
        hash.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text.as_bytes());
    };
    text("vane entry 1");
    text(&txn.id);
    text(txn.kind.as_str());
    text(txn.call.as_deref().unwrap_or_default());
    text(&txn.reason);
    if let Some(usage) = &entry.usage {
        text(&usage.attempt.to_string());
        text(&usage.rate_version);
        text(&usage.quantities);
    }
    for number in [txn.at, entry.book.0, entry.seq, entry.amount.pico()] {
        hash.update(&number.to_be_bytes());
    }
    hash.update(&entry.previous);
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    bytes
}
