//! `/console/members`: who belongs to an account, inviting one more, and links for a member who
//! forgot a password.
//!
//! Invariant: a link is on the one page that answers its making, which nobody keeps.

use askama::Template;
use serde_json::Value;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::{AccountId, Author, CONSOLE, LedgerError, Right, Role, Who};

use super::{Desk, Room, text};
use crate::api::{Asks, Page};
use crate::config::Entry;
use crate::form::Form;
use crate::people::recover::{self, LINK_SECONDS};
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
    rows: Vec<MemberRow>,
    /// Whether there is anybody for whom this one may make a link.
    may_recover: bool,
    may_invite: bool,
    roles: [&'static str; 4],
    wrong: Option<String>,
    made: Option<Made>,
}

struct MemberRow {
    id: String,
    href: String,
    email: String,
    role: String,
    may_recover: bool,
}

/// A link that was made just now, and for whom.
struct Made {
    email: String,
    link: String,
    within: &'static str,
    is_recovery: bool,
}

pub(in crate::people) async fn answer(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    let desk = Desk::of(asked, visitor)?;
    let Some(form) = &asked.form else {
        return shown(&desk, None, None).await;
    };
    let made = match form.text("do") {
        "recover" => recover(&desk, form).await,
        _ => invite(&desk, form).await,
    };
    match reply::tried(made)? {
        Ok(made) => shown(&desk, None, Some(made)).await,
        Err(fault) => shown(&desk, Some(&fault), None).await,
    }
}

fn may_invite(desk: &Desk<'_>) -> bool {
    let config = &desk.asked.gateway.state().config;
    config.people.entry != Entry::Closed && desk.may(Right::Members)
}

async fn invite(desk: &Desk<'_>, form: &Form) -> Result<Made, Fault> {
    if !may_invite(desk) {
        return Err(forbidden(
            "your role does not invite, or nobody may here but the operator",
        ));
    }
    let gateway = desk.asked.gateway;
    let (account, author) = author(desk)?;
    let role = Role::parse(form.text("role"));
    let role = role.ok_or_else(|| Fault::invalid("role", "choose a role"))?;
    let email = form.text("email").to_owned();
    let said = email.clone();
    let made = ask(gateway, move |store| {
        let ends = author.at.saturating_add(INVITED_SECONDS);
        store.invite(&author, account, &said, role, ends)
    });
    let token = made.await?.map_err(|error| refused(&error))?;
    let origin = gateway.state().config.origin();
    Ok(Made {
        email,
        link: format!("{origin}/signup?invitation={}", token.expose()),
        within: "a week",
        is_recovery: false,
    })
}

/// A link to another password.
async fn recover(desk: &Desk<'_>, form: &Form) -> Result<Made, Fault> {
    let gateway = desk.asked.gateway;
    let (account, author) = author(desk)?;
    let member = form.text("member").to_owned();
    let made = ask(gateway, move |store| {
        let ends = author.at.saturating_add(LINK_SECONDS);
        store.link_recovery_of_member(&author, account, &member, ends)
    });
    let (email, token) = made.await?.map_err(|error| refused(&error))?;
    Ok(Made {
        email,
        link: recover::link(&gateway.state().config, &token),
        within: "a day",
        is_recovery: true,
    })
}

/// The member who makes a link, unless too many are made.
fn author(desk: &Desk<'_>) -> Result<(AccountId, Author), Fault> {
    let (account, at) = (desk.caller.account_id, desk.now());
    if !desk.asked.gateway.changes.enter(account, at) {
        return Err(crate::people::gate::too_often(60));
    }
    let seat = desk.visitor.seat.as_ref();
    let who = Who::Member {
        id: seat.map_or_else(String::new, |seat| seat.member.clone()),
        key: CONSOLE.to_owned(),
    };
    Ok((account, Author { who, at }))
}

fn forbidden(message: impl Into<String>) -> Fault {
    Fault::new(Kind::Forbidden, Blame::Caller, message)
}

fn refused(error: &LedgerError) -> Fault {
    match error {
        LedgerError::Email => Fault::invalid("email", error.to_string()),
        LedgerError::MayNot { .. }
        | LedgerError::Above { .. }
        | LedgerError::TooMany { .. }
        | LedgerError::NoSuchMember { .. }
        | LedgerError::NoPassword
        | LedgerError::NotAlone
        | LedgerError::Oneself
        | LedgerError::FirstOwner => forbidden(error.to_string()),
        error => away(error),
    }
}

async fn shown(
    desk: &Desk<'_>,
    wrong: Option<&Fault>,
    made: Option<Made>,
) -> Result<Response, Fault> {
    let members = desk.told(Asks::get(Page::Members, "")).await?;
    let rows = members["data"].as_array().map_or(&[][..], Vec::as_slice);
    let rows: Vec<MemberRow> = rows.iter().map(|member| row(desk, member)).collect();
    let page = MembersPage {
        frame: desk.frame("Members"),
        room: desk.room("/console/members"),
        may_recover: rows.iter().any(|row| row.may_recover),
        rows,
        may_invite: may_invite(desk),
        roles: ["member", "viewer", "admin", "owner"],
        wrong: reply::wrong(wrong),
        made,
    };
    reply::with_form(wrong, &page)
}

/// A member as this visitor sees one. A link is offered where the role reaches; whether it may be
/// made is decided when it is.
fn row(desk: &Desk<'_>, member: &Value) -> MemberRow {
    let (seat, role) = (
        desk.visitor.seat.as_ref(),
        Role::parse(text(member, "role")),
    );
    let reaches = seat.is_some_and(|seat| {
        seat.member != text(member, "id") && role.is_some_and(|role| seat.role >= role)
    });
    MemberRow {
        id: text(member, "id").to_owned(),
        href: super::member::path(text(member, "id")),
        email: text(member, "email").to_owned(),
        role: text(member, "role").to_owned(),
        may_recover: reaches && desk.may(Right::Members),
    }
}
