//! Payments through a provider of payments: asked for, paid, and taken back.
//!
//! A checkout is what was asked for, and is credited once, by what stands in its own row. What the
//! payer takes back is a claim: a refund or a dispute. Claims are merged, so that they may come
//! twice, late, and in any order, even before the payment. A payment is squared with them at once:
//! its customer bears what they come to. What of that a prepaid account does not have is the
//! operator's loss and freezes the account; while it is frozen, what it gets pays that loss first.

use serde::{Deserialize, Serialize};
use vane_catalog::Money;

use super::op::Refusal;
use super::row::{add, sub};
use crate::account::AccountId;

/// What is asked of the books about a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pay {
    /// Somebody wants to pay.
    Ask(Checkout),
    /// The provider knows of it, and this is where it is paid.
    Begin {
        checkout: String,
        external: String,
        url: String,
    },
    /// It will not be paid.
    End {
        checkout: String,
        state: CheckoutState,
    },
    /// It was paid: credits the account what was asked for, once, and squares it.
    Paid {
        checkout: String,
        external: String,
        payment: String,
        total: Money,
    },
    /// Something of a payment is taken back, or is no longer: squares it.
    Claim(Claim),
    /// Makes good what was lost by a payment, as far as its account can by now.
    Square { provider: String, payment: String },
}

/// A payment that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    pub id: String,
    pub account: AccountId,
    pub provider: String,
    /// What is credited.
    pub amount: Money,
    /// What is paid on top of it, for the operator.
    pub fee: Money,
    pub asked_at: i64,
    /// The provider's id for it, and where it is paid, once there is one.
    pub external: Option<String>,
    pub url: Option<String>,
    pub state: CheckoutState,
}

impl Checkout {
    pub fn total(&self) -> Result<Money, Refusal> {
        add(self.amount, self.fee)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckoutState {
    Open,
    Paid,
    Failed,
    Expired,
}

impl CheckoutState {
    pub const ALL: [Self; 4] = [Self::Open, Self::Paid, Self::Failed, Self::Expired];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }
}

/// A payment that was made, and who bears what of it was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub provider: String,
    pub id: String,
    pub checkout: String,
    pub account: AccountId,
    pub amount: Money,
    pub fee: Money,
    /// Of the credit: what the customer and what the operator bears.
    pub taken: Money,
    pub lost: Money,
    /// Of the fee, which goes back last.
    pub fee_taken: Money,
}

/// What a payer takes back, by the provider's id for the refund or dispute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub provider: String,
    pub payment: String,
    pub id: String,
    /// How far it is: what is said at a later stage counts, whenever it comes.
    pub stage: i64,
    /// What of the payment goes back by it.
    pub due: Money,
}

impl Claim {
    /// What is known after both, whichever came first.
    pub(super) fn merged(self, known: Option<Self>) -> Self {
        match known {
            Some(known) if (known.stage, known.due) > (self.stage, self.due) => known,
            _ => self,
        }
    }
}

/// How what goes back of a payment is borne.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Borne {
    pub(super) taken: Money,
    pub(super) lost: Money,
    pub(super) fee: Money,
}

/// What a customer has to bear claims with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Means {
    /// What may be taken at most; nothing where the balance may go below zero.
    pub(super) available: Option<Money>,
    /// Earlier losses are to be made good too.
    pub(super) recovers: bool,
}

impl Payment {
    /// How the claims are borne from now on.
    pub(super) fn borne(&self, claims: &[Claim], means: Means) -> Result<Borne, Refusal> {
        let mut due = Money::ZERO;
        for claim in claims {
            due = add(due, claim.due)?;
        }
        let due = due.min(add(self.amount, self.fee)?);
        let of_credit = due.min(self.amount);
        let fee = sub(due, of_credit)?;
        let Some(available) = means.available else {
            let (taken, lost) = (of_credit, Money::ZERO);
            return Ok(Borne { taken, lost, fee });
        };
        let borne = add(self.taken, self.lost)?;
        // What comes back is the operator's first.
        let less = sub(borne, of_credit)?.max(Money::ZERO);
        let lost = sub(self.lost, less.min(self.lost))?;
        let taken = of_credit.min(self.taken);
        let more = sub(of_credit, borne)?.max(Money::ZERO);
        let recovered = if means.recovers { lost } else { Money::ZERO };
        let now = add(more, recovered)?.min(available).max(Money::ZERO);
        let taken = add(taken, now)?;
        let lost = sub(of_credit, taken)?;
        Ok(Borne { taken, lost, fee })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Taken and lost of a payment of 100 and a fee of 5, after claims come to `due`.
    fn check(before: (i64, i64), due: i64, means: Means, expected: (i64, i64, i64)) {
        let money = Money::from_pico;
        let payment = Payment {
            provider: "p".into(),
            id: "pi".into(),
            checkout: "c".into(),
            account: AccountId(1),
            amount: money(100),
            fee: money(5),
            taken: money(before.0),
            lost: money(before.1),
            fee_taken: Money::ZERO,
        };
        let claim = Claim {
            provider: "p".into(),
            payment: "pi".into(),
            id: "r".into(),
            stage: 1,
            due: money(due),
        };
        let borne = payment.borne(&[claim], means).unwrap();
        let said = (borne.taken.pico(), borne.lost.pico(), borne.fee.pico());
        assert_eq!(said, expected, "{before:?}, {due}, {means:?}");
    }

    #[test]
    fn who_bears_what_goes_back() {
        let has = |available, recovers| Means {
            available: Some(Money::from_pico(available)),
            recovers,
        };
        let metered = Means {
            available: None,
            recovers: false,
        };
        check((0, 0), 40, has(1_000, false), (40, 0, 0));
        // The credit goes back first, then the fee, and no more than was paid.
        check((40, 0), 105, has(1_000, false), (100, 0, 5));
        check((0, 0), 400, has(1_000, false), (100, 0, 5));
        // What there is not is lost, and later made good while the account is frozen.
        check((0, 0), 100, has(30, false), (30, 70, 0));
        check((30, 70), 100, has(50, false), (30, 70, 0));
        check((30, 70), 100, has(50, true), (80, 20, 0));
        check((30, 70), 100, has(500, true), (100, 0, 0));
        // A dispute that was won: the operator's loss is made good first, then the customer.
        check((30, 70), 40, has(0, false), (30, 10, 0));
        check((30, 70), 20, has(0, false), (20, 0, 0));
        check((30, 70), 0, has(0, true), (0, 0, 0));
        check((0, 0), 100, has(-5, true), (0, 100, 0));
        // A metered balance may go below zero.
        check((0, 0), 102, metered, (100, 0, 2));
        check((100, 0), 0, metered, (0, 0, 0));
    }
}
