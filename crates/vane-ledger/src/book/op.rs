//! What may be asked of the books, and what is said to it.
//!
//! Ids and instants come from whoever asks: an operation that is replayed is recognised and does
//! nothing twice.

use vane_catalog::Money;

use super::period::Period;
use super::row::Ended;
use crate::account::AccountId;

/// Something that someone wants to happen, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// Unique over all operations: the id of the transaction or lease that it makes.
    pub id: String,
    pub at: i64,
    /// Which replica asks; its system accounts take the other side.
    pub instance: i64,
    pub act: Act,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Credit for an account.
    Grant {
        account: AccountId,
        amount: Money,
        source: Source,
        reason: String,
    },
    /// Paid credit goes back to the payer. Promotional credit and what is lent out does not.
    Refund {
        account: AccountId,
        amount: Money,
        reason: String,
    },
    /// Takes back what is left of promotional credit whose time is over.
    ExpireCredit {
        account: AccountId,
        lot: String,
    },
    /// A slice of a balance, and of a key's budget, for one replica.
    Lease(Lease),
    /// What of a lease is neither spent nor held goes back.
    ReturnLease {
        lease: String,
    },
    Hold(Hold),
    Extend {
        call: String,
        by: Money,
    },
    Settle(Settlement),
    Release {
        call: String,
    },
    /// Ends a hold whose lease ran out.
    Expire {
        call: String,
    },
    SetBudget {
        key: String,
        amount: Money,
        period: Period,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Paid to the operator by other ways.
    Cash,
    /// Paid through a provider of payments, who gave it an id.
    TopUp {
        provider: String,
        external: String,
    },
    Promotion {
        expires_at: i64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub account: AccountId,
    /// The only key that may hold against it; needed by keys that have a budget.
    pub key: Option<String>,
    pub epoch: i64,
    pub amount: Money,
    pub until: i64,
}

/// Money set aside for one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub call: String,
    pub lease: String,
    pub key: String,
    pub amount: Money,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    pub call: String,
    /// The hold as extended, where it was in memory only.
    pub hold: Option<Hold>,
    /// The model asked for.
    pub model: String,
    pub status: Status,
    pub attempts: Vec<Attempt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Done,
    ClientGone,
    Failed,
    Interrupted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub provider: String,
    pub model: String,
    pub rate_version: String,
    pub outcome: Ended,
    /// Whether the usage is reckoned, not reported.
    pub estimated: bool,
    /// The context plus the most output: no quantity can be more.
    pub quantity_max: u64,
    pub lines: Vec<Line>,
}

/// Tokens or uses that share a price. What they come to is always computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub bucket: String,
    pub quantity: u64,
    /// Pico-dollars for one.
    pub price: Money,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The balance after it.
    Credited(Money),
    /// This external payment was credited before; nothing changed.
    CreditedBefore,
    /// So much was taken back.
    CreditExpired(Money),
    Leased,
    Returned(Money),
    Held,
    Extended(Money),
    Settled {
        charged: Money,
        lost: Money,
    },
    Released,
    Expired,
    BudgetSet,
}

/// Why an operation changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("an id must have 1 to 64 letters, an instance and an epoch be no negative number")]
    Malformed,
    #[error("this operation was made already")]
    Repeated,
    #[error("there is no such account")]
    NoSuchAccount,
    #[error("there is no such lease")]
    NoSuchLease,
    #[error("there is no such hold")]
    NoSuchHold,
    #[error("there is no such promotional credit, or nothing of it is left")]
    NoSuchCredit,
    #[error("the amount must be above zero")]
    NotPositive,
    #[error("the amount is more than the books can hold")]
    TooLarge,
    #[error("the balance lacks ${missing}")]
    Balance { missing: Money },
    #[error("the budget of the key lacks ${missing} until {resets_at}")]
    Budget { missing: Money, resets_at: i64 },
    #[error("the lease lacks ${missing}")]
    LeaseSpent { missing: Money },
    #[error("the lease was returned or has run out")]
    LeaseOver,
    #[error("the lease is for another key, or the key has a budget and needs a lease of its own")]
    LeaseOfAnotherKey,
    #[error("the call has a hold already")]
    HeldAlready,
    #[error("the hold has ended: it was {0}")]
    HoldEnded(&'static str),
    #[error("it is too early for that")]
    TooEarly,
    #[error("a quantity is impossible: zero, repeated, or more than the model can read and write")]
    Quantity,
    #[error("an attempt that is not billed has a cost")]
    BilledUnbilled,
}
