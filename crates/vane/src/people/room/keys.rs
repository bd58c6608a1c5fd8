//! `/console/keys` and `/console/keys/{id}`: making, rotating and ending keys.
//!
//! Invariant: the text of a key is on the one page that answers its making, which nobody keeps.

use std::collections::BTreeMap;

use askama::Template;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use vane_catalog::{Date, Money};
use vane_dialect::Fault;
use vane_ledger::Right;

use super::{Desk, Room, instant, money, text};
use crate::api::{Asks, Page};
use crate::first_call::to_paste;
use crate::form::Form;
use crate::people::visitor::Visitor;
use crate::people::{Asked, reply};
use crate::relay::Response;
use crate::site::Frame;
use crate::site::figures::{amount, href};

/// Keys on one page.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "console-keys.html")]
struct KeysPage {
    frame: Frame,
    room: Room,
    rows: Vec<KeyRow>,
    /// Where the page goes on.
    next: Option<String>,
    may_make: bool,
    may_make_for_nobody: bool,
    wrong: Option<String>,
    /// What was typed.
    name: String,
    budget: String,
    models: String,
    expires: String,
}

#[derive(Template)]
#[template(path = "console-key-made.html")]
struct MadePage {
    frame: Frame,
    room: Room,
    name: String,
    key: String,
    /// Whose place it takes, and until when that one works.
    replaces: Option<String>,
    /// Nothing where no model answers.
    call: Option<String>,
}

#[derive(Template)]
#[template(path = "console-key.html")]
struct KeyPage {
    frame: Frame,
    room: Room,
    key: KeyRow,
    facts: Vec<(&'static str, String)>,
    may_change: bool,
    is_live: bool,
}

struct KeyRow {
    id: String,
    href: String,
    name: String,
    state: String,
    budget: String,
    spent: String,
    used: String,
    expires: String,
}

/// What a key did this month.
#[derive(Default)]
struct Month {
    spent: Money,
    /// When its last hour with a call began.
    last_hour: Option<i64>,
}

impl KeyRow {
    fn of(key: &Value, months: &BTreeMap<String, Month>) -> Self {
        let none = Month::default();
        let month = months.get(text(key, "lineage")).unwrap_or(&none);
        let budget = &key["budget"];
        let expires = key["expires_at"].as_i64();
        Self {
            id: text(key, "id").to_owned(),
            href: href("/console/keys/", text(key, "id")),
            name: text(key, "name").to_owned(),
            state: text(key, "state").to_owned(),
            budget: match budget.is_object() {
                true => format!("${} a {}", text(budget, "amount"), text(budget, "period")),
                false => "none".to_owned(),
            },
            spent: amount(month.spent),
            used: month
                .last_hour
                .map_or_else(|| "not this month".to_owned(), instant),
            expires: expires.map_or_else(|| "never".to_owned(), instant),
        }
    }
}

pub(in crate::people) async fn answer(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    let desk = Desk::of(asked, visitor)?;
    let Some(form) = &asked.form else {
        return listed(&desk, None, &Form::default()).await;
    };
    let made = match terms(form) {
        Ok(body) => desk.told(Asks::post(Page::Keys, "", body)).await,
        Err(fault) => Err(fault),
    };
    match reply::tried(made)? {
        Ok(made) => shown_once(&desk, &made),
        Err(fault) => listed(&desk, Some(&fault), form).await,
    }
}

async fn listed(desk: &Desk<'_>, wrong: Option<&Fault>, form: &Form) -> Result<Response, Fault> {
    let after = desk.asked.query.strip_prefix("after=").unwrap_or_default();
    let is_id = !after.is_empty() && after.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let query = match is_id {
        true => format!("limit={SHOWN}&after={after}"),
        false => format!("limit={SHOWN}"),
    };
    let keys = desk.told(Asks::get(Page::Keys, &query)).await?;
    let months = months(desk).await?;
    let rows = keys["data"].as_array().map_or(&[][..], Vec::as_slice);
    let page = KeysPage {
        frame: desk.frame("Keys"),
        room: desk.room("/console/keys"),
        rows: rows.iter().map(|key| KeyRow::of(key, &months)).collect(),
        next: keys["after"]
            .as_str()
            .map(|id| format!("/console/keys?after={id}")),
        may_make: desk.may(Right::OwnKeys),
        may_make_for_nobody: desk.may(Right::AllKeys),
        wrong: reply::wrong(wrong),
        name: form.text("name").to_owned(),
        budget: form.text("budget").to_owned(),
        models: form.text("models").to_owned(),
        expires: form.text("expires").to_owned(),
    };
    reply::with_form(wrong, &page)
}

/// What each key did this month, by its lineage.
async fn months(desk: &Desk<'_>) -> Result<BTreeMap<String, Month>, Fault> {
    let usage = desk.told(Asks::get(Page::Usage, "by=key")).await?;
    let rows = usage["data"].as_array().map_or(&[][..], Vec::as_slice);
    let month = |row: &Value| Month {
        spent: money(&row["charged"]),
        last_hour: row["last_hour"].as_i64(),
    };
    let row = |row: &Value| (text(row, "key").to_owned(), month(row));
    Ok(rows.iter().map(row).collect())
}

/// A form as the API takes it. What cannot be read as a number goes as it is, and is refused there.
fn terms(form: &Form) -> Result<Value, Fault> {
    let mut body = Map::new();
    body.insert("name".to_owned(), form.text("name").into());
    if !form.text("budget").is_empty() {
        let amount = form.text("budget").trim_start_matches('$');
        let budget = json!({ "amount": amount, "period": form.text("period") });
        body.insert("budget".to_owned(), budget);
    }
    for field in ["requests_per_minute", "tokens_per_minute", "concurrency"] {
        let said = form.text(field);
        if !said.is_empty() {
            let count = said
                .parse::<u32>()
                .map_or_else(|_| said.into(), Value::from);
            body.insert(field.to_owned(), count);
        }
    }
    let models = form.text("models").split([',', '\n', ' ']).map(str::trim);
    let models: Vec<&str> = models.filter(|model| !model.is_empty()).collect();
    if !models.is_empty() {
        body.insert("models".to_owned(), models.into());
    }
    if !form.text("expires").is_empty() {
        let day = Date::parse(form.text("expires")).ok_or_else(|| {
            Fault::invalid("expires_at", "the last day must be such as 2027-01-31")
        })?;
        body.insert("expires_at".to_owned(), day.starts_at().into());
    }
    if form.text("nobody") == "yes" {
        body.insert("member".to_owned(), Value::Null);
    }
    Ok(Value::Object(body))
}

fn shown_once(desk: &Desk<'_>, made: &Value) -> Result<Response, Fault> {
    let page = MadePage {
        frame: desk.frame("A new key"),
        room: desk.room("/console/keys"),
        name: text(made, "name").to_owned(),
        key: text(made, "key").to_owned(),
        replaces: made["replaces"].as_str().map(str::to_owned),
        call: to_paste(text(made, "key"), &desk.asked.gateway.state()),
    };
    reply::page(StatusCode::OK, &page)
}

pub(in crate::people) async fn one(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    let desk = Desk::of(asked, visitor)?;
    let id = asked.rest.as_str();
    let asks = |method, page, body| Asks {
        page,
        method,
        rest: id,
        query: "",
        body,
    };
    match asked.form.as_ref().map(|form| (form, form.text("do"))) {
        None => {
            let key = desk.told(asks(Method::GET, Page::Key, None)).await?;
            shown(&desk, &key).await
        }
        Some((form, "rotate")) => {
            let hours: i64 = form.text("hours").parse().unwrap_or(24);
            let body = json!({ "overlap_seconds": hours.clamp(0, 720) * 3_600 });
            let made = desk
                .told(asks(Method::POST, Page::Rotation, Some(body)))
                .await?;
            shown_once(&desk, &made)
        }
        Some((form, "revoke")) if form.text("sure") == "yes" => {
            desk.told(asks(Method::DELETE, Page::Key, None)).await?;
            Ok(reply::elsewhere("/console/keys"))
        }
        Some(_) => {
            let message = "nothing was done: tick the box that says you mean it";
            Err(Fault::invalid("sure", message))
        }
    }
}

async fn shown(desk: &Desk<'_>, key: &Value) -> Result<Response, Fault> {
    let months = months(desk).await?;
    let row = KeyRow::of(key, &months);
    let names = |name: &str| {
        let names = key[name].as_array().map(|names| {
            let names = names.iter().filter_map(Value::as_str);
            names.collect::<Vec<_>>().join(", ")
        });
        names.unwrap_or_else(|| "all".to_owned())
    };
    let limit = |name: &str| {
        key[name]
            .as_u64()
            .map_or("none".to_owned(), |n| n.to_string())
    };
    let facts = vec![
        ("State", row.state.clone()),
        ("Budget", row.budget.clone()),
        ("Spent this month", row.spent.clone()),
        ("Last used in the hour from", row.used.clone()),
        ("Models", names("models")),
        ("Providers", names("providers")),
        ("Calls a minute", limit("requests_per_minute")),
        ("Tokens a minute", limit("tokens_per_minute")),
        ("Calls at a time", limit("concurrency")),
        ("Expires", row.expires.clone()),
        (
            "Made",
            instant(key["created_at"].as_i64().unwrap_or_default()),
        ),
    ];
    let is_own =
        key["member"].as_str() == desk.visitor.seat.as_ref().map(|seat| seat.member.as_str());
    let page = KeyPage {
        frame: desk.frame("A key"),
        room: desk.room("/console/keys"),
        may_change: desk.may(Right::AllKeys) || (is_own && desk.may(Right::OwnKeys)),
        is_live: matches!(row.state.as_str(), "active" | "retiring"),
        key: row,
        facts,
    };
    reply::page(StatusCode::OK, &page)
}
