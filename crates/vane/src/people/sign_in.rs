//! `/login` and `/logout`: the door.
//!
//! Invariants: an address that nobody has is told apart from a wrong password by neither words nor
//! work; whoever signs in gets a session that did not exist before, and loses the former.

use askama::Template;
use http::StatusCode;
use vane_dialect::Fault;

use super::cookie::Cookie;
use super::visitor::{Visitor, spans, visitor};
use super::{Asked, need, reply};
use crate::config::Entry;
use crate::form::Form;
use crate::relay::{Response, percent_decoded};
use crate::site::Frame;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    /// What stands in the way.
    wrong: Option<String>,
    /// Whether the visitor has just signed up, or tried.
    is_new: bool,
    email: String,
    to: String,
    is_open: bool,
    /// Nobody runs this server from a browser yet.
    is_new_server: bool,
}

const HOME: &str = "/console";
const MIXED_UP: &str = "The address or the password is not right.";

pub(super) async fn answer(asked: &Asked<'_>) -> Result<Response, Fault> {
    match &asked.form {
        Some(form) => enter(asked, form).await,
        None if visitor(asked.gateway, asked.headers).await?.is_some() => {
            Ok(reply::elsewhere(&destination(asked.query)))
        }
        None => shown(asked, StatusCode::OK, None, "", destination(asked.query)).await,
    }
}

async fn enter(asked: &Asked<'_>, form: &Form) -> Result<Response, Fault> {
    let (gateway, now) = (asked.gateway, asked.now());
    let (email, password) = (form.text("email"), form.raw("password"));
    let to = within(form.raw("to"));
    if let Err(fault) = limited(asked, email).await {
        let mut response = reply::refused(&fault);
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        return Ok(response);
    }
    let said = email.to_owned();
    let found = need(gateway, move |store| store.find_password(&said)).await?;
    let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), Some(hash)));
    let right = gateway.people.passwords.matches(password, hash).await?;
    let Some(user) = user.filter(|_| right) else {
        let wrong = Some(MIXED_UP.to_owned());
        return shown(asked, StatusCode::FORBIDDEN, wrong, email, to).await;
    };
    begin(asked, user, &to, now).await
}

async fn limited(asked: &Asked<'_>, email: &str) -> Result<(), Fault> {
    let (gate, now) = (&asked.gateway.people, asked.now());
    gate.may_try(asked.address, now).await?;
    gate.may_try_one(email, now).await
}

/// Begins a session of a user and leads on.
pub(super) async fn begin(
    asked: &Asked<'_>,
    user: String,
    to: &str,
    now: i64,
) -> Result<Response, Fault> {
    let state = asked.gateway.state();
    let former = Cookie::Session.read(&state.config, asked.headers);
    let spans = spans(&state.config);
    let token = need(asked.gateway, move |store| {
        store.begin_session(&user, former.as_ref(), now, spans)
    });
    let token = token.await?;
    let response = reply::elsewhere(to);
    Ok(reply::with_cookie(
        response,
        Cookie::Session.set(&state.config, &token),
    ))
}

/// Ends the session.
pub(super) async fn leave(asked: &Asked<'_>, visitor: &Visitor) -> Result<Response, Fault> {
    let token = visitor.token.clone();
    need(asked.gateway, move |store| store.end_session(&token)).await?;
    let config = &asked.gateway.state().config;
    Ok(reply::with_cookie(
        reply::elsewhere("/login"),
        Cookie::Session.gone(config),
    ))
}

async fn shown(
    asked: &Asked<'_>,
    status: StatusCode,
    wrong: Option<String>,
    email: &str,
    to: String,
) -> Result<Response, Fault> {
    let has_operator = need(asked.gateway, |store| store.has_operator()).await?;
    let page = LoginPage {
        frame: Frame::private("Sign in"),
        wrong,
        is_new: asked.query == "new",
        email: email.chars().take(254).collect(),
        to,
        is_open: asked.gateway.state().config.people.entry == Entry::Open,
        is_new_server: !has_operator,
    };
    reply::page(status, &page)
}

/// Where the visitor wanted to go: `?to=/console/keys`.
fn destination(query: &str) -> String {
    let said = query.split('&').find_map(|pair| pair.strip_prefix("to="));
    within(&percent_decoded(said.unwrap_or_default()))
}

/// A page of ours, whatever an address says: nobody is led to another site.
fn within(to: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.?&=%".contains(c);
    let ours = ["/console", "/setup", "/admin", "/playground"];
    let is_ours = ours.iter().any(|page| {
        to.strip_prefix(page)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    });
    match is_ours && to.chars().all(plain) {
        true => to.to_owned(),
        false => HOME.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s15_nobody_is_led_to_another_site() {
        for (query, to) in [
            ("to=%2Fconsole%2Fkeys", "/console/keys"),
            (
                "to=/console/receipts?before=7",
                "/console/receipts?before=7",
            ),
            ("", "/console"),
            ("to=https://evil.example", "/console"),
            ("to=//evil.example", "/console"),
            ("to=/console@evil.example", "/console"),
            ("to=/consolevil", "/console"),
            ("to=/console/%5C%5Cevil", "/console"),
            ("to=/console%0d%0aset-cookie:x", "/console"),
        ] {
            assert_eq!(destination(query), to, "{query}");
        }
    }
}
