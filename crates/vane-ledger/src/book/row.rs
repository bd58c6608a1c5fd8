//! What the books consist of: the rows that every store keeps.

use serde::{Deserialize, Serialize};
use vane_catalog::Money;

use super::op::{Refusal, Status};
use super::payment::{Checkout, Claim, Payment};
use super::period::Period;
use super::posting::Txn;
use crate::account::AccountId;

/// The number of one account of the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BookId(pub i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookKind {
    Customer,
    CashIn,
    ProviderPayable,
    OperatorLoss,
    Promotion,
    /// What payers pay on top of the credit they get.
    TopUpFee,
}

impl BookKind {
    pub const ALL: [Self; 6] = [
        Self::Customer,
        Self::CashIn,
        Self::ProviderPayable,
        Self::OperatorLoss,
        Self::Promotion,
        Self::TopUpFee,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::CashIn => "cash_in",
            Self::ProviderPayable => "provider_payable",
            Self::OperatorLoss => "operator_loss",
            Self::Promotion => "promotion",
            Self::TopUpFee => "top_up_fee",
        }
    }

    const fn number(self) -> i64 {
        match self {
            Self::Customer => 0,
            Self::CashIn => 1,
            Self::ProviderPayable => 2,
            Self::OperatorLoss => 3,
            Self::Promotion => 4,
            Self::TopUpFee => 5,
        }
    }

    pub fn of(self, owner: i64) -> BookId {
        BookId(owner.saturating_mul(8).saturating_add(self.number()))
    }
}

/// A balance and the end of its chain of entries and receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    pub kind: BookKind,
    /// The account of a customer's book, the instance of a system's.
    pub owner: i64,
    pub prepaid: bool,
    pub posted: Money,
    /// What is lent out and not spent.
    pub held: Money,
    /// What of `posted` was given and not paid for.
    pub promotional: Money,
    /// Entries and receipts in its chain.
    pub entries: i64,
    /// Its newest receipt, from which each names the one before it; 0 where it has none.
    pub receipt: i64,
    pub head: [u8; 32],
}

impl Book {
    pub fn new(kind: BookKind, owner: i64, prepaid: bool) -> Self {
        Self {
            kind,
            owner,
            prepaid,
            posted: Money::ZERO,
            held: Money::ZERO,
            promotional: Money::ZERO,
            entries: 0,
            receipt: 0,
            head: [0; 32],
        }
    }

    pub fn id(&self) -> BookId {
        self.kind.of(self.owner)
    }

    /// What may still be lent out or refunded.
    pub fn free(&self) -> Result<Money, Refusal> {
        sub(self.posted, self.held)
    }
}

/// A lease as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lent {
    pub id: String,
    pub account: AccountId,
    pub key: Option<String>,
    pub instance: i64,
    pub epoch: i64,
    pub amount: Money,
    pub spent: Money,
    pub until: i64,
    pub returned: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    pub id: String,
    pub account: AccountId,
    pub amount: Money,
    pub rest: Money,
    pub expires_at: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    pub key: String,
    pub amount: Money,
    pub period: Period,
}

/// A budget and what of it is gone in the running period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spending {
    pub budget: Budget,
    pub spent: Money,
    pub leased: Money,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopUp {
    pub provider: String,
    pub external: String,
    pub txn: i64,
    pub account: AccountId,
    pub amount: Money,
}

/// An account whose calls are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frozen {
    pub account: AccountId,
    pub at: i64,
    pub reason: String,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    Done,
    FailedBilled,
    FailedUnbilled,
    Interrupted,
}

impl Ended {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::FailedBilled => "failed_billed",
            Self::FailedUnbilled => "failed_unbilled",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Status {
    pub const ALL: [Self; 5] = [
        Self::Done,
        Self::Stopped,
        Self::ClientGone,
        Self::Failed,
        Self::Interrupted,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::ClientGone => "client_gone",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Something to write. A row replaces the one of its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    Book(Book),
    Txn(Txn),
    Lease(Lent),
    Lot(Lot),
    Budget(Budget),
    /// The key has no budget from now on.
    NoBudget(String),
    TopUp(TopUp),
    Checkout(Checkout),
    Payment(Payment),
    Claim(Claim),
    Frozen(Frozen),
    /// The account is served again.
    Thawed(AccountId),
}

/// The first second of the hour.
pub fn hour_of(at: i64) -> i64 {
    at.saturating_sub(at.rem_euclid(3_600))
}

pub(super) fn add(a: Money, b: Money) -> Result<Money, Refusal> {
    a.checked_add(b).ok_or(Refusal::TooLarge)
}

pub(super) fn sub(a: Money, b: Money) -> Result<Money, Refusal> {
    a.checked_sub(b).ok_or(Refusal::TooLarge)
}

/// How much `have` lacks of `want`; nothing if it is enough.
pub(super) fn missing(have: Money, want: Money) -> Result<Option<Money>, Refusal> {
    Ok(Some(sub(want, have)?).filter(|missing| *missing > Money::ZERO))
}
