//! `POST /v1/checkout/sessions`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::State;
use crate::http::Request;

/// A Checkout Session as it was asked for.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: String,
    pub payment_intent: String,
    pub idempotency_key: String,
    pub fields: BTreeMap<String, String>,
    /// In cents, all items together.
    pub amount_total: i64,
}

const NEEDED: [&str; 7] = [
    "mode",
    "success_url",
    "client_reference_id",
    "line_items[0][quantity]",
    "line_items[0][price_data][currency]",
    "line_items[0][price_data][unit_amount]",
    "line_items[0][price_data][product_data][name]",
];

pub(super) fn answer(state: &mut State, request: &Request) -> (u16, String) {
    state.requests.push(request.clone());
    if let Some(status) = state.refuses {
        return refusal(status, "api_error", "");
    }
    if (request.method.as_str(), request.path.as_str()) != ("POST", "/v1/checkout/sessions") {
        return refusal(404, "invalid_request_error", "");
    }
    let bearer = format!("Bearer {}", state.secret_key);
    if request.header("authorization") != Some(bearer.as_str()) {
        return refusal(401, "invalid_request_error", "");
    }
    let form = "application/x-www-form-urlencoded";
    if request.header("content-type") != Some(form) {
        return refusal(400, "invalid_request_error", "content-type");
    }
    let fields = decoded(&String::from_utf8_lossy(&request.body));
    if let Some(missing) = NEEDED.iter().find(|name| !fields.contains_key(**name)) {
        return refusal(400, "invalid_request_error", missing);
    }
    let key = request.header("idempotency-key").unwrap_or_default();
    let known = state.sessions.iter().find(|one| one.idempotency_key == key);
    if let Some(known) = known.filter(|_| !key.is_empty()) {
        return match known.fields == fields {
            true => (200, shown(known).to_string()),
            false => refusal(400, "idempotency_error", ""),
        };
    }
    let Some(amount_total) = total(&fields) else {
        return refusal(400, "invalid_request_error", "line_items");
    };
    let n = state.sessions.len() + 1;
    let session = Session {
        id: format!("cs_test_{n:058}"),
        payment_intent: format!("pi_{n:024}"),
        idempotency_key: key.to_owned(),
        fields,
        amount_total,
    };
    let body = shown(&session).to_string();
    state.sessions.push(session);
    (200, body)
}

fn refusal(status: u16, kind: &str, param: &str) -> (u16, String) {
    let error = json!({"type": kind, "param": param, "message": "No."});
    (status, json!({ "error": error }).to_string())
}

/// Charges under half a dollar are refused.
fn total(fields: &BTreeMap<String, String>) -> Option<i64> {
    let of = |at: usize, name: &str| fields.get(&format!("line_items[{at}][{name}")).cloned();
    let mut total = 0_i64;
    for at in 0..10 {
        let Some(quantity) = of(at, "quantity]") else {
            break;
        };
        if of(at, "price_data][currency]")? != fields["line_items[0][price_data][currency]"] {
            return None;
        }
        let amount: i64 = of(at, "price_data][unit_amount]")?.parse().ok()?;
        total += amount * quantity.parse::<i64>().ok()?;
    }
    (total >= 50).then_some(total)
}

fn shown(session: &Session) -> Value {
    json!({
        "id": session.id,
        "object": "checkout.session",
        "client_reference_id": session.fields["client_reference_id"],
        "amount_total": session.amount_total,
        "currency": session.fields["line_items[0][price_data][currency]"],
        "livemode": false,
        "mode": session.fields["mode"],
        // There is none before somebody pays.
        "payment_intent": null,
        "payment_status": "unpaid",
        "status": "open",
        "url": format!("https://checkout.stripe.com/c/pay/{}", session.id),
    })
}

fn decoded(form: &str) -> BTreeMap<String, String> {
    let pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

fn text(encoded: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte.unwrap_or(b'0')).to_digit(16);
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let value = high.unwrap_or(0) * 16 + low.unwrap_or(0);
                bytes.extend(u8::try_from(value));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
