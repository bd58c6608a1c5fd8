//! Who asks: somebody who signed in, or a guest.
//!
//! Invariant: who signed in pays by a key of the account that is looked at, which acts for that
//! member; each call carries the token of the session, so that no other page can make one.

use super::run::Question;
use crate::gateway::Gateway;
use crate::people::{self, Visitor};
use crate::relay::{self, Door, Guest};
use http::HeaderMap;
use std::sync::Arc;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::{Caller, LedgerError, NewKey, Right, Seat};

/// The name of the key by which members call from here.
const KEY: &str = "playground";

/// Whose calls these are.
pub(super) struct Visit {
    pub(super) caller: Arc<Caller>,
    /// The terms of who did not say who it is.
    pub(super) guest: Option<Guest>,
    pub(super) who: Option<Visitor>,
}

impl Visit {
    /// Whether the page that asks was written for this session; guests have none.
    pub(super) fn must_have_written(&self, csrf: &str) -> Result<(), Fault> {
        match &self.who {
            Some(who) => who.must_have_written(csrf),
            None => Ok(()),
        }
    }

    /// What is asked, where the answer may be kept as an example: of an operator.
    pub(super) fn question(&self, door: Door, body: &[u8], call: &str) -> Option<Question> {
        let user = &self.who.as_ref()?.user;
        let operates = user.is_operator.then_some(&user.id)?;
        Question::of(operates, door, body, call)
    }
}

pub(super) async fn visit(gateway: &Arc<Gateway>, headers: &HeaderMap) -> Result<Visit, Fault> {
    if let Some(who) = people::visitor(gateway, headers).await?
        && let (Some(seat), Some(caller)) = (who.seat.clone(), who.caller())
    {
        relay::must(&caller, Right::Call)?;
        return Ok(Visit {
            caller: caller_of(gateway, seat).await?,
            guest: None,
            who: Some(who),
        });
    }
    if let Some(caller) = gateway.open_caller() {
        return Ok(Visit {
            caller,
            guest: None,
            who: None,
        });
    }
    let terms = gateway.state().config.guest.clone();
    if !terms.enabled {
        let message = "nobody is a guest here: sign in, or call with a key; `guest.enabled` opens the playground";
        return Err(Fault::new(Kind::Unauthenticated, Blame::Caller, message));
    }
    Ok(Visit {
        caller: gateway.guests.caller(gateway).await?,
        guest: Some(Guest {
            output_tokens_max: terms.output_tokens_max,
        }),
        who: None,
    })
}

/// The caller that a member is here.
async fn caller_of(gateway: &Arc<Gateway>, seat: Seat) -> Result<Arc<Caller>, Fault> {
    let now = gateway.clock.now();
    let of = gateway.clone();
    let key = tokio::task::spawn_blocking(move || key_of(&of, &seat, now)).await;
    let away = || {
        let message = "the key of the playground cannot be had at present: try again in a moment";
        Fault::new(Kind::Unavailable, Blame::Us, message)
    };
    let key = key.map_err(|_| away())?.map_err(|_| away())?;
    gateway.ring.own(&key, now).map_err(|_| away())
}

fn key_of(gateway: &Gateway, seat: &Seat, now: i64) -> Result<String, LedgerError> {
    let store = &gateway.store;
    let known = store.working_key(seat.account.id, &seat.member, KEY, now)?;
    let id = match known {
        Some(key) => key.id,
        None => {
            let new = NewKey {
                name: KEY.to_owned(),
                member: Some(seat.member.clone()),
                ..NewKey::default()
            };
            // Its text is forgotten here.
            store
                .create_key(seat.account.id, &new, now)?
                .id()
                .to_owned()
        }
    };
    if gateway.ring.own(&id, now).is_err() {
        // Where it fails, the key is not known, which is told to who calls.
        let _known = gateway.ring.refresh();
    }
    Ok(id)
}
