//! `/console/receipts` and `/console/receipts/{id}`: what each call cost, line by line.
//!
//! Invariant: pages follow the chain of receipts, so that each costs what it shows; nothing is
//! counted first.

use askama::Template;
use http::{Method, StatusCode};
use serde_json::Value;
use vane_dialect::Fault;

use super::overview::CallRow;
use super::{Desk, Room, instant, text};
use crate::api::{Asks, Page};
use crate::people::visitor::Visitor;
use crate::people::{Asked, reply};
use crate::relay::Response;
use crate::site::Frame;
use crate::site::figures::{dollars, grouped, href, lasting};
use crate::site::times::Times;

const SHOWN: usize = 50;
/// Receipts that one page looks through for what a filter wants.
const LOOKED_AT_MAX: usize = 500;

#[derive(Template)]
#[template(path = "console-receipts.html")]
struct ReceiptsPage {
    frame: Frame,
    room: Room,
    rows: Vec<CallRow>,
    older: Option<String>,
    model: String,
    key: String,
    status: String,
    statuses: [(&'static str, &'static str); 5],
}

const STATUSES: [(&str, &str); 5] = [
    ("done", "done"),
    ("stopped", "stopped"),
    ("client_gone", "client gone"),
    ("failed", "failed"),
    ("interrupted", "interrupted"),
];

#[derive(Template)]
#[template(path = "console-receipt.html")]
struct ReceiptPage {
    frame: Frame,
    room: Room,
    id: String,
    facts: Vec<(&'static str, String)>,
    times: Times,
    attempts: Vec<AttemptRow>,
    charged: String,
}

struct AttemptRow {
    provider: String,
    model: String,
    outcome: String,
    fault: String,
    counted: String,
    rates: String,
    cost: String,
    lines: Vec<[String; 4]>,
}

/// What is looked for; an empty text is anything.
struct Wanted<'a> {
    model: &'a str,
    key: &'a str,
    status: &'a str,
}

impl Wanted<'_> {
    fn is_anything(&self) -> bool {
        self.model.is_empty() && self.key.is_empty() && self.status.is_empty()
    }

    fn fits(&self, receipt: &Value) -> bool {
        let fits = |name, wanted: &str| wanted.is_empty() || text(receipt, name) == wanted;
        fits("model", self.model) && fits("key", self.key) && fits("status", self.status)
    }

    fn query(&self, before: i64) -> String {
        let mut query = format!("/console/receipts?before={before}");
        for (name, value) in [
            ("model", self.model),
            ("key", self.key),
            ("status", self.status),
        ] {
            if !value.is_empty() {
                let value = crate::site::figures::query_value(value);
                query.push_str(&format!("&{name}={value}"));
            }
        }
        query
    }
}

pub(in crate::people) async fn answer(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    let desk = Desk::of(asked, visitor)?;
    let query = crate::site::Query::read(asked.query);
    if let Some(id) = query.text("id") {
        return Ok(reply::elsewhere(&href("/console/receipts/", id)));
    }
    let field = |name| query.text(name).unwrap_or_default();
    let wanted = Wanted {
        model: field("model"),
        key: field("key"),
        status: field("status"),
    };
    let mut before: Option<i64> = field("before").parse().ok().filter(|n| *n > 0);
    let (mut rows, mut looked_at) = (Vec::new(), 0);
    loop {
        let mut asks = format!("limit={SHOWN}");
        if let Some(before) = before {
            asks += &format!("&before={before}");
        }
        let page = desk.told(Asks::get(Page::Receipts, &asks)).await?;
        let found = page["data"].as_array().map_or(&[][..], Vec::as_slice);
        looked_at += found.len();
        let fits = found.iter().filter(|receipt| wanted.fits(receipt));
        rows.extend(fits.map(CallRow::of));
        before = page["before"].as_i64();
        // One step may bring more than a page: the chain goes on where it ended.
        let is_enough = wanted.is_anything() || rows.len() >= SHOWN;
        if before.is_none() || is_enough || looked_at >= LOOKED_AT_MAX {
            break;
        }
    }
    let page = ReceiptsPage {
        frame: desk.frame("Receipts"),
        room: desk.room("/console/receipts"),
        rows,
        older: before.map(|before| wanted.query(before)),
        model: wanted.model.to_owned(),
        key: wanted.key.to_owned(),
        status: wanted.status.to_owned(),
        statuses: STATUSES,
    };
    reply::page(StatusCode::OK, &page)
}

pub(in crate::people) async fn one(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    let desk = Desk::of(asked, visitor)?;
    let asks = Asks {
        page: Page::Receipt,
        method: Method::GET,
        rest: &asked.rest,
        query: "",
        body: None,
    };
    let receipt = desk.told(asks).await?;
    let usd = |name: &str| dollars(text(&receipt, name));
    let or_none = |name: &str| match receipt[name].is_string() {
        true => usd(name),
        false => "nothing".to_owned(),
    };
    let facts = vec![
        (
            "When",
            instant(receipt["created"].as_i64().unwrap_or_default()),
        ),
        ("Model asked for", text(&receipt, "model").to_owned()),
        ("Key", text(&receipt, "key").to_owned()),
        ("Ended", text(&receipt, "status").replace('_', " ")),
        ("Took", took(&receipt)),
        ("Streamed", yes_or_no(&receipt["stream"])),
        ("Cost", usd("cost")),
        ("Charged", usd("charged")),
        ("Paid by the operator", usd("lost")),
        ("Held before", or_none("held")),
        ("Cost as the provider said", or_none("reported_cost")),
        ("Balance after it", usd("balance")),
    ];
    let attempts = receipt["attempts"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let page = ReceiptPage {
        frame: desk.frame("A receipt"),
        room: desk.room("/console/receipts"),
        id: text(&receipt, "id").to_owned(),
        facts,
        times: Times::of(&receipt, "times"),
        attempts: attempts.iter().map(attempt).collect(),
        charged: usd("charged"),
    };
    reply::page(StatusCode::OK, &page)
}

/// Of a call that was cut off with its process, only its last word is known.
fn took(receipt: &Value) -> String {
    let took = lasting(receipt["took_ms"].as_u64().unwrap_or_default());
    match text(receipt, "status") {
        "interrupted" => format!("{took} or more"),
        _ => took,
    }
}

fn yes_or_no(value: &Value) -> String {
    (if *value == true { "yes" } else { "no" }).to_owned()
}

fn attempt(attempt: &Value) -> AttemptRow {
    let lines = attempt["lines"].as_array().map_or(&[][..], Vec::as_slice);
    let line = |line: &Value| {
        [
            text(line, "bucket").replace('_', " "),
            grouped(line["quantity"].as_u64().unwrap_or_default()),
            dollars(text(line, "price")),
            dollars(text(line, "amount")),
        ]
    };
    let said = |name: &str| text(attempt, name).to_owned();
    AttemptRow {
        provider: said("provider"),
        model: said("model"),
        outcome: text(attempt, "outcome").replace('_', ", "),
        fault: said("fault"),
        counted: said("counted"),
        rates: said("rate_version"),
        cost: dollars(text(attempt, "cost")),
        lines: lines.iter().map(line).collect(),
    }
}
