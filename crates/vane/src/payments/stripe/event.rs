//! What an event of Stripe means for the books. Pure.
//!
//! Types that mean nothing here are nothing, whatever they contain. Of those that do, everything
//! that money depends on must be there: a payment is never guessed.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use vane_catalog::Money;
use vane_ledger::book::{CheckoutState, Claim, Pay};

use super::super::cents::of_cents;
use super::is_live;
use crate::payments::PROVIDER;

/// An event, of which only what it is about was read.
#[derive(Deserialize)]
pub(in crate::payments) struct Event<'a> {
    #[serde(borrow)]
    pub(in crate::payments) id: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    pub(in crate::payments) kind: Cow<'a, str>,
    livemode: bool,
    /// Set where it is about somebody else's account at Stripe.
    account: Option<String>,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    object: &'a RawValue,
}

/// What an event comes to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::payments) enum Said {
    Nothing,
    Pay(Pay),
    /// It is about money and cannot be entered; sending it again would change nothing.
    Unusable(&'static str),
}

/// Why an event is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::payments) enum Unread {
    #[error("it is no event of Stripe, or lacks what events of its type have")]
    Malformed,
    #[error("it is about another account at Stripe: give that account an endpoint of its own")]
    Elsewhere,
    #[error(
        "it is of live mode and the secret key of test mode, or the other way round: \
         use the key and the webhook secret of one mode"
    )]
    Mode,
}

#[derive(Deserialize)]
struct Session {
    id: String,
    client_reference_id: Option<String>,
    payment_status: String,
    payment_intent: Option<String>,
    amount_total: Option<i64>,
    currency: Option<String>,
}

#[derive(Deserialize)]
struct Charge {
    id: String,
    payment_intent: Option<String>,
    /// In all so far, not by this event.
    amount_refunded: i64,
    currency: String,
}

#[derive(Deserialize)]
struct Dispute {
    id: String,
    payment_intent: Option<String>,
    amount: i64,
    currency: String,
    status: String,
}

impl<'a> Event<'a> {
    /// # Errors
    /// If the body is no event, or not one for this server.
    pub(in crate::payments) fn read(body: &'a [u8], secret_key: &str) -> Result<Self, Unread> {
        let event: Self = serde_json::from_slice(body).map_err(|_| Unread::Malformed)?;
        if event.account.is_some() {
            return Err(Unread::Elsewhere);
        }
        if event.livemode != is_live(secret_key) {
            return Err(Unread::Mode);
        }
        Ok(event)
    }

    /// # Errors
    /// If its object is not what its type says.
    pub(in crate::payments) fn said(&self) -> Result<Said, Unread> {
        match &*self.kind {
            "checkout.session.completed" | "checkout.session.async_payment_succeeded" => {
                Ok(paid(self.object()?))
            }
            "checkout.session.expired" => Ok(ended(self.object()?, CheckoutState::Expired)),
            "checkout.session.async_payment_failed" => {
                Ok(ended(self.object()?, CheckoutState::Failed))
            }
            "charge.refunded" => Ok(refunded(self.object()?)),
            "charge.dispute.created"
            | "charge.dispute.updated"
            | "charge.dispute.funds_withdrawn"
            | "charge.dispute.funds_reinstated"
            | "charge.dispute.closed" => Ok(disputed(self.object()?)),
            _ => Ok(Said::Nothing),
        }
    }

    fn object<T: Deserialize<'a>>(&self) -> Result<T, Unread> {
        serde_json::from_str(self.data.object.get()).map_err(|_| Unread::Malformed)
    }
}

fn paid(session: Session) -> Said {
    // Sessions that are none of ours have no reference, or one that the books do not know.
    let Some(checkout) = session.client_reference_id else {
        return Said::Nothing;
    };
    // Some ways of paying take days: completed is not paid, and another event says so.
    if session.payment_status != "paid" {
        return Said::Nothing;
    }
    let total = session.amount_total.and_then(of_cents);
    match (session.payment_intent, total) {
        (Some(payment), Some(total)) if session.currency.as_deref() == Some("usd") => {
            Said::Pay(Pay::Paid {
                checkout,
                external: session.id,
                payment,
                total,
            })
        }
        _ => Said::Unusable("its amount, currency or payment is not what was asked for"),
    }
}

fn ended(session: Session, state: CheckoutState) -> Said {
    match session.client_reference_id {
        Some(checkout) => Said::Pay(Pay::End { checkout, state }),
        None => Said::Nothing,
    }
}

fn refunded(charge: Charge) -> Said {
    let due = of_cents(charge.amount_refunded);
    claim(
        charge.id,
        charge.payment_intent,
        &charge.currency,
        due.map(|due| (0, due)),
    )
}

/// Stages rise with time, so that a late event about an earlier one changes nothing.
fn disputed(dispute: Dispute) -> Said {
    let taken = of_cents(dispute.amount);
    let nothing = Some(Money::ZERO);
    let (stage, due) = match dispute.status.as_str() {
        // A question of the bank: no money has moved.
        "warning_needs_response" | "warning_under_review" => (0, nothing),
        "needs_response" | "under_review" => (1, taken),
        "warning_closed" | "prevented" => (2, nothing),
        "won" => (3, nothing),
        "lost" => (4, taken),
        _ => return Said::Unusable("it is a dispute in a state that this Vane does not know"),
    };
    let said = due.map(|due| (stage, due));
    claim(dispute.id, dispute.payment_intent, &dispute.currency, said)
}

fn claim(id: String, payment: Option<String>, currency: &str, said: Option<(i64, Money)>) -> Said {
    // Sessions always make payment intents: a charge without one is of something else.
    let Some(payment) = payment else {
        return Said::Nothing;
    };
    match said {
        Some((stage, due)) if currency == "usd" => Said::Pay(Pay::Claim(Claim {
            provider: PROVIDER.to_owned(),
            payment,
            id,
            stage,
            due,
        })),
        _ => Said::Unusable("it takes back an amount that is not in US dollars"),
    }
}
