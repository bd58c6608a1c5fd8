//! `POST /v1/credits/top-ups` and `GET /v1/credits/top-ups/{id}`: paying for credit.
//!
//! Who has the right may ask, and pays for the account. Amounts are read from their digits,
//! never as floats.

use super::body::amount_digits;
use super::query::Query;
use super::refusal::{away, missing};
use super::{Question, account, ask, usd};
use crate::gateway::Gateway;
use crate::payments;
use crate::relay::{self, Asked, Response, json as answer, percent_decoded};
use serde_json::{Value, json};
use std::time::Duration;
use vane_catalog::Money;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::json::Object;
use vane_ledger::book::{Act, Checkout, CheckoutState, Op, Outcome, Pay};
use vane_ledger::{Caller, new_id};

/// A body has one number in it.
pub(crate) const BODY_BYTES_MAX: usize = 4 << 10;

/// Begins a top-up, once for each `Idempotency-Key`.
pub(super) async fn create(question: &Question<'_>) -> Result<Response, Fault> {
    let claimed = relay::claim(question.gateway, question.caller, question.inbound, "");
    let once = match claimed.await? {
        Asked::Freely => None,
        Asked::First(once) => Some(once),
        Asked::Again { answer, .. } => return Ok(answer),
    };
    let made = begin(question).await;
    let answered = made.map(|made| answer(200, made.to_string()));
    match once {
        None => answered,
        Some(once) => once.keep(answered).await,
    }
}

async fn begin(question: &Question<'_>) -> Result<Value, Fault> {
    let (gateway, caller) = (question.gateway, question.caller);
    let state = gateway.state();
    let payments = state.config.payments.as_ref().ok_or_else(payments::off)?;
    if caller.frozen {
        return Err(payments::frozen(&caller.account_name));
    }
    let amount = asked(
        &question.inbound.body,
        payments.top_up_min,
        payments.top_up_max,
    )?;
    let fee = payments::fee(payments, amount).ok_or_else(|| wrong("is too much"))?;
    let now = gateway.clock.now();
    if !gateway.top_ups.enter(caller.account_id, now) {
        let message = "too many top-ups of this account were begun: wait a minute";
        let fault = Fault::new(Kind::RateLimited, Blame::Caller, message);
        return Err(Fault {
            retry_after: Some(Duration::from_secs(60)),
            ..fault
        });
    }
    let id = new_id().map_err(|error| away(&error.to_string()))?;
    let mut checkout = Checkout {
        id: format!("top_up_{id}"),
        account: account(caller),
        provider: payments::PROVIDER.to_owned(),
        amount,
        fee,
        asked_at: now,
        external: None,
        url: None,
        state: CheckoutState::Open,
    };
    note(gateway, Pay::Ask(checkout.clone())).await?;
    let begun = payments::begin(payments, question.pool, &checkout, &caller.account_name).await;
    let id = checkout.id.clone();
    let session = match begun {
        Ok(session) => session,
        Err(fault) => {
            let state = CheckoutState::Failed;
            let checkout = id;
            note(gateway, Pay::End { checkout, state }).await?;
            return Err(fault);
        }
    };
    checkout.external = Some(session.id.clone());
    checkout.url = Some(session.url.clone());
    let begin = Pay::Begin {
        checkout: id,
        external: session.id,
        url: session.url,
    };
    note(gateway, begin).await?;
    Ok(shown(&checkout))
}

pub(super) async fn show(
    gateway: &Gateway,
    caller: &Caller,
    query: &Query,
    id: &str,
) -> Result<Value, Fault> {
    query.only(&[])?;
    let id = percent_decoded(id);
    let found = ask(gateway, move |store| store.checkout(&id)).await?;
    let own = found.filter(|checkout| checkout.account == account(caller));
    own.as_ref()
        .map(shown)
        .ok_or_else(|| missing("there is no such top-up of this account"))
}

async fn note(gateway: &Gateway, pay: Pay) -> Result<(), Fault> {
    let (now, instance) = (gateway.clock.now(), gateway.replica.instance());
    let noted = ask(gateway, move |store| {
        let op = Op {
            id: new_id()?,
            at: now,
            instance,
            act: Act::Pay(pay),
        };
        store.apply(&[op])
    });
    match noted.await?.into_iter().next() {
        Some(Err(refusal)) => Err(away(&refusal.to_string())),
        Some(Ok(Outcome::Noted)) => Ok(()),
        _ => Err(away("the top-up was not written down")),
    }
}

/// Reads the amount out of a body that may have nothing else in it.
fn asked(body: &[u8], least: Money, most: Money) -> Result<Money, Fault> {
    let mut body = Object::read_body(body)?;
    let raw = body.take_even_null("amount");
    if let Some((name, _)) = body.rest().first() {
        let message = format!("`{name}` is no field of a top-up: there is `amount`");
        return Err(Fault::invalid(name.clone(), message));
    }
    let raw = raw.ok_or_else(|| wrong("is required"))?;
    let digits =
        amount_digits(raw).ok_or_else(|| wrong("must be dollars, such as \"25\" or 25.50"))?;
    let amount = Money::parse(&digits);
    let amount = amount.map_err(|error| wrong(&format!("must be plain dollars: {error}")))?;
    if !payments::is_whole_cents(amount) {
        return Err(wrong("must be whole cents"));
    }
    match (least..=most).contains(&amount) {
        true => Ok(amount),
        false => Err(wrong(&format!("must be from ${least} to ${most}"))),
    }
}

fn wrong(what: &str) -> Fault {
    Fault::invalid("amount", format!("`amount` {what}"))
}

fn shown(checkout: &Checkout) -> Value {
    let open = checkout.state == CheckoutState::Open;
    json!({
        "object": "top_up",
        "id": checkout.id,
        "status": checkout.state.as_str(),
        "currency": "USD",
        "amount": usd(checkout.amount),
        "fee": usd(checkout.fee),
        "total": checkout.total().map_or(Value::Null, usd),
        "url": checkout.url.as_ref().filter(|_| open),
        "created": checkout.asked_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s13_amounts_are_read_from_their_digits() {
        let ask = |body: &str| {
            let [least, most] = ["5", "10000"].map(|text| Money::parse(text).unwrap());
            asked(body.as_bytes(), least, most)
        };
        for (body, expected) in [
            (r#"{"amount":"25"}"#, "25"),
            (r#"{"amount":25}"#, "25"),
            (r#"{"amount":25.50}"#, "25.5"),
            (r#"{"amount":"\u0032\u0035.01"}"#, "25.01"),
            (r#"{"amount":10000}"#, "10000"),
            // As a float it would be 1,000 and a little less.
            (r#"{"amount":1000.010000000000}"#, "1000.01"),
        ] {
            assert_eq!(ask(body).unwrap().to_string(), expected, "{body}");
        }
        for amount in [
            "0",
            "-0",
            "-25",
            "\"-25\"",
            "4.99",
            "10000.01",
            "1e3",
            "\"1e3\"",
            "1E1",
            "\"NaN\"",
            "\"Infinity\"",
            "\"\"",
            "\" 25\"",
            "\"$25\"",
            "25.001",
            "25.0000000000001",
            "99999999999999999999999",
            "null",
            "true",
            "[25]",
            "{}",
            "\"0x19\"",
            "\"25,00\"",
        ] {
            let fault = ask(&format!("{{\"amount\":{amount}}}")).unwrap_err();
            assert_eq!(
                fault.param.as_deref(),
                Some("amount"),
                "{amount}: {fault:?}"
            );
        }
        for (body, named) in [
            ("{}", Some("amount")),
            (r#"{"amount":25,"account":7}"#, Some("account")),
            (r#"{"amount":25,"credit":"99"}"#, Some("credit")),
            (r#"{"amount":25,"fee":0}"#, Some("fee")),
            (r#"{"amount":25,"amount":26}"#, None),
            (r#"{"amount":NaN}"#, None),
            ("[]", None),
            ("", None),
        ] {
            let fault = ask(body).unwrap_err();
            assert_eq!(fault.param.as_deref(), named, "{body}: {fault:?}");
        }
    }
}
