//! `/recover`: another password, for who holds a link to it.
//!
//! Invariants: the token leaves the address bar before the page is shown; whoever has no good link
//! is told the same, whatever is wrong with it; the browser that used it is signed in, and no other.

use askama::Template;
use http::StatusCode;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::{LedgerError, Token};

use super::cookie::Cookie;
use super::password::{CHARS_MAX, CHARS_MIN};
use super::{Asked, ask, away, need, reply, sign_in};
use crate::config::Config;
use crate::form::Form;
use crate::relay::Response;
use crate::site::Frame;

/// A link that nobody used by then is over.
pub(super) const LINK_SECONDS: i64 = 86_400;

#[derive(Template)]
#[template(path = "recover.html")]
struct RecoverPage {
    frame: Frame,
    wrong: Option<String>,
    email: String,
    chars_min: usize,
    chars_max: usize,
}

/// The address of a link.
pub(super) fn link(config: &Config, token: &Token) -> String {
    format!("{}/recover?token={}", config.origin(), token.expose())
}

pub(super) async fn answer(asked: &Asked<'_>) -> Result<Response, Fault> {
    let state = asked.gateway.state();
    let said = asked.query.strip_prefix("token=");
    if let Some(token) = said.and_then(Token::parse) {
        let cookie = Cookie::Link.set(&state.config, &token);
        return Ok(reply::with_cookie(reply::elsewhere("/recover"), cookie));
    }
    let link = Cookie::Link.read(&state.config, asked.headers);
    let link = link.ok_or_else(over)?;
    let (known, now) = (link.clone(), asked.now());
    let email = need(asked.gateway, move |store| store.recovery(&known, now)).await?;
    let email = email.ok_or_else(over)?;
    match &asked.form {
        None => shown(None, email),
        Some(form) => set(asked, form, link, email).await,
    }
}

fn over() -> Fault {
    let message = "this link was used, or its time is over: ask whoever gave it to you for another";
    Fault::new(Kind::Forbidden, Blame::Caller, message)
}

async fn set(
    asked: &Asked<'_>,
    form: &Form,
    link: Token,
    email: String,
) -> Result<Response, Fault> {
    let (gateway, now) = (asked.gateway, asked.now());
    gateway.people.may_try(asked.address, now).await?;
    let hash = match gateway.people.passwords.hash(form.raw("password")).await {
        Ok(hash) => hash,
        Err(fault) if fault.blame == Blame::Caller => return shown(Some(&fault.message), email),
        Err(fault) => return Err(fault),
    };
    let user = match ask(gateway, move |store| store.recover(&link, &hash, now)).await? {
        Ok(user) => user,
        Err(LedgerError::LinkOver) => return Err(over()),
        Err(error) => return Err(away(&error)),
    };
    let response = sign_in::begin(asked, user, "/console", now).await?;
    let gone = Cookie::Link.gone(&gateway.state().config);
    Ok(reply::with_cookie(response, gone))
}

fn shown(wrong: Option<&str>, email: String) -> Result<Response, Fault> {
    let page = RecoverPage {
        frame: Frame::private("Another password"),
        wrong: wrong.map(reply::sentence),
        email,
        chars_min: CHARS_MIN,
        chars_max: CHARS_MAX,
    };
    let status = match wrong {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    reply::page(status, &page)
}
