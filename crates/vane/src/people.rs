//! People: who signs in, how long that lasts, and the pages behind the door.
//!
//! Invariants: a page is written for the session that asks and kept by nobody; a form is heeded only
//! from a page of this server, and one of a session only with the token of that session and of the
//! account that the page shows. What pages
//! of an account say and do, the functions of [`crate::api`] say and do, with the rights of the
//! member who signed in.

mod cookie;
mod gate;
mod page;
mod password;
mod provider_key;
mod recover;
mod reply;
mod room;
mod setup;
mod sign_in;
mod sign_up;
mod visitor;

pub use cookie::Cookie;
pub use gate::Gate;
pub use page::Page;
pub use visitor::{Visitor, visitor};

use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Method};
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::{LedgerError, Store};

use crate::form::Form;
use crate::gateway::Gateway;
use crate::origin;
use crate::relay::{self, Pace, Response};
use crate::server;
use crate::upstream::Pool;

/// A request for a page, read.
struct Asked<'a> {
    gateway: &'a Arc<Gateway>,
    pool: &'a Pool,
    headers: &'a HeaderMap,
    /// Where it comes from, as far as that can be believed.
    address: IpAddr,
    /// The variable part of the path.
    rest: String,
    query: &'a str,
    /// What was sent, if anything was.
    form: Option<Form>,
}

impl Asked<'_> {
    fn now(&self) -> i64 {
        self.gateway.clock.now()
    }
}

/// Answers one request.
pub async fn answer(
    gateway: &Arc<Gateway>,
    pool: &Pool,
    page: Page,
    rest: &str,
    address: IpAddr,
    head: &Parts,
    body: server::Body,
) -> Response {
    if !page.takes(&head.method) {
        return reply::takes_only(page.methods());
    }
    let answered = async {
        let form = form(gateway, page, head, body).await?;
        let asked = read(gateway, pool, rest, address, head, form)?;
        page.answer(&asked).await
    };
    match answered.await {
        Ok(response) => response,
        Err(fault) => reply::refused(&fault),
    }
}

/// What was sent, if anything was.
async fn form(
    gateway: &Gateway,
    page: Page,
    head: &Parts,
    body: server::Body,
) -> Result<Option<Form>, Fault> {
    if head.method != Method::POST {
        return Ok(None);
    }
    let config = &gateway.state().config;
    if !origin::is_own(config, head) {
        let message = "this form was not sent from a page of this server";
        return Err(Fault::new(Kind::Forbidden, Blame::Caller, message));
    }
    let mut pace = Pace::of(config);
    pace.bytes_max = pace.bytes_max.min(page.form_bytes_max());
    let bytes = relay::read_body(&gateway.bodies, &head.headers, body, pace).await?;
    Form::read(&head.headers, &bytes).map(Some)
}

fn read<'a>(
    gateway: &'a Arc<Gateway>,
    pool: &'a Pool,
    rest: &str,
    address: IpAddr,
    head: &'a Parts,
    form: Option<Form>,
) -> Result<Asked<'a>, Fault> {
    let rest = relay::percent_decoded(rest);
    if rest.contains('\0') {
        // PostgreSQL would take it for a fault of the statement.
        let message = "nothing has such a name";
        return Err(Fault::new(Kind::NotFound, Blame::Caller, message));
    }
    Ok(Asked {
        gateway,
        pool,
        headers: &head.headers,
        address,
        rest,
        query: head.uri.query().unwrap_or_default(),
        form,
    })
}

/// Asks the store on a thread that may wait for it; what it refuses is the caller's to decide on.
async fn ask<T: Send + 'static>(
    gateway: &Gateway,
    question: impl FnOnce(&Store) -> Result<T, LedgerError> + Send + 'static,
) -> Result<Result<T, LedgerError>, Fault> {
    let store = gateway.store.clone();
    let asked = tokio::task::spawn_blocking(move || question(&store)).await;
    asked.map_err(|_| Fault::new(Kind::Internal, Blame::Us, "the question was not answered"))
}

/// The same where any refusal means that the store is away.
async fn need<T: Send + 'static>(
    gateway: &Gateway,
    question: impl FnOnce(&Store) -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, Fault> {
    ask(gateway, question).await?.map_err(|error| away(&error))
}

fn away(error: &LedgerError) -> Fault {
    tracing::warn!(%error, "a page could not be answered");
    let message = "the database cannot be used at present; try again in a moment";
    Fault::new(Kind::Unavailable, Blame::Us, message)
}
