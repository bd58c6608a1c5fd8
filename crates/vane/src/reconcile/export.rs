//! Exports of providers, told apart by their columns.
//!
//! Every provider names the same few things otherwise: a table of names is all there is to know
//! of an export. A column that stands in none is not read.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::value::RawValue;
use vane_catalog::{Date, Money};

use super::ExportDay;
use super::amount::dollars_half_up;
use crate::import::table::{self, Row};

/// A day, as text or as unix seconds; the first that a row has.
const DAYS: [&str; 9] = [
    "day",
    "date",
    "usage_date_utc",
    "start_time_iso",
    "starting_at",
    "created_at",
    "timestamp",
    "start_time",
    "created",
];
const MODELS: [&str; 5] = [
    "model",
    "model_version",
    "model_permaslug",
    "model_id",
    "line_item",
];
const CALLS: [&str; 4] = ["calls", "requests", "num_model_requests", "num_requests"];
/// One of these is all input.
const INPUT: [&str; 3] = ["input_tokens", "prompt_tokens", "tokens_prompt"];
/// Together they are all input.
const INPUT_PARTS: [&str; 8] = [
    "usage_input_tokens_no_cache",
    "usage_input_tokens_cache_write_5m",
    "usage_input_tokens_cache_write_1h",
    "usage_input_tokens_cache_read",
    "uncached_input_tokens",
    "cache_creation.ephemeral_5m_input_tokens",
    "cache_creation.ephemeral_1h_input_tokens",
    "cache_read_input_tokens",
];
const OUTPUT: [&str; 4] = [
    "output_tokens",
    "usage_output_tokens",
    "completion_tokens",
    "tokens_completion",
];
const COST: [&str; 6] = [
    "cost",
    "cost_usd",
    "amount_value",
    "amount.value",
    "cost_total",
    "usage",
];
const CURRENCY: [&str; 3] = ["amount_currency", "amount.currency", "currency"];

/// An object of JSON, its values as they were written.
type Object<'t> = BTreeMap<String, &'t RawValue>;

/// No provider of models is older, and no export is of days to come: 2000-01-01 and 2100-01-01.
const SECONDS: Range<i64> = 946_684_800..4_102_444_800;

/// Why an export is not compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExportFault(pub String);

/// The days of an export, rows of one day and model summed.
///
/// # Errors
/// When it is neither CSV nor JSON, or a row of it cannot be read.
pub fn read(text: &str) -> Result<Vec<ExportDay>, ExportFault> {
    let tables = table::read(text).map_err(|fault| ExportFault(fault.0))?;
    let rows = match pages(text)? {
        Some(rows) => rows,
        None => tables.into_iter().flatten().collect(),
    };
    let rows: Vec<Row> = rows.into_iter().flat_map(buckets).collect();
    let mut days: BTreeMap<(Date, Option<String>), ExportDay> = BTreeMap::new();
    let mut said = false;
    for (at, row) in rows.into_iter().enumerate() {
        let row: Row = row
            .into_iter()
            .map(|(name, cell)| (plain(&name), cell))
            .collect();
        let Some(one) = day(&row).map_err(|what| ExportFault(format!("row {}: {what}", at + 1)))?
        else {
            continue;
        };
        said = true;
        let key = (one.day, one.model.clone());
        match days.get_mut(&key) {
            None => {
                days.insert(key, one);
            }
            Some(sum) => {
                let fault = || ExportFault(format!("row {}: sums that are too large", at + 1));
                add(sum, &one).ok_or_else(fault)?;
            }
        }
    }
    match said {
        true => Ok(days.into_values().collect()),
        false => Err(ExportFault(
            "no row has a day and an amount under a name that is known".to_owned(),
        )),
    }
}

/// The rows of a list of pages, as `jq -s` makes one of what an API answers; none where it is no such
/// list.
///
/// # Errors
/// When the last page says that there are more: what stands there would be taken for nothing.
fn pages(text: &str) -> Result<Option<Vec<Row>>, ExportFault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let says_more = |page: &Object<'_>| {
        let more = page.get("has_more").map(|more| more.get());
        more.is_some_and(|more| !matches!(more, "false" | "null"))
    };
    let wanted = "fetch `next_page` too";
    let rows_of = |page: &Object<'_>| {
        let rows: Vec<Object<'_>> = serde_json::from_str(page.get("data")?.get()).ok()?;
        Some(rows.iter().map(table::row).collect())
    };
    let Ok(list) = serde_json::from_str::<Vec<Object<'_>>>(text) else {
        return match serde_json::from_str(text) {
            Ok(page) if says_more(&page) => {
                let what = format!("this is one page of several: {wanted}");
                Err(ExportFault(what))
            }
            Ok(_) | Err(_) => Ok(None),
        };
    };
    let rows: Option<Vec<Vec<Row>>> = list.iter().map(rows_of).collect();
    match (rows, list.last()) {
        (Some(_), Some(last)) if says_more(last) => {
            let what = format!("the last of these pages says that there are more: {wanted}");
            Err(ExportFault(what))
        }
        (Some(rows), Some(_)) => Ok(Some(rows.concat())),
        (Some(_) | None, _) => Ok(None),
    }
}

/// A page of buckets, as the APIs of OpenAI and Anthropic give them, holds its rows in `results`.
fn buckets(row: Row) -> Vec<Row> {
    let Some(results) = row.get("results") else {
        return vec![flat(row)];
    };
    let Ok(results) = serde_json::from_str::<Vec<BTreeMap<String, &RawValue>>>(results) else {
        return vec![flat(row)];
    };
    let outside: Vec<_> = row.iter().filter(|(name, _)| *name != "results").collect();
    let with_day = results.iter().map(|result| {
        let mut inside = flat(table::row(result));
        for (name, cell) in &outside {
            inside
                .entry((*name).clone())
                .or_insert_with(|| (*cell).clone());
        }
        inside
    });
    with_day.collect()
}

/// Objects within a row as columns of their own: `amount.value`.
fn flat(row: Row) -> Row {
    let mut out = Row::new();
    for (name, cell) in row {
        match serde_json::from_str::<BTreeMap<String, &RawValue>>(&cell) {
            Ok(object) if cell.starts_with('{') => {
                let inside = table::row(&object).into_iter();
                out.extend(inside.map(|(inner, cell)| (format!("{name}.{inner}"), cell)));
            }
            _ => {
                out.insert(name, cell);
            }
        }
    }
    out
}

/// `Prompt Tokens` is `prompt_tokens`.
fn plain(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace([' ', '-'], "_")
}

/// The first of these columns that a row has.
fn any<'r>(row: &'r Row, names: &[&'static str]) -> Option<(&'r String, &'static str)> {
    let mut names = names.iter();
    names.find_map(|name| Some((row.get(*name)?, *name)))
}

/// A row; none where it says no amount, as days without use do.
fn day(row: &Row) -> Result<Option<ExportDay>, String> {
    let count = |text: &String, name: &str| {
        let whole = text.strip_suffix(".0").unwrap_or(text);
        whole
            .parse::<u64>()
            .map_err(|_| format!("`{name}` is no count"))
    };
    let first = |names: &[&'static str]| {
        any(row, names)
            .map(|(text, name)| count(text, name))
            .transpose()
    };
    let mut parts = None;
    for name in INPUT_PARTS {
        if let Some(text) = row.get(name) {
            let sum = parts.unwrap_or(0_u64).checked_add(count(text, name)?);
            parts = Some(sum.ok_or("its input is too large")?);
        }
    }
    let (calls, output) = (first(&CALLS)?, first(&OUTPUT)?);
    let input = match parts {
        Some(sum) => Some(sum),
        None => first(&INPUT)?,
    };
    let cost = any(row, &COST).map(|(text, name)| {
        dollars_half_up(text).ok_or_else(|| format!("`{name}` is no amount of dollars"))
    });
    let cost: Option<Money> = cost.transpose()?;
    if calls.is_none() && input.is_none() && output.is_none() && cost.is_none() {
        return Ok(None);
    }
    if cost.is_some()
        && any(row, &CURRENCY).is_some_and(|(text, _)| !text.eq_ignore_ascii_case("usd"))
    {
        return Err("an amount that is not in dollars".to_owned());
    }
    let (text, name) = any(row, &DAYS).ok_or("no day")?;
    let day = day_of(text).map_err(|what| format!("`{name}` is {what}"))?;
    // A line item is a model and a kind of token.
    let model =
        any(row, &MODELS).map(|(text, _)| text.split(", ").next().unwrap_or(text).to_owned());
    Ok(Some(ExportDay {
        day,
        model,
        calls,
        input,
        output,
        cost,
    }))
}

/// `2026-11-21`, with or without a time in UTC, or unix seconds; else what it is instead.
fn day_of(text: &str) -> Result<Date, &'static str> {
    if let Ok(number) = text.parse::<i64>() {
        return match SECONDS.contains(&number) {
            true => Ok(Date::of(number)),
            false if SECONDS.contains(&(number / 1_000)) => {
                Err("in milliseconds: a day is in unix seconds, or such as 2026-11-21")
            }
            false => Err("no day"),
        };
    }
    let day = text.get(..10).and_then(Date::parse);
    let day = day.filter(|day| SECONDS.contains(&day.starts_at()));
    let (Some(day), Some(time)) = (day, text.get(10..)) else {
        return Err("no day");
    };
    // A time elsewhere is another day there.
    let is_utc = match time.rfind(['+', '-']) {
        Some(at) => time[at + 1..].bytes().all(|b| b == b'0' || b == b':'),
        None => true,
    };
    match is_utc {
        true => Ok(day),
        false => Err("no day in UTC"),
    }
}

/// Adds the amounts of a row of the same day and model.
fn add(sum: &mut ExportDay, one: &ExportDay) -> Option<()> {
    let counts = [
        (&mut sum.calls, one.calls),
        (&mut sum.input, one.input),
        (&mut sum.output, one.output),
    ];
    for (sum, more) in counts {
        if let Some(more) = more {
            *sum = Some(sum.unwrap_or(0).checked_add(more)?);
        }
    }
    if let Some(more) = one.cost {
        sum.cost = Some(Money::checked_sum([sum.cost.unwrap_or(Money::ZERO), more])?);
    }
    Some(())
}
