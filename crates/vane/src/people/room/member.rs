//! `/console/members/{id}`: one member, another role for them, and the end of their membership.
//!
//! Invariant: what is done here the API does, for this very visitor; the page offers only what the
//! visitor's role reaches, and says why where it offers nothing.

use askama::Template;
use http::Method;
use serde_json::{Value, json};
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::{Right, Role};

use super::{Desk, Room, instant, text};
use crate::api::{Asks, Page};
use crate::people::visitor::Visitor;
use crate::people::{Asked, reply};
use crate::relay::Response;
use crate::site::Frame;
use crate::site::figures::href;

#[derive(Template)]
#[template(path = "console-member.html")]
struct MemberPage {
    frame: Frame,
    room: Room,
    href: String,
    email: String,
    role: &'static str,
    since: String,
    is_oneself: bool,
    /// What may be chosen; nothing where nothing may be changed.
    roles: Vec<&'static str>,
    /// Why that is so.
    fixed: &'static str,
    wrong: Option<String>,
}

pub(in crate::people) async fn answer(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    let desk = Desk::of(asked, visitor)?;
    let Some(form) = &asked.form else {
        return shown(&desk, None).await;
    };
    let change = |method, body| Asks {
        page: Page::Member,
        method,
        rest: asked.rest.as_str(),
        query: "",
        body,
    };
    let (done, next) = match form.text("do") {
        "role" => {
            let body = json!({ "role": form.text("role") });
            let set = desk.told(change(Method::PATCH, Some(body))).await;
            (set, path(&asked.rest))
        }
        "end" if form.text("sure") == "yes" => {
            let ended = desk.told(change(Method::DELETE, None)).await;
            let next = match is_oneself(&desk, &asked.rest) {
                true => "/console",
                false => "/console/members",
            };
            (ended, next.to_owned())
        }
        _ => {
            let message = "nothing was done: tick the box that says you mean it";
            (Err(Fault::invalid("sure", message)), String::new())
        }
    };
    match reply::tried(done)? {
        Ok(_) => Ok(reply::elsewhere(&next)),
        Err(fault) if fault.kind == Kind::NotFound => Err(fault),
        Err(fault) => shown(&desk, Some(&fault)).await,
    }
}

/// Where the page of a member is.
pub(super) fn path(id: &str) -> String {
    href("/console/members/", id)
}

fn is_oneself(desk: &Desk<'_>, id: &str) -> bool {
    let seat = desk.visitor.seat.as_ref();
    seat.is_some_and(|seat| seat.member == id)
}

async fn shown(desk: &Desk<'_>, wrong: Option<&Fault>) -> Result<Response, Fault> {
    let members = desk.told(Asks::get(Page::Members, "")).await?;
    let members = members["data"].as_array().map_or(&[][..], Vec::as_slice);
    let id = desk.asked.rest.as_str();
    let member = members.iter().find(|member| text(member, "id") == id);
    let role = member.and_then(|member| Role::parse(text(member, "role")));
    let (Some(member), Some(role)) = (member, role) else {
        let message = "this account has no such member";
        return Err(Fault::new(Kind::NotFound, Blame::Caller, message));
    };
    let fixed = fixed(desk, members, role);
    let own = desk.visitor.seat.as_ref().map(|seat| seat.role);
    let roles = Role::ALL.into_iter().filter(|role| own >= Some(*role));
    let page = MemberPage {
        frame: desk.frame(text(member, "email")),
        room: desk.room("/console/members"),
        href: path(id),
        email: text(member, "email").to_owned(),
        role: role.as_str(),
        since: instant(member["created_at"].as_i64().unwrap_or_default()),
        is_oneself: is_oneself(desk, id),
        roles: match fixed.is_empty() {
            true => roles.map(Role::as_str).collect(),
            false => Vec::new(),
        },
        fixed,
        wrong: reply::wrong(wrong),
    };
    reply::with_form(wrong, &page)
}

/// Why this visitor changes nothing of a member of this role; empty where it may.
fn fixed(desk: &Desk<'_>, members: &[Value], role: Role) -> &'static str {
    let owners = members.iter();
    let owners = owners.filter(|member| text(member, "role") == Role::Owner.as_str());
    let own = desk.visitor.seat.as_ref().map(|seat| seat.role);
    match role {
        _ if !desk.may(Right::Members) => {
            "Roles and memberships are changed by owners and admins of the account."
        }
        role if own < Some(role) => "Who is an owner, only an owner changes.",
        Role::Owner if owners.count() == 1 => {
            "This is the only owner, and an account keeps at least one: make another member an owner first."
        }
        _ => "",
    }
}
