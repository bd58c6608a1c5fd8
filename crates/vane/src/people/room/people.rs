//! `/admin/people`: everybody who is known here, and links to another password.
//!
//! Invariant: a link is on the one page that answers its making, which nobody keeps; the trail of
//! the person's accounts says which operator made it.

use askama::Template;
use http::StatusCode;
use vane_dialect::Fault;
use vane_dialect::fault::Blame;
use vane_ledger::{LedgerError, Person};

use super::Room;
use crate::form::Form;
use crate::people::recover::{self, LINK_SECONDS};
use crate::people::setup::must_operate;
use crate::people::visitor::Visitor;
use crate::people::{Asked, ask, away, need, reply};
use crate::relay::{Response, percent_decoded};
use crate::site::Frame;
use crate::site::figures::query_value;

/// People on one page.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "admin-people.html")]
struct PeoplePage {
    frame: Frame,
    room: Room,
    rows: Vec<Person>,
    /// Where the page goes on.
    next: Option<String>,
    wrong: Option<String>,
    /// Whose link was made just now, and the link.
    made: Option<(String, String)>,
}

pub(in crate::people) async fn answer(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    must_operate(visitor)?;
    let Some(form) = &asked.form else {
        return shown(asked, visitor, None, None).await;
    };
    match link(asked, visitor, form).await {
        Ok(made) => shown(asked, visitor, None, Some(made)).await,
        Err(fault) if fault.blame == Blame::Caller => {
            shown(asked, visitor, Some(&fault), None).await
        }
        Err(fault) => Err(fault),
    }
}

async fn link(
    asked: &Asked<'_>,
    visitor: &Visitor,
    form: &Form,
) -> Result<(String, String), Fault> {
    let email = form.text("email").to_lowercase();
    let by = visitor.user.email.clone();
    if email == by {
        // A session alone must not be enough to set another password.
        return Err(Fault::invalid("email", LedgerError::Oneself.to_string()));
    }
    let (said, now) = (email.clone(), asked.now());
    let made = ask(asked.gateway, move |store| {
        store.link_recovery(&said, &by, now, now.saturating_add(LINK_SECONDS))
    });
    match made.await? {
        Ok(token) => Ok((email, recover::link(&asked.gateway.state().config, &token))),
        Err(error @ (LedgerError::Email | LedgerError::NoPassword)) => {
            Err(Fault::invalid("email", error.to_string()))
        }
        Err(error) => Err(away(&error)),
    }
}

async fn shown(
    asked: &Asked<'_>,
    visitor: &Visitor,
    wrong: Option<&Fault>,
    made: Option<(String, String)>,
) -> Result<Response, Fault> {
    let after = asked.query.strip_prefix("after=").map(percent_decoded);
    let after = after.filter(|after| !after.contains('\0'));
    let after = after.unwrap_or_default();
    let rows = need(asked.gateway, move |store| {
        store.list_people(&after, SHOWN + 1)
    });
    let mut rows = rows.await?;
    let goes_on = rows.len() > SHOWN;
    rows.truncate(SHOWN);
    let last = rows.last().filter(|_| goes_on);
    let page = PeoplePage {
        frame: Frame::private("People"),
        room: Room::of(visitor, "/admin/people"),
        next: last.map(|last| format!("/admin/people?after={}", query_value(&last.user.email))),
        rows,
        wrong: wrong.map(|fault| reply::sentence(&fault.message)),
        made,
    };
    let status = wrong.map_or(StatusCode::OK, reply::status);
    reply::page(status, &page)
}
