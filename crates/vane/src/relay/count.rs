//! Counting input tokens without a call: the provider's own count where it has one, else the count of
//! the model's own tokenizer where that is here, else an estimate that errs on the high side. A side endpoint: its failures bench nothing.

use super::decode::{RawCall, decode};
use super::inbound::Inbound;
use super::plan::Choice;
use super::reply::{Response, json};
use super::{byte_path, encode, route};
use crate::gateway::Gateway;
use crate::seal::StateSeal;
use crate::upstream::{Parts, Pool};
use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use std::sync::Arc;
use std::time::Duration;
use vane_dialect::hosted::Hosted;
use vane_dialect::{Dialect, Fault, estimate, openai_responses};
use vane_ledger::{Caller, Right};

/// Answers `/v1/messages/count_tokens` and `/v1/responses/input_tokens`.
///
/// # Errors
/// If the caller may not make calls or the body is no call of the dialect.
pub async fn count_tokens(
    gateway: &Arc<Gateway>,
    pool: &Pool,
    caller: &Caller,
    inbound: Inbound,
) -> Result<Response, Fault> {
    super::must(caller, Right::Call)?;
    let state = gateway.state();
    let mut call = decode(inbound)?;
    // Nothing is run for a count, so nothing is billed by the piece.
    call.hosted = Hosted::default();
    let plan = route(&state, &caller.limits, &call, gateway.clock.now())?;
    let seal = StateSeal::new(gateway.sealer.clone(), caller.account_id);
    let native = plan.choices.iter().find(|choice| {
        choice.dialect == Dialect::AnthropicMessages
            && call.dialect() == choice.dialect
            && !byte_path::is_for_another(&call, choice)
    });
    if let (Some(choice), false) = (native, call.sealed)
        && let Some(answer) = at_provider(pool, &call, choice).await
    {
        return Ok(json(200, answer));
    }
    let blocks = call.blocks(&seal)?;
    let counted = match plan.choices.first() {
        Some(choice) => state.tokenizers.count(&choice.offer.facts, &blocks).await,
        None => None,
    };
    let count = counted.unwrap_or_else(|| estimate::input_tokens(&blocks));
    let body = match call.dialect() {
        Dialect::OpenaiResponses => openai_responses::response::input_tokens_answer(count),
        _ => format!("{{\"input_tokens\":{count}}}").into_bytes(),
    };
    let mut response = json(200, body);
    if counted.is_none() {
        let headers = response.headers_mut();
        headers.insert("vane-estimate", HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// A count is small, and worth no long wait: an estimate is at hand.
const ANSWER_BYTES_MAX: usize = 4096;
const PATIENCE: Duration = Duration::from_secs(10);

/// The provider's own count, if it gives one.
async fn at_provider(pool: &Pool, call: &RawCall, choice: &Choice) -> Option<Bytes> {
    let provider = &choice.offer.provider;
    let uri = provider.side_address("/v1/messages/count_tokens").ok()?;
    let mut splices = call.head.splices();
    splices.set("model", choice.offer.model_json.clone());
    for field in super::decode::OWN_FIELDS {
        splices.cut(field);
    }
    let mut request = http::Request::new(Parts::from(splices.apply()));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = encode::headers(call, choice, false, None);
    let asking = async {
        let response = pool.send(request, provider.h2c).await.ok()?;
        if response.status() != http::StatusCode::OK {
            return None;
        }
        let mut upstream = response.into_body();
        let mut body = BytesMut::new();
        while let Some(data) = upstream.data().await {
            body.extend_from_slice(&data.ok()?);
            if body.len() > ANSWER_BYTES_MAX {
                return None;
            }
        }
        let body = provider.mask.bytes(body.freeze());
        let counted: Counted = serde_json::from_slice(&body).ok()?;
        (counted.input_tokens.is_some()).then_some(body)
    };
    tokio::time::timeout(PATIENCE, asking).await.ok()?
}

#[derive(serde::Deserialize)]
struct Counted {
    input_tokens: Option<u64>,
}
