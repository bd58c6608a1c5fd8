//! Keys as a table and as JSON. Neither ever shows a secret.

use std::collections::HashMap;
use std::num::NonZeroU32;

use serde_json::{Value, json};
use vane_catalog::Date;
use vane_ledger::{Account, AccountId, KeyRecord, Store};

use super::super::settings::{account, now};
use super::super::{Failure, Settings, terminal};
use crate::api::{key_shown, key_state};

pub(super) fn list(settings: &Settings<'_>, name: Option<&str>, json: bool) -> Result<(), Failure> {
    let store = settings.store()?;
    let accounts = match name {
        Some(name) => vec![account(&store, name)?],
        None => store.list_accounts()?,
    };
    let mut keys = Vec::new();
    for account in &accounts {
        keys.extend(store.list_keys(account.id)?);
    }
    let names = names_of(accounts);
    if json {
        let rows: Vec<Value> = keys.iter().map(|key| object(key, &names, now())).collect();
        return terminal::print_json(&json!({ "keys": rows }));
    }
    terminal::print(&table(&keys, &names, now()))
}

/// One key, as `list` shows it.
pub(super) fn print_record(store: &Store, key: &KeyRecord, json: bool) -> Result<(), Failure> {
    if json {
        return terminal::print_json(&as_json(store, key)?);
    }
    let names = names_of(store.list_accounts()?);
    terminal::print(&table(std::slice::from_ref(key), &names, now()))
}

pub(super) fn as_json(store: &Store, key: &KeyRecord) -> Result<Value, Failure> {
    Ok(object(key, &names_of(store.list_accounts()?), now()))
}

type Names = HashMap<AccountId, String>;

fn names_of(accounts: Vec<Account>) -> Names {
    let name = |account: Account| (account.id, account.name);
    accounts.into_iter().map(name).collect()
}

fn table(keys: &[KeyRecord], accounts: &Names, now: i64) -> String {
    let head = [
        "ID",
        "ACCOUNT",
        "NAME",
        "STATE",
        "BUDGET",
        "LIMITS",
        "MODELS",
        "PROVIDERS",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    let all = |names: &Option<Vec<String>>| match names {
        Some(names) => names.join(","),
        None => "all".to_owned(),
    };
    rows.extend(keys.iter().map(|key| {
        [
            key.id.clone(),
            accounts.get(&key.account).cloned().unwrap_or_default(),
            key.name.clone(),
            state_and_end(key, now),
            budget(key),
            rates(key),
            all(&key.limits.models),
            all(&key.limits.providers),
        ]
    }));
    terminal::table(&rows)
}

fn budget(key: &KeyRecord) -> String {
    match key.budget {
        Some((amount, period)) => {
            let then = key.limits.when_spent.iter();
            let then = then.map(|model| format!(", then {model}"));
            format!("${amount}/{}{}", period.as_str(), then.collect::<String>())
        }
        None => "none".to_owned(),
    }
}

/// `60 rpm, 100000 tpm, 4 at once`.
fn rates(key: &KeyRecord) -> String {
    let limits = &key.limits;
    let said = |limit: Option<NonZeroU32>, unit| limit.map(|limit| format!("{limit} {unit}"));
    let all: Vec<String> = [
        said(limits.requests_per_minute, "rpm"),
        said(limits.tokens_per_minute, "tpm"),
        said(limits.concurrency, "at once"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if all.is_empty() {
        "none".to_owned()
    } else {
        all.join(", ")
    }
}

fn state_and_end(key: &KeyRecord, now: i64) -> String {
    let state = key_state(key, now);
    let ends = [key.limits.expires_at, key.retires_at];
    match ends.into_iter().flatten().min() {
        Some(end) if key.works_at(now) => format!("{state} until {}", Date::of(end)),
        _ => state.to_owned(),
    }
}

fn object(key: &KeyRecord, accounts: &Names, now: i64) -> Value {
    let account = accounts.get(&key.account).map_or("", String::as_str);
    key_shown(key, account, now)
}
