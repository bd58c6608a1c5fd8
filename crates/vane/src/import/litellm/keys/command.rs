//! One key as a line for a shell.

use std::collections::BTreeMap;

use vane_catalog::{Date, Money};

use super::{KeyLeft, Row, Tables};

/// Columns that no command takes and that hold a key back from nothing, and what to say of them.
const LEFT: [(&str, &str); 4] = [
    ("soft_budget", "a budget that only warns"),
    ("model_spend", "what single models cost so far"),
    ("aliases", "names of models for this key alone"),
    ("permissions", "permissions"),
];

/// Columns that hold a key back and that no command takes: without them it would do more than it
/// did.
const BOUNDS: [(&str, &str); 5] = [
    ("access_group_ids", "access groups"),
    ("allowed_routes", "allowed routes"),
    ("budget_limits", "several budgets"),
    ("model_max_budget", "budgets of single models"),
    ("project_id", "a project's limits"),
];

/// The same within `metadata`.
const BOUNDS_IN_METADATA: [(&str, &str); 4] = [
    ("model_max_budget", "budgets of single models"),
    ("model_max_parallel_requests", "calls at a time by model"),
    ("model_rpm_limit", "requests per minute by model"),
    ("model_tpm_limit", "tokens per minute by model"),
];

/// All that calls of models need, which is all that a key is for.
const ROUTES_OF_CALLS: &str = "llm_api_routes";

pub(super) fn account_line(name: &str) -> String {
    format!("vane account create {}", quoted(name))
}

/// The line that makes a key; none where it is not to be made at all.
pub(super) fn key_line(
    key: &Row,
    account: &str,
    tables: &Tables,
    today: Date,
    left: &mut Vec<KeyLeft>,
) -> Option<String> {
    let name = name_of(key);
    let mut say = |what: String| {
        left.push(KeyLeft {
            of: name.clone(),
            what,
        });
    };
    let is_blocked = |row: &Row| {
        let said = row.get("blocked").map(String::as_str);
        matches!(said, Some("true" | "t" | "True"))
    };
    if is_blocked(key) || tables.owner_of(key).is_some_and(is_blocked) {
        say("blocked: not made".to_owned());
        return None;
    }
    let mut words = vec![
        "vane key create --account".to_owned(),
        quoted(account),
        "--name".to_owned(),
        quoted(&name),
    ];
    let mut faults = Vec::new();
    let mut add = |option: Result<Option<String>, String>| match option {
        Ok(word) => words.extend(word),
        Err(why) => faults.push(why),
    };
    let expires = expires(key, today);
    if expires.as_ref().is_ok_and(|end| end.as_deref() == Some("")) {
        say("expired: not made".to_owned());
        return None;
    }
    add(budget(key, tables));
    add(models(key, tables));
    for (column, option) in [
        ("rpm_limit", "--rpm"),
        ("tpm_limit", "--tpm"),
        ("max_parallel_requests", "--concurrency"),
    ] {
        add(limit(key, column, option, tables));
    }
    add(expires);
    faults.extend(bounds(key, tables));
    for what in notes(key, tables) {
        say(what);
    }
    let line = words.join(" ");
    match faults.is_empty() {
        true => Some(line),
        false => {
            let why = faults.join("; ");
            say(format!("not made: {why}"));
            Some(format!("# {line}  # {why}"))
        }
    }
}

/// What is true of the old key and not of the new one.
fn notes(key: &Row, tables: &Tables) -> Vec<String> {
    let mut notes = Vec::new();
    let spent = key.get("spend").and_then(|said| Money::parse(said).ok());
    if let Some(spent) = spent.filter(|spent| *spent > Money::ZERO) {
        notes.push(format!(
            "has spent ${spent} so far: a new key begins at nothing"
        ));
    }
    let duration = duration_of(key, tables).map(String::as_str);
    if matches!(duration, Some("30d" | "31d")) {
        notes.push("a budget of 30 days became one of a calendar month, in UTC".to_owned());
    }
    for (column, what) in LEFT {
        if key.get(column).is_some_and(|said| says_something(said)) {
            notes.push(format!("{what}: no such thing"));
        }
    }
    let user = key.get("user_id").filter(|_| !key.contains_key("team_id"));
    if user.is_some_and(|user| !tables.users.contains_key(user)) {
        notes.push("its user was not given, and may have had fewer models".to_owned());
    }
    notes
}

fn says_something(cell: &str) -> bool {
    !matches!(cell.trim(), "" | "{}" | "[]" | "null")
}

/// What held the old key back and cannot hold the new one.
fn bounds(key: &Row, tables: &Tables) -> Vec<String> {
    let is_bound = |(column, _): &&(&str, &str)| {
        let said = said(key, column, tables).filter(|said| says_something(said));
        said.is_some_and(|said| *column != "allowed_routes" || list(said) != [ROUTES_OF_CALLS])
    };
    let columns = BOUNDS.iter().filter(is_bound).map(|(_, what)| *what);
    let mut bounds: Vec<String> = columns.map(ToOwned::to_owned).collect();
    let metadata = key.get("metadata").filter(|said| says_something(said));
    let metadata =
        metadata.map(|text| serde_json::from_str::<BTreeMap<String, serde_json::Value>>(text));
    match metadata {
        None => {}
        Some(Err(_)) => bounds.push("`metadata` that is no JSON".to_owned()),
        Some(Ok(metadata)) => {
            let is_bound = |(name, _): &&(&str, &str)| {
                let said = metadata.get(*name).map(ToString::to_string);
                said.is_some_and(|said| says_something(&said))
            };
            let within = BOUNDS_IN_METADATA.iter().filter(is_bound);
            bounds.extend(within.map(|(_, what)| (*what).to_owned()));
        }
    }
    let no_such = |what: String| format!("{what}: a key has no such limit");
    bounds.into_iter().map(no_such).collect()
}

/// Its alias, or the first digits of its hash.
fn name_of(key: &Row) -> String {
    let hash = || {
        let token = key.get("token").map_or("", String::as_str);
        let digits: String = token
            .chars()
            .filter(char::is_ascii_hexdigit)
            .take(8)
            .collect();
        format!("litellm-{digits}")
    };
    let alias = key.get("key_alias").map(|alias| alias.trim());
    let fits = |alias: &&str| {
        !alias.is_empty() && alias.chars().count() <= 128 && !alias.chars().any(char::is_control)
    };
    alias.filter(fits).map_or_else(hash, ToOwned::to_owned)
}

/// A column of the key, else of the budget that it names.
fn said<'t>(key: &'t Row, column: &str, tables: &'t Tables) -> Option<&'t String> {
    let budget = || tables.budgets.get(key.get("budget_id")?)?.get(column);
    key.get(column).or_else(budget)
}

fn duration_of<'t>(key: &'t Row, tables: &'t Tables) -> Option<&'t String> {
    said(key, "max_budget", tables).and_then(|_| said(key, "budget_duration", tables))
}

fn budget(key: &Row, tables: &Tables) -> Result<Option<String>, String> {
    let Some(text) = said(key, "max_budget", tables) else {
        return match key
            .get("budget_id")
            .filter(|id| !tables.budgets.contains_key(*id))
        {
            Some(_) => Err("its budget stands in a table that was not given".to_owned()),
            None => Ok(None),
        };
    };
    let amount = Money::parse(text)
        .ok()
        .filter(|amount| *amount > Money::ZERO);
    let amount = amount.ok_or("a budget that is no amount above zero")?;
    let period = match duration_of(key, tables).map(String::as_str) {
        Some("1d" | "24h") => "day",
        Some("7d" | "1w") => "week",
        Some("30d" | "31d" | "1mo") => "month",
        Some(_) => {
            return Err("a budget of another period than a day, a week or a month".to_owned());
        }
        None => {
            return Err("a budget without a period: a key's is by day, week or month".to_owned());
        }
    };
    Ok(Some(format!("--budget {amount}/{period}")))
}

fn limit(key: &Row, column: &str, option: &str, tables: &Tables) -> Result<Option<String>, String> {
    let Some(text) = said(key, column, tables) else {
        return Ok(None);
    };
    let whole = text.strip_suffix(".0").unwrap_or(text);
    match whole.parse::<u64>() {
        Ok(number @ 1..) => Ok(Some(format!("{option} {number}"))),
        _ => Err(format!("`{column}` is no number above zero")),
    }
}

/// The models of the key that are also its team's or user's; without any, or where it says so, all of
/// those; and without any of those, what callers could ask for at all.
fn models(key: &Row, tables: &Tables) -> Result<Option<String>, String> {
    let own = limited_to(key)?;
    let owner = tables.owner_of(key);
    if owner.is_none() && key.contains_key("team_id") {
        return Err("it has the models of a team that was not given".to_owned());
    }
    let owners = owner.map(limited_to).transpose()?.flatten();
    let names: Vec<String> = match (own, owners) {
        (Some(own), Some(owners)) => own
            .into_iter()
            .filter(|name| owners.contains(name))
            .collect(),
        (Some(names), None) | (None, Some(names)) => names,
        (None, None) => match &tables.names {
            Some(names) => names.clone(),
            None => return Ok(None),
        },
    };
    if names.is_empty() {
        return Err("no model that came over is its and its team's".to_owned());
    }
    let plain = |name: &String| !name.contains(['*', ',', ' ', '"']);
    match names.iter().all(plain) {
        true => Ok(Some(format!("--models {}", quoted(&names.join(","))))),
        false => Err("a model whose name no list can hold".to_owned()),
    }
}

/// The models that a row names; `None` where it leaves them to others.
fn limited_to(row: &Row) -> Result<Option<Vec<String>>, String> {
    let names = row.get("models").map_or_else(Vec::new, |text| list(text));
    let all = ["all-team-models", "all-proxy-models"];
    if names.is_empty() || names.iter().any(|name| all.contains(&name.as_str())) {
        return Ok(None);
    }
    let plain = |name: &String| !name.contains('*') && name != "no-default-models";
    match names.iter().all(plain) {
        true => Ok(Some(names)),
        false => Err("models by a wildcard, or none at all".to_owned()),
    }
}

/// A list of JSON, or of PostgreSQL as CSV has it: `{a,"b c"}`.
fn list(text: &str) -> Vec<String> {
    if let Ok(names) = serde_json::from_str(text) {
        return names;
    }
    let inside = text.trim().trim_start_matches('{').trim_end_matches('}');
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.has_headers(false).from_reader(inside.as_bytes());
    let Some(Ok(names)) = reader.records().next() else {
        return Vec::new();
    };
    let names = names.iter().filter(|name| !name.is_empty());
    names.map(ToOwned::to_owned).collect()
}

/// The day it ends; empty where that has passed.
fn expires(key: &Row, today: Date) -> Result<Option<String>, String> {
    let Some(text) = key.get("expires") else {
        return Ok(None);
    };
    let day = text.get(..10).and_then(Date::parse);
    let day = day.ok_or("`expires` begins with no day such as 2026-12-31")?;
    Ok(Some(match day <= today {
        true => String::new(),
        false => format!("--expires {day}"),
    }))
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/@:,+-".contains(c);
    let printable: String = word
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        true => printable,
        false => format!("'{}'", printable.replace('\'', "'\\''")),
    }
}
