//! Vane's own JSON API: what the owner of a key may ask about money, how to pay for credit, and how
//! members manage an account and its keys.
//!
//! Amounts are dollars as text with all their digits, since not every reader of JSON numbers keeps
//! them. What a key asks for is its account's; what is another account's is not there. What was not
//! understood of a request is refused by name, never ignored. Each page asks for one right.

mod accounts;
mod body;
mod credits;
mod entries;
mod keys;
mod members;
mod page;
mod query;
mod receipts;
mod refusal;
mod top_ups;
mod usage;

pub(crate) use accounts::change_shown;
pub(crate) use keys::{shown as key_shown, state as key_state};
pub use page::Page;
pub(crate) use receipts::receipt as receipt_shown;

use crate::gateway::Gateway;
use crate::relay::{self, Door, Inbound, Response, json, percent_decoded};
use crate::upstream::Pool;
use bytes::Bytes;
use http::{HeaderMap, Method};
use query::Query;
use refusal::{away, missing};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::{Dialect, Fault};
use vane_ledger::{AccountId, Author, Caller, LedgerError, Store, Who};

/// Settlements that the store has not taken within this time make the answer fail.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a field of a change says: nothing, that there be none, or a value.
type Change<T> = Option<Option<T>>;

/// A question, and who asks it.
struct Question<'q> {
    gateway: &'q Arc<Gateway>,
    pool: &'q Pool,
    caller: &'q Caller,
    inbound: &'q Inbound,
    /// The variable part of the path, as it came.
    rest: &'q str,
}

impl Question<'_> {
    fn id(&self) -> String {
        percent_decoded(self.rest)
    }

    fn now(&self) -> i64 {
        self.gateway.clock.now()
    }
}

/// Answers a caller who has a good key; `rest` is the variable part of the path.
///
/// # Errors
/// If the caller lacks a right, the question is not understood, or the store is
/// away.
pub async fn answer(
    gateway: &Arc<Gateway>,
    pool: &Pool,
    caller: &Caller,
    page: Page,
    (method, rest, query): (&Method, &str, &str),
    inbound: &Inbound,
) -> Result<Response, Fault> {
    relay::must(caller, page.right(method))?;
    let query = Query::read(query)?;
    if percent_decoded(rest).contains('\0') {
        // PostgreSQL would take it for a fault of the statement.
        return Err(missing("nothing has such a name"));
    }
    let question = Question {
        gateway,
        pool,
        caller,
        inbound,
        rest,
    };
    let asks = *method == Method::GET || *method == Method::HEAD;
    if !asks {
        query.only(&[])?;
        return page_changed(page, method, &question).await;
    }
    if page.tells_money() {
        // All that was answered before is in the answer.
        let caught_up = gateway.replica.caught_up(PATIENCE).await;
        caught_up.map_err(|short| away(&short.to_string()))?;
    }
    let value = match page {
        Page::Credits => credits::show(gateway, caller, &query).await?,
        Page::Entries => entries::list(gateway, caller, &query).await?,
        Page::Usage => usage::show(gateway, caller, &query).await?,
        Page::Receipts => receipts::list(gateway, caller, &query).await?,
        Page::Receipt => receipts::show(gateway, caller, &query, rest).await?,
        Page::TopUps | Page::TopUp => top_ups::show(gateway, caller, &query, rest).await?,
        Page::Account => accounts::show(&question, &query).await?,
        Page::Changes => accounts::changes(&question, &query).await?,
        Page::Keys => keys::list(&question, &query).await?,
        Page::Key | Page::Rotation => keys::show(&question, &query).await?,
        Page::Members | Page::Member => members::list(&question, &query).await?,
    };
    Ok(json(200, value.to_string()))
}

/// What the API says to a member who signed in, so that a page can say no other.
///
/// # Errors
/// As the same request with a key that acts for the member.
pub(crate) async fn told(
    gateway: &Arc<Gateway>,
    pool: &Pool,
    caller: &Caller,
    asks: Asks<'_>,
) -> Result<Value, Fault> {
    let inbound = Inbound {
        door: Door {
            dialect: Dialect::OpenaiChat,
            route: "/console",
        },
        headers: HeaderMap::new(),
        body: asks
            .body
            .map_or_else(Bytes::new, |body| body.to_string().into()),
        request_id: String::new(),
    };
    let Asks {
        page,
        method,
        rest,
        query,
        ..
    } = asks;
    let asked = (&method, rest, query);
    let answered = answer(gateway, pool, caller, page, asked, &inbound);
    match answered.await?.into_body() {
        relay::Body::Whole(bytes) => serde_json::from_slice(&bytes).map_err(|_| broken()),
        relay::Body::Stream(_) | relay::Body::Kept(_) | relay::Body::Heard(_) => Err(broken()),
    }
}

/// A request of a page.
pub(crate) struct Asks<'a> {
    pub(crate) page: Page,
    pub(crate) method: Method,
    /// The variable part of the path.
    pub(crate) rest: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: Option<Value>,
}

impl<'a> Asks<'a> {
    pub(crate) fn get(page: Page, query: &'a str) -> Self {
        Self {
            page,
            method: Method::GET,
            rest: "",
            query,
            body: None,
        }
    }

    pub(crate) fn post(page: Page, rest: &'a str, body: Value) -> Self {
        Self {
            page,
            method: Method::POST,
            rest,
            query: "",
            body: Some(body),
        }
    }
}

fn broken() -> Fault {
    Fault::new(Kind::Internal, Blame::Us, "the answer cannot be read")
}

/// Answers a request that changes something.
async fn page_changed(
    page: Page,
    method: &Method,
    question: &Question<'_>,
) -> Result<Response, Fault> {
    let ends = *method == Method::DELETE;
    let value = match page {
        Page::TopUps => return top_ups::create(question).await,
        Page::Keys => return keys::create(question).await,
        Page::Rotation => keys::rotate(question).await?,
        Page::Key if ends => keys::revoke(question).await?,
        Page::Key => keys::update(question).await?,
        Page::Members => members::add(question).await?,
        Page::Member if ends => members::remove(question).await?,
        Page::Member => members::update(question).await?,
        Page::Account => accounts::update(question).await?,
        // The router lets only questions through to these.
        Page::Credits
        | Page::Entries
        | Page::Usage
        | Page::Receipts
        | Page::Receipt
        | Page::TopUp
        | Page::Changes => return Err(missing("there is nothing to change here")),
    };
    Ok(json(200, value.to_string()))
}

/// Asks the store on a thread that may wait for it.
async fn ask<T: Send + 'static>(
    gateway: &Gateway,
    question: impl FnOnce(&Store) -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, Fault> {
    let store = gateway.store.clone();
    let asked = tokio::task::spawn_blocking(move || question(&store)).await;
    let answered = asked.map_err(|_| away("the question was not answered"))?;
    answered.map_err(|error| refusal::of(&error))
}

/// Changes something in the name of the caller's member, and has this process know of it at once.
async fn change<T: Send + 'static>(
    question: &Question<'_>,
    work: impl FnOnce(&Store, &Author, AccountId) -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, Fault> {
    let (gateway, caller) = (question.gateway, question.caller);
    let acting = caller.acting.as_ref().ok_or_else(refusal::of_nobody)?;
    if !gateway.changes.enter(caller.account_id, question.now()) {
        return Err(refusal::too_often());
    }
    let author = Author {
        who: Who::Member {
            id: acting.member.clone(),
            key: caller.key_id.clone(),
        },
        at: question.now(),
    };
    let (account, ring) = (caller.account_id, gateway.ring.clone());
    ask(gateway, move |store| {
        let done = work(store, &author, account)?;
        // If it cannot be read now, the watch of the ring reads it in a moment.
        let _ = ring.refresh();
        Ok(done)
    })
    .await
}

/// An amount as the API writes it.
fn usd(amount: vane_catalog::Money) -> Value {
    amount.to_string().into()
}

/// What a key may see: all of its account.
const fn account(caller: &Caller) -> AccountId {
    caller.account_id
}
