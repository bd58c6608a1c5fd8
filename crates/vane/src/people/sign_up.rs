//! `/signup`: coming in with an invitation, or without one where that is open.
//!
//! Invariants: without a link nobody learns whether an address has an account here: the answer and
//! the work are the same; an invitation's token leaves the address bar before the page is shown.

use askama::Template;
use http::StatusCode;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::book::{Act, Op};
use vane_ledger::{
    AccountId, Invitation, LedgerError, Password, SignedUp, SigningUp, Store, Token, new_id,
};

use super::cookie::Cookie;
use super::password::{CHARS_MAX, CHARS_MIN};
use super::{Asked, ask, away, need, reply, sign_in};
use crate::config::{Entry, SignUp};
use crate::form::Form;
use crate::gateway::State;
use crate::relay::Response;
use crate::site::Frame;

#[derive(Template)]
#[template(path = "signup.html")]
struct SignUpPage {
    frame: Frame,
    wrong: Option<String>,
    email: String,
    invited: Option<Invitation>,
    /// What whoever comes without a link gets.
    credit: String,
    chars_min: usize,
    chars_max: usize,
}

pub(super) async fn answer(asked: &Asked<'_>) -> Result<Response, Fault> {
    let state = asked.gateway.state();
    let said = asked.query.strip_prefix("invitation=");
    if let Some(token) = said.and_then(Token::parse) {
        let cookie = Cookie::Link.set(&state.config, &token);
        return Ok(reply::with_cookie(reply::elsewhere("/signup"), cookie));
    }
    let link = Cookie::Link.read(&state.config, asked.headers);
    let now = asked.now();
    let invited = match link.clone() {
        Some(link) => need(asked.gateway, move |store| store.invitation(&link, now)).await?,
        None => None,
    };
    match (&asked.form, link.zip(invited)) {
        (Some(form), Some((link, invited))) => join(asked, form, link, invited).await,
        (Some(form), None) => come(asked, &state, form).await,
        (None, Some((_, invited))) => {
            let email = invited.email.clone();
            shown(&state, None, &email, Some(invited))
        }
        (None, None) if state.config.people.entry == Entry::Open => shown(&state, None, "", None),
        (None, None) => Err(closed()),
    }
}

fn closed() -> Fault {
    let message = "nobody comes in here without an invitation: ask an owner of your account, or \
                   whoever runs this server, for a link";
    Fault::new(Kind::Forbidden, Blame::Caller, message)
}

/// Uses an invitation: with a first password, or with the one that is there.
async fn join(
    asked: &Asked<'_>,
    form: &Form,
    link: Token,
    invited: Invitation,
) -> Result<Response, Fault> {
    let (gateway, now) = (asked.gateway, asked.now());
    let state = gateway.state();
    gateway.people.may_try(asked.address, now).await?;
    gateway.people.may_try_one(&invited.email, now).await?;
    let again = |fault: &Fault| {
        let email = invited.email.clone();
        let wrong = Some(reply::sentence(&fault.message));
        shown(&state, wrong, &email, Some(invited.clone()))
    };
    let (passwords, password) = (&gateway.people.passwords, form.raw("password"));
    let email = invited.email.clone();
    let known = need(gateway, move |store| store.find_password(&email)).await?;
    let shown_hash = match known {
        None => None,
        Some((_, hash)) if passwords.matches(password, Some(hash.clone())).await? => Some(hash),
        Some(_) => return again(&other_password()),
    };
    let first = match &shown_hash {
        None => match passwords.hash(password).await {
            Ok(hash) => Some(hash),
            Err(fault) => return again(&fault),
        },
        Some(_) => None,
    };
    let joined = ask(gateway, move |store| {
        let password = match (&first, &shown_hash) {
            (Some(first), _) => Password::First(first),
            (None, shown) => Password::Shown(shown.as_deref().unwrap_or_default()),
        };
        store.join(&link, password, now)
    });
    let user = match joined.await? {
        Ok(user) => user,
        Err(LedgerError::OtherPassword) => return again(&other_password()),
        Err(error @ (LedgerError::LinkOver | LedgerError::TooMany { .. })) => {
            let message = error.to_string();
            return Err(Fault::new(Kind::Forbidden, Blame::Caller, message));
        }
        Err(error) => return Err(away(&error)),
    };
    let response = sign_in::begin(asked, user, "/console", now).await?;
    Ok(reply::with_cookie(
        response,
        Cookie::Link.gone(&state.config),
    ))
}

fn other_password() -> Fault {
    let message = "this address has a password here already, and it is another one";
    Fault::invalid("password", message)
}

/// Comes in without a link.
async fn come(asked: &Asked<'_>, state: &State, form: &Form) -> Result<Response, Fault> {
    let (gateway, now) = (asked.gateway, asked.now());
    let config = &state.config;
    let credit = config
        .sign_up
        .clone()
        .filter(|_| config.people.entry == Entry::Open);
    let credit = credit.ok_or_else(closed)?;
    let email = form.text("email").to_owned();
    gateway.people.may_try(asked.address, now).await?;
    let hash = match gateway.people.passwords.hash(form.raw("password")).await {
        Ok(hash) => hash,
        Err(fault) if fault.blame == Blame::Caller => {
            return shown(state, Some(reply::sentence(&fault.message)), &email, None);
        }
        Err(fault) => return Err(fault),
    };
    gateway.people.may_sign_up(asked.address, now).await?;
    let (said, per_day_max) = (email.clone(), config.people.sign_ups_per_day);
    let made = ask(gateway, move |store| {
        let new = SigningUp {
            email: &said,
            hash: &hash,
            at: now,
            per_day_max,
        };
        sign_up(store, &new, &credit)
    });
    match made.await? {
        // Whether there was somebody: the same answer.
        Ok(SignedUp::Made | SignedUp::Known) => Ok(reply::elsewhere("/login?new")),
        Ok(SignedUp::TooMany) => Err(super::gate::too_often(86_400)),
        Err(error @ LedgerError::Email) => shown(
            state,
            Some(reply::sentence(&error.to_string())),
            &email,
            None,
        ),
        Err(error) => Err(away(&error)),
    }
}

fn sign_up(store: &Store, new: &SigningUp<'_>, credit: &SignUp) -> Result<SignedUp, LedgerError> {
    let id = new_id()?;
    store.sign_up(new, |account: AccountId| Op {
        id: id.clone(),
        at: new.at,
        // As what commands do: it is the operator's promise that gives.
        instance: 0,
        act: Act::Grant {
            account,
            amount: credit.amount,
            source: credit.source(new.at),
            reason: "sign-up credit".to_owned(),
        },
    })
}

fn shown(
    state: &State,
    wrong: Option<String>,
    email: &str,
    invited: Option<Invitation>,
) -> Result<Response, Fault> {
    let status = match wrong {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let credit = state.config.sign_up.as_ref();
    let page = SignUpPage {
        frame: Frame::private("Sign up"),
        wrong,
        email: email.chars().take(254).collect(),
        invited,
        credit: credit.map_or_else(String::new, |credit| format!("${}", credit.amount)),
        chars_min: CHARS_MIN,
        chars_max: CHARS_MAX,
    };
    reply::page(status, &page)
}
