//! `GET /v1/credits/entries`: all that changed the balance of an account, with what was posted
//! after it.

use super::query::Query;
use super::{account, ask, usd};
use crate::gateway::Gateway;
use serde_json::{Value, json};
use vane_dialect::Fault;
use vane_ledger::{Caller, Posted, StatementLine};

const LIMIT: i64 = 20;
const LIMIT_MAX: i64 = 1_000;

pub(super) async fn list(
    gateway: &Gateway,
    caller: &Caller,
    query: &Query,
) -> Result<Value, Fault> {
    query.only(&["before", "limit"])?;
    // Below zero stands what is no call.
    let before = query.number("before", i64::MIN, i64::MAX)?;
    let limit = query.number("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT);
    let limit = usize::try_from(limit).unwrap_or_default();
    let account = account(caller);
    let found = ask(gateway, move |store| {
        store.statement(account, before, limit)
    })
    .await?;
    let last = found.last().filter(|_| found.len() == limit);
    Ok(json!({
        "object": "list",
        "data": found.iter().map(shown).collect::<Vec<_>>(),
        "before": last.map(|last| last.cursor),
    }))
}

fn shown(line: &StatementLine) -> Value {
    let (kind, reason, call) = match &line.posted {
        Posted::Credit { kind, reason } => (kind.as_str(), Some(reason), None),
        Posted::Call(receipt) => ("call", None, Some(&receipt.settlement)),
    };
    json!({
        "object": "entry",
        "created": line.at,
        "kind": kind,
        "amount": usd(line.amount),
        "balance": usd(line.balance),
        "reason": reason,
        "receipt": call.map(|call| &call.call),
        "model": call.map(|call| &call.model),
    })
}
