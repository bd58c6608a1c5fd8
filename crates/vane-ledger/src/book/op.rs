//! What may be asked of the books, and what is said to it.
//!
//! Ids and instants come from whoever asks: an operation that is replayed is recognised and does
//! nothing twice. Journals and strays keep operations, so that all of it is serialised.

use serde::{Deserialize, Serialize};
use vane_catalog::Money;

use super::payment::Pay;
use super::period::Period;
use super::row::Ended;
use crate::account::AccountId;

/// Something that someone wants to happen, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Op {
    /// Unique over all operations: the id of the transaction or lease that it makes.
    pub id: String,
    pub at: i64,
    /// Which replica asks; its system accounts take the other side.
    pub instance: i64,
    pub act: Act,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// Makes an open lease larger or smaller, never below what is spent of it, and gives it until
    /// then.
    Renew {
        lease: String,
        by: Money,
        until: i64,
    },
    /// What of a lease is not spent goes back.
    ReturnLease {
        lease: String,
    },
    Settle(Settlement),
    SetBudget {
        key: String,
        budget: Option<(Money, Period)>,
    },
    Pay(Pay),
    /// Calls of the account are refused from now on; without a reason, they are served again.
    Freeze {
        account: AccountId,
        reason: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub account: AccountId,
    /// The only key that may hold against it; needed by keys that have a budget.
    pub key: Option<String>,
    pub epoch: i64,
    pub amount: Money,
    pub until: i64,
}

/// Money of a lease that was set aside for one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub lease: String,
    pub amount: Money,
}

/// A call that has ended. It is never refused for the state of its lease, or for being late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    pub call: String,
    pub account: AccountId,
    pub key: String,
    /// What was held for it; nothing where neither a balance nor a budget limits the call.
    pub hold: Option<Hold>,
    /// The model asked for.
    pub model: String,
    pub status: Status,
    pub attempts: Vec<Attempt>,
    /// The most that the customer pays: what was delivered. The rest is the operator's loss.
    pub pays_max: Option<Money>,
    /// What the provider said that it cost, all attempts together.
    pub reported: Option<Money>,
    /// Whether the answer was asked for as a stream.
    pub stream: bool,
    /// How long it took, in milliseconds; as far as that is known of one that was cut off.
    pub took_ms: u32,
}

impl Settlement {
    /// From the beginning of the call to the first content of its answer. Who was asked before the
    /// last had none.
    pub fn first_content_ms(&self) -> Option<u32> {
        let times = self.attempts.last()?.times;
        Some(times.began_ms.saturating_add(times.first_content_ms?))
    }

    /// Nobody runs the call any more: it was cut off, and with it the attempt that was made last.
    pub(crate) fn interrupt(&mut self) {
        self.status = Status::Interrupted;
        if let Some(last) = self.attempts.last_mut() {
            last.outcome = Ended::Interrupted;
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Done,
    /// Ended in the middle by the gateway: the money that limits the call was used up.
    Stopped,
    ClientGone,
    Failed,
    Interrupted,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub provider: String,
    pub model: String,
    pub rate_version: String,
    pub outcome: Ended,
    /// How the usage was counted: `reported`, `bytes/4`.
    pub method: String,
    /// Why it failed; empty where it did not.
    pub fault: String,
    pub times: Times,
    /// What a translation left out of the request, as the answer says it; empty where nothing.
    pub dropped: String,
    /// The context plus the most output: no quantity can be more.
    pub quantity_max: u64,
    pub lines: Vec<Line>,
}

/// When an attempt was made and how long it took, in milliseconds.
///
/// An attempt lies within its call and after the one before it: all are counted by one clock that
/// never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// From the beginning of the call to that of the attempt.
    pub began_ms: u32,
    /// From there to its first content; nothing where none came.
    pub first_content_ms: Option<u32>,
    /// From there to its end; as far as that is known of one that was cut off.
    pub took_ms: u32,
}

impl Times {
    /// From the beginning of the call to its end.
    pub const fn end_ms(self) -> u32 {
        self.began_ms.saturating_add(self.took_ms)
    }
}

/// Tokens or uses that share a price. What they come to is always computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The lease's new amount.
    Renewed(Money),
    Returned(Money),
    Settled {
        charged: Money,
        lost: Money,
        /// What is posted after it.
        balance: Money,
    },
    BudgetSet,
    /// What was said is remembered; no money moved.
    Noted,
    /// What more was taken from the customer and lost to the operator; less where below zero.
    Squared {
        taken: Money,
        lost: Money,
    },
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
    #[error("there is no such promotional credit, or nothing of it is left")]
    NoSuchCredit,
    #[error("no such payment was asked for")]
    NoSuchCheckout,
    #[error("the payment is not the one that was asked for")]
    NotAsked,
    #[error("the amount must be above zero")]
    NotPositive,
    #[error("the amount is more than the books can hold")]
    TooLarge,
    #[error("the balance lacks ${missing}")]
    Balance { missing: Money },
    #[error("the budget of the key lacks ${missing} until {resets_at}")]
    Budget { missing: Money, resets_at: i64 },
    #[error("the lease was returned")]
    LeaseOver,
    #[error("it is too early for that")]
    TooEarly,
    #[error("a quantity is impossible: zero, repeated, or more than the model can read and write")]
    Quantity,
    #[error("an attempt that is not billed has a cost")]
    BilledUnbilled,
}
