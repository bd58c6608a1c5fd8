//! The playground: calls that people make from pages of this server, with no key in hand.
//!
//! Who calls is a visitor: somebody who is known here, or a guest, who calls only what is free.
//! Either way a call takes the one path of all calls, so that limits, receipts and metrics are
//! those of any key. Invariants: only pages of this server are answered; no header of the visitor
//! goes along, so that nothing of one guest's reaches another.

mod bill;
mod form;
mod guest;
mod mode;
mod pass;
mod run;
mod vector;
mod visitor;

pub(crate) use bill::Bill;
pub use form::call_of;
pub(crate) use form::{Answered, Filled, Problem, Tried};
pub use guest::{GUEST, Guests};
pub use mode::Mode;
pub use run::Runs;
pub(crate) use vector::Vector;

use crate::gateway::Gateway;
use crate::origin;
use crate::people::{self, Visitor};
use crate::relay::{self, Body, Door, Heard, Inbound, Outcome, Pace, Record, Response, json};
use crate::rescue::rescue;
use crate::server;
use crate::site;
use crate::upstream::Pool;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderMap, Method};
use std::net::IpAddr;
use std::sync::Arc;
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::{Dialect, Fault};
use vane_ledger::{Right, Role};
use visitor::Visit;

/// More is not typed by hand.
const BODY_BYTES_MAX: usize = 1 << 20;

/// With this the receipt of a run is asked for.
pub(crate) const PASS: HeaderName = HeaderName::from_static("vane-pass");

/// The token of the session, where somebody signed in.
const CSRF: HeaderName = HeaderName::from_static("vane-csrf");

/// What a page says to somebody who signed in.
pub(crate) struct Known {
    pub(crate) csrf: String,
    pub(crate) email: String,
    pub(crate) account: String,
    pub(crate) role: Role,
    pub(crate) may_call: bool,
    /// Whether runs may be kept as examples.
    pub(crate) is_operator: bool,
}

impl Known {
    fn of(who: &Visitor) -> Option<Self> {
        let seat = who.seat.as_ref()?;
        Some(Self {
            csrf: who.csrf.clone(),
            email: who.user.email.clone(),
            account: seat.account.name.clone(),
            role: seat.role,
            may_call: Role::may(Some(seat.role), Right::Call),
            is_operator: who.user.is_operator,
        })
    }
}

/// A request from a page, and the address it came from.
pub struct Asking<'a> {
    pub gateway: &'a Arc<Gateway>,
    pub pool: &'a Pool,
    pub head: &'a Parts,
    pub client: IpAddr,
    pub request_id: &'a str,
}

/// A call that a script of the page makes.
pub async fn call(asking: &Asking<'_>, door: Door, body: server::Body) -> Response {
    if asking.head.method != Method::POST {
        return takes_only("POST");
    }
    let mut record = Record::begin(asking.gateway, door, asking.request_id.to_owned());
    let answered = async {
        let visit = asking.visit("application/json").await?;
        let csrf = asking.head.headers.get(CSRF);
        let csrf = csrf.and_then(|value| value.to_str().ok());
        visit.must_have_written(csrf.unwrap_or_default())?;
        let body = asking.body(&visit, body).await?;
        asking.run(&visit, door, body, &mut record).await
    };
    let answered = answered.await;
    told(answered, door, &mut record, asking.request_id)
}

/// The receipt of a run, for whoever has the pass that came with the answer.
pub async fn receipt(gateway: &Arc<Gateway>, head: &Parts, id: &str) -> Response {
    if !matches!(head.method, Method::GET | Method::HEAD) {
        return takes_only("GET");
    }
    let found = async {
        let pass = head.headers.get(PASS).and_then(|value| value.to_str().ok());
        let known = pass.and_then(|pass| gateway.guests.open(pass, gateway.clock.now()));
        let account = known
            .filter(|(_, call)| call == id)
            .map(|(account, _)| account);
        let none = "there is no such receipt, or the time to look at it is over";
        let missing = || Fault::new(Kind::NotFound, Blame::Caller, none);
        let account = account.ok_or_else(missing)?;
        let receipt = bill::find(gateway, account, id).await?;
        receipt.ok_or_else(missing)
    };
    let response = match found.await {
        Ok(receipt) => json(200, crate::api::receipt_shown(&receipt).to_string()),
        Err(fault) => rescue(Dialect::OpenaiChat, &fault, id),
    };
    kept_by_nobody(response)
}

/// The page as it is for who asks.
pub async fn page(asking: &Asking<'_>) -> Response {
    let (gateway, head) = (asking.gateway, asking.head);
    // While the store is away, everybody is a guest.
    let who = people::visitor(gateway, &head.headers).await.ok().flatten();
    if let Some(known) = who.as_ref().and_then(Known::of) {
        return kept_by_nobody(site::played(gateway, head, None, Some(known)).await);
    }
    let mut response = site::answer(gateway, site::Page::Playground, "", head).await;
    // It is another page once somebody signs in.
    let asked_again = HeaderValue::from_static("no-cache");
    response.headers_mut().insert(CACHE_CONTROL, asked_again);
    response
}

/// The form of the page, where no script runs: the answer is a page.
pub async fn post(asking: &Asking<'_>, body: server::Body) -> Response {
    let (known, tried) = form::tried(asking, body).await;
    kept_by_nobody(site::played(asking.gateway, asking.head, Some(tried), known).await)
}

impl Asking<'_> {
    /// Who asks, if a page of this server does, with a body of this kind.
    async fn visit(&self, kind: &str) -> Result<Visit, Fault> {
        let config = &self.gateway.state().config;
        if !origin::is_own(config, self.head) {
            let message =
                "the playground answers pages of this server only: programs call /v1 with a key";
            let fault = Fault::new(Kind::Forbidden, Blame::Caller, message);
            return Err(fault.with_code("cross_site"));
        }
        let said = self.head.headers.get(CONTENT_TYPE);
        let said = said
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let said = said.split(';').next().unwrap_or_default().trim();
        if !said.eq_ignore_ascii_case(kind) {
            let message = format!("this route takes a body of the type `{kind}` only");
            return Err(Fault::new(Kind::MediaType, Blame::Caller, message));
        }
        visitor::visit(self.gateway, &self.head.headers).await
    }

    async fn body(&self, visit: &Visit, body: server::Body) -> Result<Bytes, Fault> {
        let config = &self.gateway.state().config;
        let mut pace = Pace::of(config);
        pace.bytes_max = match visit.guest {
            Some(_) => config.guest.body_bytes_max,
            None => pace.bytes_max.min(BODY_BYTES_MAX),
        };
        let bodies = &self.gateway.bodies;
        relay::read_body(bodies, &self.head.headers, body, pace).await
    }

    /// One call, by the path of all calls.
    async fn run(
        &self,
        visit: &Visit,
        door: Door,
        body: Bytes,
        record: &mut Record,
    ) -> Result<Response, Fault> {
        let (gateway, caller) = (self.gateway, &visit.caller);
        if visit.guest.is_some() {
            gateway.guests.enter(gateway, self.client).await?;
        }
        let question = visit.question(door, &body, record.request_id());
        let inbound = Inbound {
            door,
            headers: HeaderMap::new(),
            body,
            request_id: record.request_id().to_owned(),
        };
        let who = (caller, visit.guest);
        let pass = gateway
            .guests
            .pass(caller.account_id, record.request_id(), gateway.clock.now());
        let mut response = relay::relay(gateway, self.pool, who, inbound, "", record).await?;
        let headers = response.headers_mut();
        if let Some(pass) = pass.and_then(|pass| HeaderValue::from_str(&pass).ok()) {
            headers.insert(PASS, pass);
        }
        if let Some(question) = question {
            let ear = gateway.runs.ear(question, gateway.clock.now());
            response = response.map(|body| match body {
                Body::Stream(streaming) => Body::Heard(Box::new(Heard::new(streaming, ear))),
                other => other,
            });
        }
        Ok(response)
    }
}

/// The answer to a call, and the end of its record.
fn told(
    answered: Result<Response, Fault>,
    door: Door,
    record: &mut Record,
    request_id: &str,
) -> Response {
    let response = match answered {
        Ok(response) => {
            record.end(Outcome::Done, response.status().as_u16(), None);
            response
        }
        Err(fault) => {
            let response = rescue(door.dialect, &fault, request_id);
            record.end(Outcome::Refused, response.status().as_u16(), Some(&fault));
            response
        }
    };
    kept_by_nobody(response)
}

fn kept_by_nobody(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn takes_only(method: &'static str) -> Response {
    let body = format!(r#"{{"error":{{"message":"this route takes {method} only"}}}}"#);
    let mut response = json(405, body);
    let allowed = HeaderValue::from_static(method);
    response.headers_mut().insert(http::header::ALLOW, allowed);
    response
}
