//! `GET /v1/usage`: what was used and spent, by day, model or key.

use super::query::Query;
use super::{account, ask, usd};
use crate::gateway::Gateway;
use serde_json::{Value, json};
use vane_catalog::{Date, Money};
use vane_dialect::Fault;
use vane_ledger::book::Period;
use vane_ledger::{By, Caller, NEWEST_MAX, Newest, Of, Spread, UsageRow};

/// Days that one question may span.
const DAYS_MAX: i64 = 3_660;
const DAY: i64 = 86_400;

/// From the first of the month to now, by day, unless asked otherwise.
pub(super) async fn show(
    gateway: &Gateway,
    caller: &Caller,
    query: &Query,
) -> Result<Value, Fault> {
    query.only(&["from", "until", "by", "key", "newest"])?;
    let by = match query.text("by") {
        None | Some("day") => By::Day,
        Some("model") => By::Model,
        Some("key") => By::Key,
        Some("day_model") => By::DayModel,
        Some(_) => {
            let message = "`by` must be day, model, key or day_model";
            return Err(Fault::invalid("by", message));
        }
    };
    let now = gateway.clock.now();
    let from = query.day("from")?.unwrap_or(Period::Month.start(now));
    let until = query.day("until")?.unwrap_or(Period::Day.end(now));
    if until <= from || (until - from) / DAY > DAYS_MAX {
        let message =
            format!("`until` must be a day after `from`, and at most {DAYS_MAX} days later");
        return Err(Fault::invalid("until", message));
    }
    let newest = query.number("newest", 1, NEWEST_MAX)?;
    let key = query.text("key").map(str::to_owned);
    let account = account(caller);
    let asked = ask(gateway, move |store| {
        let key = key.as_deref();
        let newest = newest.map(|count| store.newest(account, count, key, from, until));
        let rows = store.usage(Some(account), key, from, until, by)?;
        Ok((rows, newest.transpose()?))
    });
    let (rows, newest) = asked.await?;
    let total = |part: fn(&UsageRow) -> Money| {
        Money::checked_sum(rows.iter().map(part)).map_or(Value::Null, usd)
    };
    Ok(json!({
        "object": "usage",
        "from": Date::of(from).to_string(),
        "until": Date::of(until).to_string(),
        "by": query.text("by").unwrap_or("day"),
        "data": rows.iter().map(shown).collect::<Vec<_>>(),
        "total": {
            "calls": rows.iter().map(|row| row.calls).sum::<i64>(),
            "cost": total(|row| row.cost),
            "charged": total(|row| row.charged),
        },
        "newest": newest.as_ref().map(newest_shown),
    }))
}

fn newest_shown(newest: &Newest) -> Value {
    let spread = |spread: Spread| json!({ "p50": spread.p50, "p95": spread.p95 });
    json!({
        "calls": newest.calls,
        "failed": newest.failed,
        "first_content_ms": newest.first_content_ms.map(spread),
        "took_ms": newest.took_ms.map(spread),
    })
}

fn shown(row: &UsageRow) -> Value {
    let (what, name) = match &row.of {
        Of::Day(day) | Of::DayModel(day, _) => ("day", Date::of(*day).to_string()),
        Of::Model(model) => ("model", model.clone()),
        Of::Key(key) => ("key", key.clone()),
    };
    let mut shown = json!({
        what: name,
        "calls": row.calls,
        "input_tokens": row.tokens_in,
        "cached_tokens": row.cached,
        "output_tokens": row.tokens_out,
        "cost": usd(row.cost),
        "charged": usd(row.charged),
        "last_hour": row.last_hour,
    });
    if let Of::DayModel(_, model) = &row.of {
        shown["model"] = model.as_str().into();
    }
    shown
}
