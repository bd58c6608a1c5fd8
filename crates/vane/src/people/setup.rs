//! `/setup`: from an empty server to the first call, in three steps that can each be skipped.
//!
//! The link of the first step is printed where only who runs the server reads; its token leaves
//! the address bar at once. Invariant: the key of a provider is kept only after that provider took
//! it, or on the operator's word where the provider cannot be asked.

mod provider;

pub(super) use provider::answer as provider;

use askama::Template;
use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use serde_json::json;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::{LedgerError, Token};

use super::cookie::Cookie;
use super::password::{CHARS_MAX, CHARS_MIN};
use super::room::overview::CallRow;
use super::room::{Desk, text};
use super::visitor::Visitor;
use super::{Asked, ask, away, need, reply, sign_in};
use crate::api::{Asks, Page};
use crate::first_call::to_paste;
use crate::form::Form;
use crate::relay::Response;
use crate::site::Frame;

/// How often the page that waits for the first call looks again.
const LOOK_AGAIN_SECONDS: &str = "4";

#[derive(Template)]
#[template(path = "setup.html")]
struct OperatorPage {
    frame: Frame,
    wrong: Option<String>,
    email: String,
    chars_min: usize,
    chars_max: usize,
}

#[derive(Template)]
#[template(path = "setup-key.html")]
struct KeyPage {
    frame: Frame,
    csrf: String,
    is_operator: bool,
    /// The key that was made just now, and a call to paste where a model answers.
    made: Option<(String, Option<String>)>,
}

#[derive(Template)]
#[template(path = "setup-live.html")]
struct LivePage {
    frame: Frame,
    is_operator: bool,
    first: Option<CallRow>,
    call: Option<String>,
}

/// The first step: who runs this server.
pub(super) async fn operator(asked: &Asked<'_>) -> Result<Response, Fault> {
    let state = asked.gateway.state();
    let now = asked.now();
    let said = asked.query.strip_prefix("token=");
    if let Some(token) = said.and_then(Token::parse) {
        let cookie = Cookie::Link.set(&state.config, &token);
        return Ok(reply::with_cookie(reply::elsewhere("/setup"), cookie));
    }
    let link = Cookie::Link
        .read(&state.config, asked.headers)
        .ok_or_else(over)?;
    let known = link.clone();
    if !need(asked.gateway, move |store| store.is_setup(&known, now)).await? {
        return Err(over());
    }
    match &asked.form {
        None => shown(None, ""),
        Some(form) => begin(asked, form, link).await,
    }
}

fn over() -> Fault {
    let message = "this link was used, or its time is over: the command `vane setup link` prints another one, and \
                   so does a restart of a server that nobody runs yet";
    Fault::new(Kind::Forbidden, Blame::Caller, message)
}

async fn begin(asked: &Asked<'_>, form: &Form, link: Token) -> Result<Response, Fault> {
    let (gateway, now) = (asked.gateway, asked.now());
    gateway.people.may_try(asked.address, now).await?;
    let email = form.text("email").to_owned();
    let hash = match gateway.people.passwords.hash(form.raw("password")).await {
        Ok(hash) => hash,
        Err(fault) if fault.blame == Blame::Caller => return shown(Some(&fault.message), &email),
        Err(fault) => return Err(fault),
    };
    let said = email.clone();
    let made = ask(gateway, move |store| store.set_up(&link, &said, &hash, now)).await?;
    let user = match made {
        Ok(user) => user,
        Err(LedgerError::LinkOver) => return Err(over()),
        Err(error @ LedgerError::Email) => return shown(Some(&error.to_string()), &email),
        Err(error) => return Err(away(&error)),
    };
    let response = sign_in::begin(asked, user, "/setup/provider", now).await?;
    let gone = Cookie::Link.gone(&gateway.state().config);
    Ok(reply::with_cookie(response, gone))
}

fn shown(wrong: Option<&str>, email: &str) -> Result<Response, Fault> {
    let page = OperatorPage {
        frame: Frame::private("Set up"),
        wrong: wrong.map(reply::sentence),
        email: email.chars().take(254).collect(),
        chars_min: CHARS_MIN,
        chars_max: CHARS_MAX,
    };
    let status = match wrong {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    reply::page(status, &page)
}

/// What only who runs this server may see and do.
pub(super) fn must_operate(visitor: &Visitor) -> Result<(), Fault> {
    match visitor.user.is_operator {
        true => Ok(()),
        false => {
            let message = "this is for who runs this server";
            Err(Fault::new(Kind::Forbidden, Blame::Caller, message))
        }
    }
}

/// The third step: a key, shown once, and a call with it.
pub(super) async fn key(asked: &Asked<'_>, visitor: &Visitor) -> Result<Response, Fault> {
    let desk = Desk::of(asked, visitor)?;
    let made = match &asked.form {
        None => None,
        Some(_) => {
            let body = json!({ "name": "first call" });
            let made = desk.told(Asks::post(Page::Keys, "", body)).await?;
            let state = asked.gateway.state();
            let key = text(&made, "key").to_owned();
            let call = to_paste(&key, &state);
            Some((key, call))
        }
    };
    let page = KeyPage {
        frame: Frame::private("A first key"),
        csrf: visitor.csrf.clone(),
        is_operator: visitor.user.is_operator,
        made,
    };
    reply::page(StatusCode::OK, &page)
}

/// The last page: it waits for the first call, by itself.
pub(super) async fn live(asked: &Asked<'_>, visitor: &Visitor) -> Result<Response, Fault> {
    let desk = Desk::of(asked, visitor)?;
    let receipts = desk.told(Asks::get(Page::Receipts, "limit=1")).await?;
    let first = receipts["data"].get(0).map(CallRow::of);
    let is_waiting = first.is_none();
    let state = asked.gateway.state();
    let page = LivePage {
        frame: Frame::private("The first call"),
        is_operator: visitor.user.is_operator,
        first,
        call: to_paste("$VANE_KEY", &state),
    };
    let mut response = reply::page(StatusCode::OK, &page)?;
    if is_waiting {
        let again = HeaderValue::from_static(LOOK_AGAIN_SECONDS);
        let refresh = HeaderName::from_static("refresh");
        response.headers_mut().insert(refresh, again);
    }
    Ok(response)
}
