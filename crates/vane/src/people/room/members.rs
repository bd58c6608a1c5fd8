//! `/console/members`: who belongs to an account, and inviting one more.

use askama::Template;
use http::StatusCode;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::{Author, CONSOLE, LedgerError, Right, Role, Who};

use super::{Desk, Room, text};
use crate::api::{Asks, Page};
use crate::config::Entry;
use crate::form::Form;
use crate::people::visitor::Visitor;
use crate::people::{Asked, ask, away, reply};
use crate::relay::Response;
use crate::site::Frame;

/// A link that nobody used by then is over.
const INVITED_SECONDS: i64 = 7 * 86_400;

#[derive(Template)]
#[template(path = "console-members.html")]
struct MembersPage {
    frame: Frame,
    room: Room,
    /// Address and role.
    rows: Vec<(String, String)>,
    may_invite: bool,
    roles: [&'static str; 4],
    wrong: Option<String>,
    /// Who was invited just now, and the link.
    invited: Option<(String, String)>,
}

pub(in crate::people) async fn answer(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    let desk = Desk::of(asked, visitor)?;
    let Some(form) = &asked.form else {
        return shown(&desk, None, None).await;
    };
    match invite(&desk, form).await {
        Ok(invited) => shown(&desk, None, Some(invited)).await,
        Err(fault) if fault.blame == Blame::Caller => shown(&desk, Some(&fault), None).await,
        Err(fault) => Err(fault),
    }
}

fn may_invite(desk: &Desk<'_>) -> bool {
    let config = &desk.asked.gateway.state().config;
    config.people.entry != Entry::Closed && desk.may(Right::Members)
}

async fn invite(desk: &Desk<'_>, form: &Form) -> Result<(String, String), Fault> {
    let forbidden = |message: String| Fault::new(Kind::Forbidden, Blame::Caller, message);
    if !may_invite(desk) {
        return Err(forbidden(
            "your role does not invite, or nobody may here but the operator".to_owned(),
        ));
    }
    let gateway = desk.asked.gateway;
    let (account, now) = (desk.caller.account_id, desk.now());
    if !gateway.changes.enter(account, now) {
        return Err(crate::people::gate::too_often(60));
    }
    let role = Role::parse(form.text("role"));
    let role = role.ok_or_else(|| Fault::invalid("role", "choose a role"))?;
    let member = desk.visitor.seat.as_ref().map(|seat| seat.member.clone());
    let email = form.text("email").to_owned();
    let said = email.clone();
    let made = ask(gateway, move |store| {
        let author = Author {
            who: Who::Member {
                id: member.unwrap_or_default(),
                key: CONSOLE.to_owned(),
            },
            at: now,
        };
        store.invite(
            &author,
            account,
            &said,
            role,
            now.saturating_add(INVITED_SECONDS),
        )
    });
    let token = match made.await? {
        Ok(token) => token,
        Err(error @ LedgerError::Email) => return Err(Fault::invalid("email", error.to_string())),
        Err(
            error @ (LedgerError::MayNot { .. }
            | LedgerError::Above { .. }
            | LedgerError::TooMany { .. }
            | LedgerError::NoSuchMember { .. }
            | LedgerError::FirstOwner),
        ) => return Err(forbidden(error.to_string())),
        Err(error) => return Err(away(&error)),
    };
    let origin = gateway.state().config.origin();
    Ok((
        email,
        format!("{origin}/signup?invitation={}", token.expose()),
    ))
}

async fn shown(
    desk: &Desk<'_>,
    wrong: Option<&Fault>,
    invited: Option<(String, String)>,
) -> Result<Response, Fault> {
    let members = desk.told(Asks::get(Page::Members, "")).await?;
    let rows = members["data"].as_array().map_or(&[][..], Vec::as_slice);
    let page = MembersPage {
        frame: desk.frame("Members"),
        room: desk.room("/console/members"),
        rows: rows
            .iter()
            .map(|row| (text(row, "email").to_owned(), text(row, "role").to_owned()))
            .collect(),
        may_invite: may_invite(desk),
        roles: ["member", "viewer", "admin", "owner"],
        wrong: wrong.map(|fault| reply::sentence(&fault.message)),
        invited,
    };
    let status = wrong.map_or(StatusCode::OK, reply::status);
    reply::page(status, &page)
}
