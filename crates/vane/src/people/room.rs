//! `/console`: what stands around every page of an account, and its first page.
//!
//! Invariant: what a page shows of an account, the API told it for this very member.

pub(super) mod accounts;
pub(super) mod credits;
pub(super) mod examples;
pub(super) mod keys;
pub(super) mod member;
pub(super) mod members;
pub(super) mod overview;
pub(super) mod people;
pub(super) mod providers;
mod quality;
pub(super) mod receipts;
pub(super) mod settings;

pub(super) use overview::answer as overview;
use overview::{instant, money};

use serde_json::Value;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::{Caller, Right};

use super::visitor::Visitor;
use super::{Asked, need, reply};
use crate::api::{self, Asks};
use crate::relay::Response;
use crate::site::Frame;

/// What stands around a page of the console.
pub(super) struct Room {
    pub(super) email: String,
    pub(super) account: String,
    pub(super) role: &'static str,
    pub(super) csrf: String,
    pub(super) is_operator: bool,
    /// Other accounts that the user may look at: member and name.
    pub(super) others: Vec<(String, String)>,
    /// The path of this page.
    pub(super) here: &'static str,
}

impl Room {
    pub(super) fn of(visitor: &Visitor, here: &'static str) -> Self {
        let seat = visitor.seat.as_ref();
        let others = visitor.seats.iter().filter(|other| Some(*other) != seat);
        Self {
            email: visitor.user.email.clone(),
            account: seat.map_or_else(String::new, |seat| seat.account.name.clone()),
            role: seat.map_or("", |seat| seat.role.as_str()),
            csrf: visitor.csrf.clone(),
            is_operator: visitor.user.is_operator,
            others: others
                .map(|seat| (seat.member.clone(), seat.account.name.clone()))
                .collect(),
            here,
        }
    }

    /// `aria-current` of a link.
    fn is_at(&self, path: &str) -> bool {
        self.here == path
    }
}

/// A visitor in an account.
pub(super) struct Desk<'a> {
    pub(super) asked: &'a Asked<'a>,
    pub(super) visitor: &'a Visitor,
    pub(super) caller: Caller,
}

impl<'a> Desk<'a> {
    pub(super) fn of(asked: &'a Asked<'a>, visitor: &'a Visitor) -> Result<Self, Fault> {
        let caller = visitor.caller().ok_or_else(|| {
            let message = "you are a member of no account here: ask an owner for an invitation";
            Fault::new(Kind::Forbidden, Blame::Caller, message)
        })?;
        Ok(Self {
            asked,
            visitor,
            caller,
        })
    }

    pub(super) async fn told(&self, asks: Asks<'_>) -> Result<Value, Fault> {
        api::told(self.asked.gateway, self.asked.pool, &self.caller, asks).await
    }

    pub(super) fn may(&self, right: Right) -> bool {
        self.caller.may(right)
    }

    pub(super) fn room(&self, here: &'static str) -> Room {
        Room::of(self.visitor, here)
    }

    pub(super) fn now(&self) -> i64 {
        self.asked.now()
    }

    pub(super) fn frame(&self, title: &str) -> Frame {
        Frame::private(title)
    }
}

/// Looks at another account of the same user.
pub(super) async fn take(asked: &Asked<'_>, visitor: &Visitor) -> Result<Response, Fault> {
    let member = asked
        .form
        .as_ref()
        .map(|form| form.text("member").to_owned());
    let (token, user) = (visitor.token.clone(), visitor.user.id.clone());
    let member = member.unwrap_or_default();
    let taken = need(asked.gateway, move |store| {
        store.take_seat(&token, &user, &member)
    });
    match taken.await? {
        true => Ok(reply::elsewhere("/console")),
        false => {
            let message = "you are no member of that account";
            Err(Fault::new(Kind::NotFound, Blame::Caller, message))
        }
    }
}

/// The text of a field; empty where there is none.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}
