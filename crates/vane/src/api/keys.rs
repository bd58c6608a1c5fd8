//! `/v1/keys`: the keys of an account, as its members manage them.
//!
//! A key that is made here acts for who makes it, or for nobody. Its whole text is in the answer that makes it, or
//! rotates to it, and nowhere else: a repeat of that request is told the id, and no text. What an
//! author may do is decided in the ledger, in the commit that does it.

use super::body::Body;
use super::query::Query;
use super::refusal::missing;
use super::{Change, Question, account, ask, change};
use crate::relay::{self, Asked, Response, json as answer};
use serde_json::{Value, json};
use std::num::NonZeroU32;
use vane_catalog::Money;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::book::Period;
use vane_ledger::{AccountId, Author, KeyRecord, LedgerError, Limits, NewKey, Store, Terms};

pub(super) const BODY_BYTES_MAX: usize = 64 << 10;
const LIMIT: i64 = 100;
const LIMIT_MAX: i64 = 1_000;
/// How long a rotated key goes on working unless the request says.
const OVERLAP_SECONDS: i64 = 86_400;
const OVERLAP_SECONDS_MAX: i64 = 30 * 86_400;

const FIELDS: [&str; 9] = [
    "name",
    "budget",
    "requests_per_minute",
    "tokens_per_minute",
    "concurrency",
    "models",
    "providers",
    "expires_at",
    "when_spent",
];

pub(super) async fn list(question: &Question<'_>, query: &Query) -> Result<Value, Fault> {
    query.only(&["after", "limit"])?;
    let limit = query.number("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT);
    let limit = usize::try_from(limit).unwrap_or_default();
    let after = query.text("after").map(str::to_owned);
    let account = account(question.caller);
    let keys = ask(question.gateway, move |store| {
        store.keys_after(account, after.as_deref(), limit)
    });
    let keys = keys.await?;
    let last = keys.last().filter(|_| keys.len() == limit);
    let told = |key| shown(key, &question.caller.account_name, question.now());
    Ok(json!({
        "object": "list",
        "data": keys.iter().map(told).collect::<Vec<_>>(),
        "after": last.map(|key| &key.id),
    }))
}

pub(super) async fn show(question: &Question<'_>, query: &Query) -> Result<Value, Fault> {
    query.only(&[])?;
    let (account, id) = (account(question.caller), question.id());
    let found = ask(question.gateway, move |store| store.find_key(&id)).await?;
    let own = found.filter(|key| key.account == account);
    let own = own.ok_or_else(|| missing("this account has no such key"))?;
    Ok(shown(&own, &question.caller.account_name, question.now()))
}

/// Makes a key, once for each `Idempotency-Key`.
pub(super) async fn create(question: &Question<'_>) -> Result<Response, Fault> {
    let (gateway, caller) = (question.gateway, question.caller);
    let once = match relay::claim(gateway, caller, question.inbound, "").await? {
        Asked::Freely => None,
        Asked::First(once) => Some(once),
        Asked::Again { answer, .. } => return Err(told_before(answer)),
    };
    let made = make(question).await;
    if let Some(once) = once {
        // Without the text, which is kept nowhere.
        let kept = made
            .as_ref()
            .map(|made| answer(200, json!({ "id": made["id"] }).to_string()));
        drop(once.keep(kept.map_err(Fault::clone)).await);
    }
    Ok(answer(200, made?.to_string()))
}

async fn make(question: &Question<'_>) -> Result<Value, Fault> {
    let known: Vec<&str> = FIELDS.into_iter().chain(["member"]).collect();
    let mut body = Body::read(&question.inbound.body, &known)?;
    let name = body.need_text("name")?;
    let for_nobody = match body.text("member") {
        Ok(None) => false,
        Ok(Some(None)) => true,
        _ => return Err(body.wrong("member", "can only be null: the key acts for nobody")),
    };
    let changes = Changes::read(&mut body, question)?;
    let mut terms = Terms {
        name,
        limits: Limits::default(),
        budget: None,
    };
    changes.apply(&mut terms);
    let mut new = NewKey {
        name: terms.name,
        limits: terms.limits,
        budget: terms.budget,
        member: None,
    };
    told(question, None, move |store, author, account| {
        new.member = author.member().filter(|_| !for_nobody);
        let key = store.create_key_by(author, account, &new)?;
        Ok((key.id().to_owned(), key.expose().to_owned()))
    })
    .await
}

pub(super) async fn rotate(question: &Question<'_>) -> Result<Value, Fault> {
    let mut body = Body::read(&question.inbound.body, &["overlap_seconds"])?;
    let overlap = body.seconds("overlap_seconds", OVERLAP_SECONDS_MAX)?;
    let overlap = overlap.unwrap_or(OVERLAP_SECONDS);
    let id = question.id();
    told(question, Some(id.clone()), move |store, author, account| {
        let key = store.rotate_key_by(author, account, &id, overlap)?;
        Ok((key.id().to_owned(), key.expose().to_owned()))
    })
    .await
}

pub(super) async fn update(question: &Question<'_>) -> Result<Value, Fault> {
    let mut body = Body::read(&question.inbound.body, &FIELDS)?;
    if body.is_empty() {
        let message = format!(
            "there is nothing to change: name one of {}",
            FIELDS.join(", ")
        );
        return Err(Fault::invalid("", message));
    }
    let name = body.firm_text("name")?;
    let changes = Changes::read(&mut body, question)?;
    let id = question.id();
    let key = change(question, move |store, author, account| {
        store.change_key(author, account, &id, |terms| {
            changes.apply(terms);
            if let Some(name) = &name {
                terms.name.clone_from(name);
            }
        })?;
        record(store, &id)
    });
    Ok(shown(
        &key.await?,
        &question.caller.account_name,
        question.now(),
    ))
}

pub(super) async fn revoke(question: &Question<'_>) -> Result<Value, Fault> {
    Body::read(&question.inbound.body, &[])?;
    let id = question.id();
    let key = change(question, move |store, author, account| {
        store.revoke_key_by(author, account, &id)?;
        record(store, &id)
    });
    Ok(shown(
        &key.await?,
        &question.caller.account_name,
        question.now(),
    ))
}

/// A key that was made just now, with its text.
async fn told(
    question: &Question<'_>,
    replaces: Option<String>,
    made: impl FnOnce(&Store, &Author, AccountId) -> Result<(String, String), LedgerError>
    + Send
    + 'static,
) -> Result<Value, Fault> {
    let made = change(question, move |store, author, account| {
        let (id, text) = made(store, author, account)?;
        Ok((record(store, &id)?, text))
    });
    let (key, text) = made.await?;
    let mut told = shown(&key, &question.caller.account_name, question.now());
    told["key"] = text.into();
    if let Some(old) = replaces {
        told["replaces"] = old.into();
    }
    Ok(told)
}

fn record(store: &Store, id: &str) -> Result<KeyRecord, LedgerError> {
    let none = || LedgerError::NoSuchKey { id: id.to_owned() };
    store.find_key(id)?.ok_or_else(none)
}

/// What the repeat of a request that made a key is told.
fn told_before(kept: Response) -> Fault {
    let id = match kept.into_body() {
        relay::Body::Whole(bytes) => serde_json::from_slice::<Value>(&bytes).unwrap_or_default(),
        _ => Value::Null,
    };
    let id = id["id"].as_str().unwrap_or_default().to_owned();
    let message = format!(
        "the request with this Idempotency-Key made the key {id}, whose text is told once and kept \
         nowhere: if it was lost, rotate the key or end it"
    );
    Fault::new(Kind::Conflict, Blame::Caller, message).with_param("Idempotency-Key")
}

/// What a body changes of the terms of a key, but for its name.
struct Changes {
    budget: Change<(Money, Period)>,
    requests: Change<NonZeroU32>,
    tokens: Change<NonZeroU32>,
    concurrency: Change<NonZeroU32>,
    models: Change<Vec<String>>,
    providers: Change<Vec<String>>,
    expires_at: Change<i64>,
    when_spent: Change<String>,
}

impl Changes {
    fn read(body: &mut Body<'_>, question: &Question<'_>) -> Result<Self, Fault> {
        let when_spent = body.text("when_spent")?;
        if let Some(Some(model)) = &when_spent {
            let state = question.gateway.state();
            relay::can_ask(&state, &Limits::default(), model)
                .map_err(|fault| Fault::invalid("when_spent", fault.message))?;
        }
        Ok(Self {
            when_spent,
            budget: body.budget()?,
            requests: body.count("requests_per_minute")?,
            tokens: body.count("tokens_per_minute")?,
            concurrency: body.count("concurrency")?,
            models: body.names("models")?,
            providers: body.names("providers")?,
            expires_at: body.instant("expires_at", question.now())?,
        })
    }

    fn apply(&self, terms: &mut Terms) {
        fn put<T: Clone>(place: &mut Option<T>, change: &Change<T>) {
            if let Some(value) = change {
                place.clone_from(value);
            }
        }
        put(&mut terms.budget, &self.budget);
        put(&mut terms.limits.requests_per_minute, &self.requests);
        put(&mut terms.limits.tokens_per_minute, &self.tokens);
        put(&mut terms.limits.concurrency, &self.concurrency);
        put(&mut terms.limits.models, &self.models);
        put(&mut terms.limits.providers, &self.providers);
        put(&mut terms.limits.expires_at, &self.expires_at);
        put(&mut terms.limits.when_spent, &self.when_spent);
    }
}

/// A key as JSON, here and in commands. Amounts are text: not every reader of JSON numbers keeps
/// all their digits.
pub(crate) fn shown(key: &KeyRecord, account: &str, now: i64) -> Value {
    let limits = &key.limits;
    let budget = key
        .budget
        .map(|(amount, period)| json!({ "amount": amount.to_string(), "period": period.as_str() }));
    json!({
        "object": "key",
        "id": key.id,
        "account": account,
        "name": key.name,
        "member": key.member,
        "state": state(key, now),
        "budget": budget,
        "when_spent": limits.when_spent,
        "requests_per_minute": limits.requests_per_minute,
        "tokens_per_minute": limits.tokens_per_minute,
        "concurrency": limits.concurrency,
        "models": limits.models,
        "providers": limits.providers,
        "created_at": key.created_at,
        "expires_at": limits.expires_at,
        "revoked_at": key.revoked_at,
        "lineage": key.lineage,
        "replaced_by": key.replaced_by,
        "retires_at": key.retires_at,
    })
}

/// What has become of a key.
pub(crate) fn state(key: &KeyRecord, now: i64) -> &'static str {
    let over = |end: Option<i64>| end.is_some_and(|end| end <= now);
    if key.revoked_at.is_some() {
        "revoked"
    } else if over(key.limits.expires_at) {
        "expired"
    } else if over(key.retires_at) {
        "replaced"
    } else if key.retires_at.is_some() {
        "retiring"
    } else {
        "active"
    }
}
