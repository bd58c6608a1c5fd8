//! `GET /v1/receipts` and `GET /v1/receipts/{id}`: what each call cost, line by line.

use super::query::Query;
use super::refusal::missing;
use super::{account, ask, usd};
use crate::gateway::Gateway;
use crate::relay::percent_decoded;
use serde_json::{Value, json};
use vane_catalog::Date;
use vane_dialect::Fault;
use vane_ledger::Caller;
use vane_ledger::book::{Attempt, Line, Receipt};

const LIMIT_MAX: i64 = 100;
const LIMIT: i64 = 20;

pub(super) async fn show(
    gateway: &Gateway,
    caller: &Caller,
    query: &Query,
    id: &str,
) -> Result<Value, Fault> {
    query.only(&[])?;
    let (account, call) = (account(caller), percent_decoded(id));
    let (found, gone_until) = ask(gateway, move |store| {
        let found = store.receipt(Some(account), &call)?;
        let gone_until = match found {
            Some(_) => None,
            None => store.gone_until(Some(account))?,
        };
        Ok((found, gone_until))
    })
    .await?;
    let keep_days = gateway.state().config.receipts.keep_days;
    let none = || missing(&none(keep_days, gone_until));
    found.as_ref().map(receipt).ok_or_else(none)
}

/// Why there may be no receipt.
fn none(keep_days: Option<i64>, gone_until: Option<i64>) -> String {
    let mut said = "there is no such receipt: calls have one when they have ended, under their \
                    `vane-request-id`"
        .to_owned();
    if let Some(days) = keep_days {
        said += &format!("; receipts are kept for {days} days");
    }
    if let Some(until) = gone_until {
        let last = Date::of(until.saturating_sub(1));
        said += &format!("; those of calls up to {last} were removed");
    }
    said
}

pub(super) async fn list(
    gateway: &Gateway,
    caller: &Caller,
    query: &Query,
) -> Result<Value, Fault> {
    query.only(&["before", "limit"])?;
    let before = query.number("before", 1, i64::MAX)?;
    let limit = query.number("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT);
    let limit = usize::try_from(limit).unwrap_or_default();
    let account = account(caller);
    let found = ask(gateway, move |store| store.receipts(account, before, limit)).await?;
    let next = found
        .last()
        .filter(|_| found.len() == limit)
        .map(|last| last.n);
    Ok(json!({
        "object": "list",
        "data": found.iter().map(receipt).collect::<Vec<_>>(),
        "before": next,
    }))
}

pub(crate) fn receipt(receipt: &Receipt) -> Value {
    let made = &receipt.settlement;
    json!({
        "object": "receipt",
        "id": made.call,
        "created": receipt.at,
        "key": made.key,
        "model": made.model,
        "status": made.status.as_str(),
        "cost": usd(receipt.cost),
        "charged": usd(receipt.charged),
        "lost": usd(receipt.lost()),
        "balance": usd(receipt.balance),
        "held": made.hold.as_ref().map(|hold| usd(hold.amount)),
        "reported_cost": made.reported.map(usd),
        "stream": made.stream,
        "first_content_ms": made.first_content_ms(),
        "took_ms": made.took_ms,
        "attempts": made.attempts.iter().map(attempt).collect::<Vec<_>>(),
    })
}

fn attempt(attempt: &Attempt) -> Value {
    json!({
        "provider": attempt.provider,
        "model": attempt.model,
        "outcome": attempt.outcome.as_str(),
        "fault": (!attempt.fault.is_empty()).then_some(&attempt.fault),
        "counted": (!attempt.method.is_empty()).then_some(&attempt.method),
        "rate_version": (!attempt.rate_version.is_empty()).then_some(&attempt.rate_version),
        "began_ms": attempt.times.began_ms,
        "first_content_ms": attempt.times.first_content_ms,
        "took_ms": attempt.times.took_ms,
        "dropped": (!attempt.dropped.is_empty()).then_some(&attempt.dropped),
        "cost": usd(attempt.cost().unwrap_or_default()),
        "lines": attempt.lines.iter().map(line).collect::<Vec<_>>(),
    })
}

fn line(line: &Line) -> Value {
    json!({
        "bucket": line.bucket,
        "quantity": line.quantity,
        "price": usd(line.price),
        "amount": usd(line.amount().unwrap_or_default()),
    })
}
