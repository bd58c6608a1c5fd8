//! Asking Stripe for a page where a top-up is paid: a Checkout Session.

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use serde::Deserialize;
use std::time::Duration;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::book::Checkout;

use super::super::cents::cents;
use super::{TOP_UP, VERSION, is_live};
use crate::config::Payments;
use crate::upstream::{Parts, Pool};

const PATIENCE: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// Where a top-up is paid, and Stripe's id for it.
#[derive(Debug, Deserialize)]
pub struct Session {
    pub id: String,
    pub url: String,
    livemode: bool,
}

/// What Stripe says of a request that it refuses. Its words may quote what was sent: only names
/// of its own are told on.
#[derive(Default, Deserialize)]
struct Refused {
    error: Option<Why>,
}

#[derive(Default, Deserialize)]
struct Why {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    param: Option<String>,
}

/// Makes the page for a top-up of an account. Asked twice for one top-up, Stripe makes one page.
///
/// # Errors
/// If Stripe cannot be reached, or refuses.
pub async fn begin(
    payments: &Payments,
    pool: &Pool,
    checkout: &Checkout,
    account: &str,
) -> Result<Session, Fault> {
    let request = request(payments, checkout, account).ok_or_else(|| {
        Fault::new(
            Kind::Internal,
            Blame::Us,
            "the top-up cannot be put to the payment provider",
        )
    })?;
    let answered = tokio::time::timeout(PATIENCE, ask(pool, request)).await;
    let (status, body) = match answered {
        Ok(Ok(answered)) => answered,
        Ok(Err(why)) => return Err(away(&why)),
        Err(_) => return Err(away("it did not answer in time")),
    };
    if status != 200 {
        let why = serde_json::from_slice::<Refused>(&body).unwrap_or_default();
        let why = why.error.unwrap_or_default();
        tracing::error!(status, kind = ?why.kind, code = ?why.code, param = ?why.param,
            "Stripe refused to begin a payment");
        return Err(away("it refused"));
    }
    let session: Session =
        serde_json::from_slice(&body).map_err(|_| away("its answer cannot be read"))?;
    match session.livemode == is_live(&payments.secret_key.0) {
        true => Ok(session),
        false => Err(away("its answer is of another mode than the key")),
    }
}

fn away(why: &str) -> Fault {
    tracing::warn!(why, "no payment could be begun");
    let message = format!("the payment provider could not begin a payment: {why}; try again");
    Fault::new(Kind::Upstream, Blame::Upstream, message)
}

fn request(payments: &Payments, checkout: &Checkout, account: &str) -> Option<Request<Parts>> {
    let uri: Uri = format!("{}/v1/checkout/sessions", payments.api_base)
        .parse()
        .ok()?;
    let mut headers = HeaderMap::new();
    let bearer = format!("Bearer {}", payments.secret_key.0);
    let mut bearer = HeaderValue::from_str(&bearer).ok()?;
    bearer.set_sensitive(true);
    headers.insert(AUTHORIZATION, bearer);
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(CONTENT_TYPE, form);
    headers.insert("idempotency-key", HeaderValue::from_str(&checkout.id).ok()?);
    headers.insert("stripe-version", HeaderValue::from_static(VERSION));
    let agent = HeaderValue::from_static(concat!("vane/", env!("CARGO_PKG_VERSION")));
    headers.insert(USER_AGENT, agent);
    let body = form_of(payments, checkout, account)?;
    let mut request = Request::new(Parts::from(vec![Bytes::from(body)]));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Some(request)
}

fn form_of(payments: &Payments, checkout: &Checkout, account: &str) -> Option<String> {
    let mut form = Form::default();
    form.field("mode", "payment");
    form.field("client_reference_id", &checkout.id);
    form.field("success_url", &payments.success_url);
    form.field("cancel_url", &payments.cancel_url);
    form.field(&format!("metadata[{TOP_UP}]"), &checkout.id);
    form.field(
        &format!("payment_intent_data[metadata][{TOP_UP}]"),
        &checkout.id,
    );
    // Paid in the currency that it is credited in, whatever the account at Stripe prefers.
    form.field("adaptive_pricing[enabled]", "false");
    form.item(0, &format!("Credit for {account}"), cents(checkout.amount)?);
    let fee = cents(checkout.fee)?;
    if fee > 0 {
        form.item(1, "Fee", fee);
    }
    Some(form.0)
}

async fn ask(pool: &Pool, request: Request<Parts>) -> Result<(u16, Bytes), String> {
    let response = pool.send(request, false).await;
    let response = response.map_err(|unsent| format!("it {unsent}"))?;
    let status = response.status().as_u16();
    let mut answer = response.into_body();
    let mut body = BytesMut::new();
    while let Some(data) = answer.data().await {
        body.extend_from_slice(&data?);
        if body.len() > ANSWER_BYTES_MAX {
            return Err("its answer is too long".to_owned());
        }
    }
    Ok((status, body.freeze()))
}

/// Fields of `application/x-www-form-urlencoded`.
#[derive(Default)]
struct Form(String);

impl Form {
    fn field(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.encode(name);
        self.0.push('=');
        self.encode(value);
    }

    fn item(&mut self, at: usize, name: &str, cents: i64) {
        let price = format!("line_items[{at}][price_data]");
        self.field(&format!("line_items[{at}][quantity]"), "1");
        self.field(&format!("{price}[currency]"), "usd");
        self.field(&format!("{price}[unit_amount]"), &cents.to_string());
        self.field(&format!("{price}[product_data][name]"), name);
    }

    fn encode(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                    self.0.push(char::from(byte));
                }
                other => self.0.push_str(&format!("%{other:02X}")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_encoded() {
        let mut form = Form::default();
        form.field("a[b]", "x&y=z é+\n");
        form.field("c", "");
        assert_eq!(form.0, "a%5Bb%5D=x%26y%3Dz%20%C3%A9%2B%0A&c=");
    }
}
