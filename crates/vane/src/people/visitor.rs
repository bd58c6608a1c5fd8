//! Who comes with a session, and what a page may do in that one's name.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::HeaderMap;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::{Acting, CONSOLE, Caller, Limits, Seat, Spans, Token, User};

use super::cookie::Cookie;
use super::need;
use crate::config::Config;
use crate::gateway::Gateway;

/// Whoever signed in on this browser.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub user: User,
    /// As member of which account, if of any.
    pub seat: Option<Seat>,
    /// All that the user may act as.
    pub seats: Vec<Seat>,
    /// What every form of the session, in the account that is looked at, carries in the field `csrf`.
    pub csrf: String,
    pub(super) token: Token,
}

/// Who a request comes from by its cookie; `None` who did not sign in, or no longer is.
///
/// # Errors
/// If the store is away.
pub async fn visitor(
    gateway: &Arc<Gateway>,
    headers: &HeaderMap,
) -> Result<Option<Visitor>, Fault> {
    let state = gateway.state();
    let Some(token) = Cookie::Session.read(&state.config, headers) else {
        return Ok(None);
    };
    let (now, spans) = (gateway.clock.now(), spans(&state.config));
    need(gateway, move |store| {
        let Some(visit) = store.visit(&token, now, spans)? else {
            return Ok(None);
        };
        let member = visit.seat.as_ref().map(|seat| seat.member.as_str());
        Ok(Some(Visitor {
            csrf: store.form_token(&token, member)?,
            user: visit.user,
            seat: visit.seat,
            seats: visit.seats,
            token,
        }))
    })
    .await
}

pub(super) fn spans(config: &Config) -> Spans {
    Spans {
        idle: config.people.idle_days.saturating_mul(86_400),
        whole: config.people.session_days.saturating_mul(86_400),
    }
}

impl Visitor {
    /// Whether a form was written for this session and the account that is looked at: what another
    /// tab shows must not change this one.
    ///
    /// # Errors
    /// If it was written for another one, or carries no token.
    pub fn must_have_written(&self, csrf: &str) -> Result<(), Fault> {
        let same = verify_slices_are_equal(csrf.as_bytes(), self.csrf.as_bytes());
        same.map_err(|_| {
            let message = "this form is of another session or account: go back, load the page \
                           again, and send it from there";
            Fault::new(Kind::Forbidden, Blame::Caller, message)
        })
    }

    /// The user as caller of the API, in the account that is looked at.
    #[must_use]
    pub fn caller(&self) -> Option<Caller> {
        let seat = self.seat.as_ref()?;
        Some(Caller {
            key_id: CONSOLE.to_owned(),
            key_name: CONSOLE.to_owned(),
            account_id: seat.account.id,
            account_name: seat.account.name.clone(),
            kind: seat.account.kind,
            budget: None,
            limits: Limits::default(),
            frozen: seat.frozen,
            acting: Some(Acting {
                member: seat.member.clone(),
                role: seat.role,
            }),
        })
    }
}
