//! `GET /v1/credits`: what the account has, and what the key may still spend.

use super::query::Query;
use super::{account, ask, usd};
use crate::gateway::Gateway;
use serde_json::{Value, json};
use vane_catalog::{Date, Money};
use vane_dialect::Fault;
use vane_ledger::Caller;
use vane_ledger::book::Spending;

pub(super) async fn show(
    gateway: &Gateway,
    caller: &Caller,
    query: &Query,
) -> Result<Value, Fault> {
    query.only(&[])?;
    let (id, key, now) = (account(caller), caller.key_id.clone(), gateway.clock.now());
    let asked = ask(gateway, move |store| {
        Ok((store.balance(id)?, store.spending(&key, now)?))
    });
    let (book, spending) = asked.await?;
    let mut value = json!({
        "object": "credits",
        "account": caller.account_name,
        "kind": caller.kind.as_str(),
        "currency": "USD",
        "balance": usd(book.posted),
        "held": usd(book.held),
        "promotional": usd(book.promotional),
        "frozen": caller.frozen,
        "key": { "id": caller.key_id, "name": caller.key_name },
    });
    if let (Some(spending), Some(key)) = (spending, value["key"].as_object_mut()) {
        key.insert("budget".to_owned(), budget(&spending, now));
    }
    Ok(value)
}

fn budget(spending: &Spending, now: i64) -> Value {
    let budget = &spending.budget;
    let rest = budget
        .amount
        .checked_sub(spending.spent)
        .unwrap_or_default();
    json!({
        "amount": usd(budget.amount),
        "period": budget.period.as_str(),
        "spent": usd(spending.spent),
        "remaining": usd(rest.max(Money::ZERO)),
        "resets_on": Date::of(budget.period.end(now)).to_string(),
    })
}
