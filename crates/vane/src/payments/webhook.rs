//! `POST /webhooks/stripe`: what became of payments.
//!
//! Nothing is read before the signature of the raw body holds, and nothing is answered with 200
//! before it is durably in the books. What no retry can mend is answered with 200 too, and told
//! loudly in the log: Stripe would send it again for three days.

use serde_json::json;
use std::sync::Arc;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::book::{Act, Op, Outcome, Pay, Refusal};
use vane_ledger::{LedgerError, new_id};

use super::delivery::Delivery;
use super::stripe::{Event, Said, Unread, verify};
use crate::config::Payments;
use crate::gateway::Gateway;
use crate::relay::{self, Inbound, Response};

/// Events are a few kilobytes.
pub const BODY_BYTES_MAX: usize = 256 << 10;

/// # Errors
/// If payments are off, the delivery is not believed or not for this server, or the books cannot
/// be written now.
pub async fn receive(gateway: &Arc<Gateway>, inbound: &Inbound) -> Result<Response, Fault> {
    let state = gateway.state();
    let payments = state.config.payments.as_ref().ok_or_else(super::off)?;
    let taken = take(gateway, payments, inbound).await;
    gateway.telemetry.deliveries.count(match &taken {
        Ok(delivery) => *delivery,
        Err(fault) if fault.kind == Kind::Unavailable => Delivery::Away,
        Err(_) => Delivery::Refused,
    });
    let said = json!({ "received": true, "result": taken?.word() });
    Ok(relay::json(200, said.to_string()))
}

/// Whether the provider said it, by its signature.
#[must_use]
pub fn is_believed(secret: &str, header: Option<&str>, body: &[u8], now: i64) -> bool {
    verify(secret, header, body, now).is_ok()
}

/// What an event asks of the books, if it is one that does.
#[must_use]
pub fn meaning(body: &[u8], secret_key: &str) -> Option<Pay> {
    match Event::read(body, secret_key).ok()?.said().ok()? {
        Said::Pay(pay) => Some(pay),
        Said::Nothing | Said::Unusable(_) => None,
    }
}

async fn take(
    gateway: &Arc<Gateway>,
    payments: &Payments,
    inbound: &Inbound,
) -> Result<Delivery, Fault> {
    let mut headers = inbound.headers.get_all("stripe-signature").iter();
    let header = match (headers.next(), headers.next()) {
        (Some(one), None) => one.to_str().ok(),
        _ => None,
    };
    let secret = &payments.webhook_secret.0;
    if let Err(forged) = verify(secret, header, &inbound.body, gateway.clock.now()) {
        tracing::warn!(why = %forged, "a delivery to the webhook was refused");
        let message = format!("this delivery is not believed: {forged}");
        return Err(refused(message).with_code("signature"));
    }
    let event = Event::read(&inbound.body, &payments.secret_key.0).map_err(unread)?;
    let (id, kind) = (event.id.to_string(), event.kind.to_string());
    match event.said().map_err(unread)? {
        Said::Nothing => Ok(Delivery::Ignored),
        Said::Unusable(why) => {
            tracing::error!(
                event = id,
                kind,
                why,
                "a payment needs a look: nothing was credited"
            );
            Ok(Delivery::Unusable)
        }
        Said::Pay(pay) => enter(gateway, pay, &id, &kind).await,
    }
}

/// Brings what an event says into the books, on a thread that may wait for the disk.
async fn enter(
    gateway: &Arc<Gateway>,
    pay: Pay,
    event: &str,
    kind: &str,
) -> Result<Delivery, Fault> {
    let (now, instance) = (gateway.clock.now(), gateway.replica.instance());
    let (store, ring) = (gateway.store.clone(), gateway.ring.clone());
    let written = tokio::task::spawn_blocking(move || -> Result<_, LedgerError> {
        let op = Op {
            id: new_id()?,
            at: now,
            instance,
            act: Act::Pay(pay),
        };
        let outcome = store.apply(&[op])?.into_iter().next();
        if matches!(outcome, Some(Ok(Outcome::Squared { .. }))) {
            // A frozen account stops here at once, and elsewhere with the next look at the keys.
            let _seen_by_the_watch = ring.refresh();
        }
        Ok(outcome.unwrap_or(Ok(Outcome::Noted)))
    });
    let outcome = match written.await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => return Err(away(&error.to_string())),
        Err(_) => return Err(away("the event was not entered")),
    };
    match outcome {
        Ok(Outcome::CreditedBefore) => Ok(Delivery::CreditedBefore),
        Ok(Outcome::Squared { taken, lost }) => {
            tracing::warn!(event, kind, %taken, %lost, "a payment was taken back, or came back");
            Ok(Delivery::Entered)
        }
        Ok(outcome) => {
            tracing::info!(event, kind, ?outcome, "an event of a payment was entered");
            Ok(match outcome {
                Outcome::Credited(_) => Delivery::Credited,
                _ => Delivery::Entered,
            })
        }
        // A session of something else that is sold through the same account at Stripe.
        Err(Refusal::NoSuchCheckout) => Ok(Delivery::Ignored),
        Err(refusal) => {
            tracing::error!(event, kind, why = %refusal,
                "a payment needs a look: nothing was credited");
            Ok(Delivery::Unusable)
        }
    }
}

fn unread(unread: Unread) -> Fault {
    tracing::error!(why = %unread, "an event was refused: is the endpoint set up rightly?");
    refused(format!("this event is refused: {unread}"))
}

fn refused(message: String) -> Fault {
    Fault::new(Kind::Invalid, Blame::Caller, message)
}

fn away(why: &str) -> Fault {
    let message = format!("the books cannot be written at present: {why}; send it again");
    Fault::new(Kind::Unavailable, Blame::Us, message)
}
