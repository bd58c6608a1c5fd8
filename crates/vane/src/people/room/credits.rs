//! `/console/credits`: the balance, what it is the sum of, and topping it up.
//!
//! Invariant: the running balance of each line is the one that was posted with it, never reckoned
//! here.

use askama::Template;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, HeaderValue};
use serde_json::{Value, json};
use vane_dialect::Fault;
use vane_ledger::Right;

use super::overview::{instant, money};
use super::{Desk, Room, text};
use crate::api::{Asks, Page};
use crate::people::visitor::Visitor;
use crate::people::{Asked, reply};
use crate::relay::Response;
use crate::site::Frame;
use crate::site::figures::{amount, dollars};

const SHOWN: usize = 50;
/// Lines of a file: the newest.
const FILE_LINES_MAX: usize = 10_000;
const FILE_STEP: usize = 1_000;

#[derive(Template)]
#[template(path = "console-credits.html")]
struct CreditsPage {
    frame: Frame,
    room: Room,
    balance: String,
    held: String,
    promotional: String,
    is_prepaid: bool,
    may_top_up: bool,
    wrong: Option<String>,
    /// Where a top-up that was begun is paid, and how much with the fee.
    begun: Option<(String, String)>,
    rows: Vec<EntryRow>,
    older: Option<i64>,
}

struct EntryRow {
    when: String,
    what: String,
    receipt: Option<String>,
    amount: String,
    balance: String,
}

impl EntryRow {
    fn of(entry: &Value) -> Self {
        let is_call = entry["receipt"].is_string();
        Self {
            when: instant(entry["created"].as_i64().unwrap_or_default()),
            what: match is_call {
                true => text(entry, "model").to_owned(),
                false => format!(
                    "{}: {}",
                    text(entry, "kind").replace('_', " "),
                    text(entry, "reason")
                ),
            },
            receipt: entry["receipt"].as_str().map(str::to_owned),
            amount: dollars(text(entry, "amount")),
            balance: dollars(text(entry, "balance")),
        }
    }
}

pub(in crate::people) async fn answer(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    let desk = Desk::of(asked, visitor)?;
    let Some(form) = &asked.form else {
        return shown(&desk, None, None).await;
    };
    let body = json!({ "amount": form.text("amount").trim_start_matches('$') });
    let begun = desk.told(Asks::post(Page::TopUps, "", body)).await;
    match reply::tried(begun)? {
        Ok(begun) => {
            let sum = amount(money(&begun["total"]));
            shown(&desk, None, Some((text(&begun, "url").to_owned(), sum))).await
        }
        Err(fault) => shown(&desk, Some(&fault), None).await,
    }
}

async fn shown(
    desk: &Desk<'_>,
    wrong: Option<&Fault>,
    begun: Option<(String, String)>,
) -> Result<Response, Fault> {
    let before = desk.asked.query.strip_prefix("before=");
    let before: Option<i64> = before.and_then(|before| before.parse().ok());
    let credits = desk.told(Asks::get(Page::Credits, "")).await?;
    let entries = entries(desk, before, SHOWN).await?;
    let rows = entries["data"].as_array().map_or(&[][..], Vec::as_slice);
    let payments = desk.asked.gateway.state().config.payments.is_some();
    let page = CreditsPage {
        frame: desk.frame("Credits"),
        room: desk.room("/console/credits"),
        balance: amount(money(&credits["balance"])),
        held: amount(money(&credits["held"])),
        promotional: amount(money(&credits["promotional"])),
        is_prepaid: text(&credits, "kind") == "prepaid",
        may_top_up: payments && desk.may(Right::TopUp),
        wrong: reply::wrong(wrong),
        begun,
        rows: rows.iter().map(EntryRow::of).collect(),
        older: entries["before"].as_i64(),
    };
    reply::with_form(wrong, &page)
}

async fn entries(desk: &Desk<'_>, before: Option<i64>, limit: usize) -> Result<Value, Fault> {
    let mut query = format!("limit={limit}");
    if let Some(before) = before {
        query += &format!("&before={before}");
    }
    desk.told(Asks::get(Page::Entries, &query)).await
}

/// The same as a file for a spreadsheet.
pub(in crate::people) async fn file(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    let desk = Desk::of(asked, visitor)?;
    let mut out = "time,kind,amount_usd,balance_usd,receipt,model,reason\r\n".to_owned();
    let (mut before, mut lines) = (None, 0);
    loop {
        let page = entries(&desk, before, FILE_STEP).await?;
        let rows = page["data"].as_array().map_or(&[][..], Vec::as_slice);
        for row in rows {
            let when = instant(row["created"].as_i64().unwrap_or_default());
            let plain = ["kind", "amount", "balance", "receipt"].map(|name| text(row, name));
            let said = ["model", "reason"].map(|name| cell(text(row, name)));
            out += &format!("{when},{},{}\r\n", plain.join(","), said.join(","));
        }
        lines += rows.len();
        before = page["before"].as_i64();
        if before.is_none() || lines >= FILE_LINES_MAX {
            break;
        }
    }
    let mut response = reply::body(StatusCode::OK, "text/csv; charset=utf-8", out);
    let name = HeaderValue::from_static("attachment; filename=\"credits.csv\"");
    response.headers_mut().insert(CONTENT_DISPOSITION, name);
    Ok(response)
}

/// Text of a caller or operator, so that no spreadsheet takes it for a formula.
fn cell(text: &str) -> String {
    let quoted = text.replace('"', "\"\"");
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{quoted}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s15_no_cell_is_a_formula() {
        assert_eq!(cell("=cmd|' /C calc'!A0"), "\"'=cmd|' /C calc'!A0\"");
        assert_eq!(cell("a \"b\", c"), "\"a \"\"b\"\", c\"");
    }
}
