//! `/v1/members`: who belongs to an account, and with which role.

use super::body::Body;
use super::query::Query;
use super::{Question, account, ask, change};
use serde_json::{Value, json};
use vane_dialect::Fault;
use vane_ledger::{Member, Role};

pub(super) async fn list(question: &Question<'_>, query: &Query) -> Result<Value, Fault> {
    query.only(&[])?;
    let account = account(question.caller);
    let members = ask(question.gateway, move |store| store.list_members(account)).await?;
    let data: Vec<Value> = members.iter().map(shown).collect();
    Ok(json!({ "object": "list", "data": data }))
}

pub(super) async fn add(question: &Question<'_>) -> Result<Value, Fault> {
    let mut body = Body::read(&question.inbound.body, &["email", "role"])?;
    let email = body.need_text("email")?;
    let role = role(&mut body)?;
    let made = change(question, move |store, author, account| {
        store.add_member(author, account, &email, role)
    });
    Ok(shown(&made.await?))
}

pub(super) async fn update(question: &Question<'_>) -> Result<Value, Fault> {
    let mut body = Body::read(&question.inbound.body, &["role"])?;
    let (role, id) = (role(&mut body)?, question.id());
    let set = change(question, move |store, author, account| {
        store.set_role(author, account, &id, role)
    });
    Ok(shown(&set.await?))
}

pub(super) async fn remove(question: &Question<'_>) -> Result<Value, Fault> {
    Body::read(&question.inbound.body, &[])?;
    let id = question.id();
    let gone = id.clone();
    change(question, move |store, author, account| {
        store.remove_member(author, account, &id)
    })
    .await?;
    Ok(json!({ "object": "member", "id": gone, "removed": true }))
}

fn role(body: &mut Body<'_>) -> Result<Role, Fault> {
    let text = body.need_text("role")?;
    Role::parse(&text).ok_or_else(|| body.wrong("role", "must be owner, admin, member or viewer"))
}

/// The name of a user is the user's own to tell.
fn shown(member: &Member) -> Value {
    json!({
        "object": "member",
        "id": member.id,
        "email": member.email,
        "role": member.role.as_str(),
        "created_at": member.created_at,
    })
}
