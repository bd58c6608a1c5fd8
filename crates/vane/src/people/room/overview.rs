//! `/console`: balance, what was used and spent in a span of days, the last calls.
//!
//! Invariant: every number is a sum that the books keep; what was not measured is not shown.

use std::collections::BTreeMap;

use askama::Template;
use http::StatusCode;
use serde_json::Value;
use vane_catalog::{Date, Money};
use vane_dialect::Fault;
use vane_dialect::fault::Kind;
use vane_ledger::NEWEST_MAX;

use super::quality::Quality;
use super::{Desk, Room, text};
use crate::api::{Asks, Page};
use crate::first_call::to_paste;
use crate::people::visitor::Visitor;
use crate::people::{Asked, reply};
use crate::relay::Response;
use crate::site::Frame;
use crate::site::chart::{Caption, Stack, bars};
use crate::site::figures::{amount, dollars, grouped};

const DAY: i64 = 86_400;
const RANGES: [i64; 3] = [7, 30, 90];
/// Models that the chart tells apart; the others are one part.
const TOLD_APART: usize = 2;
/// Keys that are named; all stand on a page of their own.
const KEYS_MAX: usize = 5;

#[derive(Template)]
#[template(path = "console.html")]
struct OverviewPage {
    frame: Frame,
    room: Room,
    balance: String,
    is_prepaid: bool,
    is_frozen: bool,
    month: String,
    /// Days that are shown, and the choices.
    days: i64,
    ranges: [i64; 3],
    calls: String,
    tokens_in: String,
    tokens_out: String,
    spent: String,
    /// Nothing where these days have no call.
    quality: Option<Quality>,
    /// Whether there is any spend to draw.
    has_spent: bool,
    chart: String,
    /// What the parts of a bar are.
    parts: Vec<String>,
    rows: Vec<DayRow>,
    models: Vec<Ranked>,
    keys: Vec<Ranked>,
    calls_last: Vec<CallRow>,
    /// A call to paste, where there was none yet and a model answers.
    first_call: Option<String>,
}

struct DayRow {
    day: String,
    spent: Vec<String>,
    sum: String,
}

/// A model or a key.
struct Ranked {
    name: String,
    calls: String,
    spent: String,
}

/// A receipt in a list.
pub(in crate::people) struct CallRow {
    pub(in crate::people) id: String,
    pub(in crate::people) when: String,
    pub(in crate::people) model: String,
    pub(in crate::people) key: String,
    pub(in crate::people) status: String,
    pub(in crate::people) charged: String,
}

impl CallRow {
    pub(in crate::people) fn of(receipt: &Value) -> Self {
        Self {
            id: text(receipt, "id").to_owned(),
            when: instant(receipt["created"].as_i64().unwrap_or_default()),
            model: text(receipt, "model").to_owned(),
            key: text(receipt, "key").to_owned(),
            status: text(receipt, "status").replace('_', " "),
            charged: dollars(text(receipt, "charged")),
        }
    }
}

pub(in crate::people) async fn answer(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    let desk = Desk::of(asked, visitor)?;
    let now = desk.now();
    let days = asked
        .query
        .strip_prefix("days=")
        .and_then(|days| days.parse().ok());
    let days = days.filter(|days| RANGES.contains(days)).unwrap_or(30);
    let until = now.saturating_sub(now.rem_euclid(DAY)).saturating_add(DAY);
    let from = until.saturating_sub(days.saturating_mul(DAY));
    let span = format!(
        "from={}&until={}&by=day_model&newest={NEWEST_MAX}",
        Date::of(from),
        Date::of(until)
    );
    let credits = desk.told(Asks::get(Page::Credits, "")).await?;
    let month = desk.told(Asks::get(Page::Usage, "")).await?;
    let usage = desk.told(Asks::get(Page::Usage, &span)).await?;
    let last = desk.told(Asks::get(Page::Receipts, "limit=10")).await?;
    let used = Used::of(&usage);
    let calls_last: Vec<CallRow> = list(&last).iter().map(CallRow::of).collect();
    let first_call = match calls_last.is_empty() {
        true => to_paste("$VANE_KEY", &asked.gateway.state()),
        false => None,
    };
    let (parts, rows, chart) = used.drawn(from, until);
    let spent = money(&usage["total"]["charged"]);
    let page = OverviewPage {
        frame: desk.frame("Console"),
        room: desk.room("/console"),
        balance: amount(money(&credits["balance"])),
        is_prepaid: text(&credits, "kind") == "prepaid",
        is_frozen: credits["frozen"] == true,
        month: amount(money(&month["total"]["charged"])),
        days,
        ranges: RANGES,
        calls: count(&usage["total"]["calls"]),
        tokens_in: grouped(used.tokens_in),
        tokens_out: grouped(used.tokens_out),
        quality: Quality::of(&usage, used.cached, used.tokens_in),
        has_spent: spent > Money::ZERO,
        spent: amount(spent),
        chart,
        parts,
        rows,
        models: used.models(),
        keys: keys(&desk, from, until).await?,
        calls_last,
        first_call,
    };
    reply::page(StatusCode::OK, &page)
}

/// The keys that spent most, where there are several.
async fn keys(desk: &Desk<'_>, from: i64, until: i64) -> Result<Vec<Ranked>, Fault> {
    let span = format!("from={}&until={}&by=key", Date::of(from), Date::of(until));
    let usage = desk.told(Asks::get(Page::Usage, &span)).await?;
    let mut rows: Vec<&Value> = list(&usage).iter().collect();
    if rows.len() < 2 {
        return Ok(Vec::new());
    }
    rows.sort_by_key(|row| std::cmp::Reverse((money(&row["charged"]), row["calls"].as_u64())));
    let mut ranked = Vec::new();
    for row in rows.into_iter().take(KEYS_MAX) {
        ranked.push(Ranked {
            name: key_name(desk, text(row, "key")).await?,
            calls: count(&row["calls"]),
            spent: amount(money(&row["charged"])),
        });
    }
    Ok(ranked)
}

/// The name of a lineage; its id where no key is behind it.
async fn key_name(desk: &Desk<'_>, lineage: &str) -> Result<String, Fault> {
    let asks = Asks {
        rest: lineage,
        ..Asks::get(Page::Key, "")
    };
    match desk.told(asks).await {
        Ok(key) => Ok(text(&key, "name").to_owned()),
        Err(fault) if fault.kind == Kind::NotFound => Ok(lineage.to_owned()),
        Err(fault) => Err(fault),
    }
}

/// What a span of days used, by model and by day.
#[derive(Default)]
struct Used {
    tokens_in: u64,
    cached: u64,
    tokens_out: u64,
    by_model: BTreeMap<String, (u64, i64)>,
    by_day: BTreeMap<String, BTreeMap<String, i64>>,
}

impl Used {
    fn of(usage: &Value) -> Self {
        let mut used = Self::default();
        for row in list(usage) {
            let number = |name: &str| row[name].as_u64().unwrap_or_default();
            let (model, charged) = (text(row, "model"), money(&row["charged"]).pico());
            used.tokens_in = used.tokens_in.saturating_add(number("input_tokens"));
            used.cached = used.cached.saturating_add(number("cached_tokens"));
            used.tokens_out = used.tokens_out.saturating_add(number("output_tokens"));
            let sums = used.by_model.entry(model.to_owned()).or_default();
            sums.0 = sums.0.saturating_add(number("calls"));
            sums.1 = sums.1.saturating_add(charged);
            let day = used.by_day.entry(text(row, "day").to_owned()).or_default();
            day.insert(model.to_owned(), charged);
        }
        used
    }

    /// By what was spent on them.
    fn ranked(&self) -> Vec<(&String, u64, i64)> {
        let models = self.by_model.iter();
        let mut models: Vec<_> = models
            .map(|(model, (calls, spent))| (model, *calls, *spent))
            .collect();
        models.sort_by_key(|(model, calls, spent)| (std::cmp::Reverse((*spent, *calls)), *model));
        models
    }

    fn models(&self) -> Vec<Ranked> {
        let row = |(model, calls, spent): (&String, u64, i64)| Ranked {
            name: model.clone(),
            calls: grouped(calls),
            spent: amount(Money::from_pico(spent)),
        };
        self.ranked().into_iter().take(20).map(row).collect()
    }

    /// The parts of each bar, the table of them, and the bars.
    fn drawn(&self, from: i64, until: i64) -> (Vec<String>, Vec<DayRow>, String) {
        let ranked = self.ranked();
        let told: Vec<String> = ranked
            .iter()
            .take(TOLD_APART)
            .map(|(model, ..)| (*model).clone())
            .collect();
        let mut parts = told.clone();
        if ranked.len() > told.len() {
            parts.push("all others".to_owned());
        }
        let (mut stacks, mut rows): (Vec<Stack>, Vec<DayRow>) = (Vec::new(), Vec::new());
        let mut at = from;
        while at < until {
            let day = Date::of(at).to_string();
            let spent = self.by_day.get(&day);
            let mut stack = vec![0_i64; parts.len()];
            for (model, pico) in spent.into_iter().flatten() {
                let place = told
                    .iter()
                    .position(|known| known == model)
                    .unwrap_or(told.len());
                if let Some(part) = stack.get_mut(place) {
                    *part = part.saturating_add(*pico);
                }
            }
            let shown = |pico: i64| amount(Money::from_pico(pico));
            if spent.is_some() {
                let sum = stack
                    .iter()
                    .fold(0_i64, |sum, part| sum.saturating_add(*part));
                rows.push(DayRow {
                    day,
                    spent: stack.iter().copied().map(shown).collect(),
                    sum: shown(sum),
                });
            }
            stacks.push(stack);
            at = at.saturating_add(DAY);
        }
        rows.reverse();
        let caption = Caption {
            id: "spend",
            title: "Spend by day",
            description: "What each day cost, by model. The table below has the same numbers.",
        };
        let ends = (
            Date::of(from).to_string(),
            Date::of(until.saturating_sub(DAY)).to_string(),
        );
        let label = |pico: i64| amount(Money::from_pico(pico));
        let chart = bars(caption, &stacks, (&ends.0, &ends.1), label);
        (parts, rows, chart)
    }
}

fn list(value: &Value) -> &[Value] {
    value["data"].as_array().map_or(&[], Vec::as_slice)
}

fn count(value: &Value) -> String {
    grouped(value.as_u64().unwrap_or_default())
}

/// An amount that the API told.
pub(in crate::people) fn money(value: &Value) -> Money {
    value
        .as_str()
        .and_then(|text| Money::parse(text).ok())
        .unwrap_or_default()
}

/// `2026-11-20 14:05 UTC`.
pub(in crate::people) fn instant(at: i64) -> String {
    let second = at.rem_euclid(DAY);
    format!(
        "{} {:02}:{:02} UTC",
        Date::of(at),
        second / 3_600,
        second / 60 % 60
    )
}
