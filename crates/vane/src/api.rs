//! Vane's own JSON API: what the owner of a key may ask about money, and how to pay for credit.
//!
//! Amounts are dollars as text with all their digits, since not every reader of JSON numbers keeps
//! them. What a key asks for is its account's; another account's receipt is not there. What was not
//! understood of a request is refused by name, never ignored.

mod credits;
mod query;
mod receipts;
mod top_ups;
mod usage;

use crate::gateway::Gateway;
use crate::relay::{self, Inbound, Response, json};
use crate::upstream::Pool;
use query::Query;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::{Caller, LedgerError, Store};

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Credits,
    Usage,
    Receipts,
    Receipt,
    TopUps,
    TopUp,
}

impl Page {
    /// How long a body may be; questions have none.
    #[must_use]
    pub const fn body_bytes_max(self) -> usize {
        top_ups::BODY_BYTES_MAX
    }
}

/// Settlements that the store has not taken within this time make the answer fail.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers a caller; `id` is the variable part of the path.
///
/// # Errors
/// If the caller has no good key, the question is not understood, or the store is away.
pub async fn answer(
    gateway: &Arc<Gateway>,
    pool: &Pool,
    page: Page,
    id: &str,
    query: &str,
    inbound: &Inbound,
) -> Result<Response, Fault> {
    let caller = relay::authenticate(gateway, &inbound.headers).await?;
    let query = Query::read(query)?;
    if page == Page::TopUps {
        query.only(&[])?;
        let made = top_ups::create(gateway, pool, &caller, inbound).await?;
        return Ok(json(200, made.to_string()));
    }
    // All that was answered before is in the answer.
    let caught_up = gateway.replica.caught_up(PATIENCE).await;
    caught_up.map_err(|short| away(&short.to_string()))?;
    let value = match page {
        Page::Credits => credits::show(gateway, &caller, &query).await?,
        Page::Usage => usage::show(gateway, &caller, &query).await?,
        Page::Receipts => receipts::list(gateway, &caller, &query).await?,
        Page::Receipt => receipts::show(gateway, &caller, &query, id).await?,
        Page::TopUps | Page::TopUp => top_ups::show(gateway, &caller, &query, id).await?,
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
    answered.map_err(|error| away(&error.to_string()))
}

fn away(why: &str) -> Fault {
    let message = format!("the ledger cannot be read at present: {why}; try again in a moment");
    let fault = Fault::new(Kind::Unavailable, Blame::Us, message);
    Fault {
        retry_after: Some(Duration::from_secs(2)),
        ..fault
    }
}

fn missing(what: &str) -> Fault {
    Fault::new(Kind::NotFound, Blame::Caller, what).with_code("not_found")
}

/// An amount as the API writes it.
fn usd(amount: vane_catalog::Money) -> Value {
    amount.to_string().into()
}

/// What a key may see: all of its account.
const fn account(caller: &Caller) -> vane_ledger::AccountId {
    caller.account_id
}
