//! `/v1/account` and `/v1/changes`: the account of the caller, and who changed what there. Nothing
//! here is about money.

use super::body::Body;
use super::query::Query;
use super::{Question, account, ask, change};
use serde_json::{Value, json};
use vane_dialect::Fault;
use vane_ledger::{Account, Change, Who};

const LIMIT: i64 = 20;
const LIMIT_MAX: i64 = 100;

pub(super) async fn show(question: &Question<'_>, query: &Query) -> Result<Value, Fault> {
    query.only(&[])?;
    let id = account(question.caller);
    let found = ask(question.gateway, move |store| store.account(id)).await?;
    Ok(shown(question, &found))
}

pub(super) async fn update(question: &Question<'_>) -> Result<Value, Fault> {
    let mut body = Body::read(&question.inbound.body, &["name"])?;
    let name = body.need_text("name")?;
    let renamed = change(question, move |store, author, account| {
        store.rename_account(author, account, &name)?;
        store.account(account)
    });
    Ok(shown(question, &renamed.await?))
}

pub(super) async fn changes(question: &Question<'_>, query: &Query) -> Result<Value, Fault> {
    query.only(&["before", "limit"])?;
    let before = query.number("before", 1, i64::MAX)?;
    let limit = query.number("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT);
    let limit = usize::try_from(limit).unwrap_or_default();
    let account = account(question.caller);
    let found = ask(question.gateway, move |store| {
        store.changes(account, before, limit)
    });
    let found = found.await?;
    let last = found.last().filter(|_| found.len() == limit);
    Ok(json!({
        "object": "list",
        "data": found.iter().map(change_shown).collect::<Vec<_>>(),
        "before": last.map(|last| last.n),
    }))
}

fn shown(question: &Question<'_>, account: &Account) -> Value {
    let acting = question.caller.acting.as_ref();
    let member = acting.map(|acting| json!({ "id": acting.member, "role": acting.role.as_str() }));
    json!({
        "object": "account",
        "name": account.name,
        "kind": account.kind.as_str(),
        "created_at": account.created_at,
        "member": member,
    })
}

/// A change as JSON, here and in commands.
pub(crate) fn change_shown(change: &Change) -> Value {
    let (member, key) = match &change.author.who {
        Who::Operator => (None, None),
        Who::Member { id, key } => (Some(id), Some(key)),
    };
    json!({
        "object": "change",
        "id": change.n,
        "created_at": change.author.at,
        "member": member,
        "email": change.email,
        "key": key,
        "what": change.what,
        "of": change.subject,
        "detail": change.detail,
    })
}
