//! `/console/settings`: one's own password, and the browsers that one is signed in on.
//!
//! Invariants: who changes the password shows the former one, as often as somebody who signs in may
//! try; afterwards only the browser that asked is signed in, by a session that is new.

use askama::Template;
use http::StatusCode;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};

use super::Room;
use crate::form::Form;
use crate::people::cookie::Cookie;
use crate::people::password::{CHARS_MAX, CHARS_MIN};
use crate::people::visitor::Visitor;
use crate::people::{Asked, need, reply, sign_in};
use crate::relay::Response;
use crate::site::Frame;

const CHANGED: &str = "/console/settings?changed";

#[derive(Template)]
#[template(path = "console-settings.html")]
struct SettingsPage {
    frame: Frame,
    room: Room,
    wrong: Option<String>,
    is_changed: bool,
    chars_min: usize,
    chars_max: usize,
}

pub(in crate::people) async fn answer(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    match asked.form.as_ref().map(|form| (form, form.text("do"))) {
        None => shown(asked, visitor, None),
        Some((form, "password")) => match change(asked, visitor, form).await {
            Err(fault) if matches!(fault.kind, Kind::Invalid | Kind::Forbidden) => {
                shown(asked, visitor, Some(&fault))
            }
            answered => answered,
        },
        Some((_, "leave")) => leave_everywhere(asked, visitor).await,
        Some(_) => Err(Fault::invalid("do", "nothing was asked for")),
    }
}

async fn change(asked: &Asked<'_>, visitor: &Visitor, form: &Form) -> Result<Response, Fault> {
    let (gateway, now) = (asked.gateway, asked.now());
    let email = visitor.user.email.clone();
    gateway.people.may_try(asked.address, now).await?;
    gateway.people.may_try_one(&email, now).await?;
    let passwords = &gateway.people.passwords;
    let known = need(gateway, move |store| store.find_password(&email)).await?;
    let former = known.map(|(_, hash)| hash);
    if !passwords
        .matches(form.raw("former"), former.clone())
        .await?
    {
        return Err(not_yours());
    }
    let hash = passwords.hash(form.raw("password")).await?;
    let (user, former) = (visitor.user.id.clone(), former.unwrap_or_default());
    let changed = need(gateway, move |store| {
        store.change_password(&user, &former, &hash, now)
    });
    match changed.await? {
        true => sign_in::begin(asked, visitor.user.id.clone(), CHANGED, now).await,
        false => Err(not_yours()),
    }
}

fn not_yours() -> Fault {
    let message = "the password that you have now is another one; nothing was changed";
    Fault::new(Kind::Forbidden, Blame::Caller, message)
}

/// Ends every session of the user, also this one.
async fn leave_everywhere(asked: &Asked<'_>, visitor: &Visitor) -> Result<Response, Fault> {
    let user = visitor.user.id.clone();
    need(asked.gateway, move |store| store.end_sessions(&user)).await?;
    let config = &asked.gateway.state().config;
    Ok(reply::with_cookie(
        reply::elsewhere("/login"),
        Cookie::Session.gone(config),
    ))
}

fn shown(asked: &Asked<'_>, visitor: &Visitor, wrong: Option<&Fault>) -> Result<Response, Fault> {
    let page = SettingsPage {
        frame: Frame::private("Settings"),
        room: Room::of(visitor, "/console/settings"),
        wrong: wrong.map(|fault| reply::sentence(&fault.message)),
        is_changed: wrong.is_none() && asked.query == "changed",
        chars_min: CHARS_MIN,
        chars_max: CHARS_MAX,
    };
    let status = wrong.map_or(StatusCode::OK, reply::status);
    reply::page(status, &page)
}
