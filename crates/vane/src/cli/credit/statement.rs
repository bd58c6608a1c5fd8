//! `vane credit list`: what changed a balance, newest first, with the balance after each.

use serde_json::{Value, json};
use vane_catalog::Date;
use vane_ledger::{Account, Posted, StatementLine, Store};

use crate::cli::{Failure, terminal};

pub(super) fn show(
    store: &Store,
    account: &Account,
    limit: usize,
    as_json: bool,
) -> Result<(), Failure> {
    let lines = store.statement(account.id, None, limit)?;
    if as_json {
        let lines: Vec<Value> = lines.iter().map(value).collect();
        return terminal::print_json(&json!({ "account": account.name, "statement": lines }));
    }
    let mut rows = vec![["DAY", "WHAT", "AMOUNT", "BALANCE", "WHY"].map(str::to_owned)];
    rows.extend(lines.iter().map(|line| {
        let (what, why) = said(line);
        [
            Date::of(line.at).to_string(),
            what.to_owned(),
            line.amount.to_string(),
            line.balance.to_string(),
            why.to_owned(),
        ]
    }));
    terminal::print(&terminal::table(&rows))
}

fn said(line: &StatementLine) -> (&'static str, &str) {
    match &line.posted {
        Posted::Credit { kind, reason } => (kind.as_str(), reason),
        Posted::Call(receipt) => ("call", &receipt.settlement.model),
    }
}

fn value(line: &StatementLine) -> Value {
    let mut value = json!({
        "at": line.at,
        "kind": said(line).0,
        "amount": line.amount.to_string(),
        "balance": line.balance.to_string(),
    });
    let (name, more) = match &line.posted {
        Posted::Credit { reason, .. } => ("reason", json!(reason)),
        Posted::Call(receipt) => {
            let made = &receipt.settlement;
            (
                "call",
                json!({ "id": made.call, "key": made.key, "model": made.model }),
            )
        }
    };
    value[name] = more;
    value
}
