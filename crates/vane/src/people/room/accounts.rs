//! `/admin/accounts`: all accounts, their balances, and giving credit.
//!
//! Invariant: a form gives once, however often it is sent: its id is the id of the transaction.
//! The books say who gave.

use askama::Template;
use vane_catalog::Money;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::book::{Act, Op, Refusal, Source};
use vane_ledger::{Account, new_id};

use super::Room;
use crate::form::Form;
use crate::people::setup::must_operate;
use crate::people::visitor::Visitor;
use crate::people::{Asked, ask, away, need, reply};
use crate::relay::{Response, percent_decoded};
use crate::site::Frame;
use crate::site::figures::{amount, query_value};

/// Accounts on one page.
const SHOWN: usize = 100;
/// A hundred thousand dollars: more is a mistake, and ninety of those are all that the operator's book
/// holds.
const AMOUNT_MAX: Money = Money::from_pico(100_000_000_000_000_000);
const REASON_CHARS_MAX: usize = 200;
const FULL: &str = "the books hold some nine million dollars that were given here and by commands, \
                    and as much of one account: take back what was given by mistake, with `vane credit refund`";
/// What commands write as.
const OPERATOR: i64 = 0;

#[derive(Template)]
#[template(path = "admin-accounts.html")]
struct AccountsPage {
    frame: Frame,
    room: Room,
    /// Name, kind, balance.
    rows: Vec<(String, String, String)>,
    /// Where the page goes on.
    next: Option<String>,
    wrong: Option<String>,
    id: String,
    account: String,
    usd: String,
    reason: String,
}

pub(in crate::people) async fn answer(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    must_operate(visitor)?;
    let Some(form) = &asked.form else {
        return shown(asked, visitor, None, &Form::default()).await;
    };
    match reply::tried(give(asked, visitor, form).await)? {
        Ok(()) => Ok(reply::elsewhere("/admin/accounts")),
        Err(fault) => shown(asked, visitor, Some(&fault), form).await,
    }
}

async fn give(asked: &Asked<'_>, visitor: &Visitor, form: &Form) -> Result<(), Fault> {
    let refused = |field: &str, what: String| Fault::invalid(field, what);
    let name = form.text("account").to_owned();
    let usd = Money::parse(form.text("amount").trim_start_matches('$'));
    let usd = usd
        .ok()
        .filter(|usd| *usd > Money::ZERO && *usd <= AMOUNT_MAX);
    let usd = usd.ok_or_else(|| {
        refused(
            "amount",
            "the amount must be dollars above zero, such as 25 or 2.50, and 100,000 at most"
                .to_owned(),
        )
    })?;
    let reason = form.text("reason");
    if reason.is_empty()
        || reason.chars().count() > REASON_CHARS_MAX
        || reason.chars().any(char::is_control)
    {
        return Err(refused(
            "reason",
            "say why, in a line, for whoever reads the books".to_owned(),
        ));
    }
    let reason = format!("{reason} (by {})", visitor.user.email);
    let id = form.text("id").to_owned();
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(refused(
            "id",
            "load the page again, and send the form from there".to_owned(),
        ));
    }
    let (now, said) = (asked.now(), name.clone());
    let given = ask(asked.gateway, move |store| {
        let Some(account) = store.find_account(&said)? else {
            return Ok(None);
        };
        let op = Op {
            id: format!("console-{id}"),
            at: now,
            instance: OPERATOR,
            act: Act::Grant {
                account: account.id,
                amount: usd,
                source: Source::Cash,
                reason,
            },
        };
        Ok(store.apply(&[op])?.into_iter().next())
    });
    match given.await? {
        Ok(Some(Ok(_) | Err(Refusal::Repeated))) => Ok(()),
        Ok(Some(Err(Refusal::TooLarge))) => Err(refused("amount", FULL.to_owned())),
        Ok(Some(Err(refusal))) => Err(refused("amount", refusal.to_string())),
        Ok(None) => {
            let message = format!("there is no account named {name}");
            Err(Fault::new(Kind::NotFound, Blame::Caller, message))
        }
        Err(error) => Err(away(&error)),
    }
}

async fn shown(
    asked: &Asked<'_>,
    visitor: &Visitor,
    wrong: Option<&Fault>,
    form: &Form,
) -> Result<Response, Fault> {
    let after = asked.query.strip_prefix("after=").map(percent_decoded);
    let after = after.filter(|after| !after.contains('\0'));
    let after = after.unwrap_or_default();
    let rows = need(asked.gateway, move |store| {
        store.list_balances(&after, SHOWN + 1)
    });
    let mut rows = rows.await?;
    let goes_on = rows.len() > SHOWN;
    rows.truncate(SHOWN);
    let last = rows.last().filter(|_| goes_on);
    let next = last.map(|(last, _)| format!("/admin/accounts?after={}", query_value(&last.name)));
    let row = |(account, posted): (Account, Money)| {
        let kind = account.kind.as_str().to_owned();
        (account.name, kind, amount(posted))
    };
    let page = AccountsPage {
        frame: Frame::private("Accounts"),
        room: Room::of(visitor, "/admin/accounts"),
        next,
        rows: rows.into_iter().map(row).collect(),
        wrong: reply::wrong(wrong),
        id: new_id().map_err(|error| away(&error))?,
        account: form.text("account").to_owned(),
        usd: form.text("amount").to_owned(),
        reason: form.text("reason").to_owned(),
    };
    reply::with_form(wrong, &page)
}
