//! Who asks: somebody who is known here, or a guest.

use super::guest::GUEST;
use crate::gateway::Gateway;
use crate::relay::Guest;
use std::sync::Arc;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::Caller;

/// Whose calls these are.
pub(super) struct Visit {
    pub(super) caller: Arc<Caller>,
    /// The terms of who did not say who it is.
    pub(super) guest: Option<Guest>,
}

pub(super) async fn visit(gateway: &Arc<Gateway>) -> Result<Visit, Fault> {
    if let Some(caller) = gateway.open_caller() {
        return Ok(Visit {
            caller,
            guest: None,
        });
    }
    let terms = gateway.state().config.guest.clone();
    if !terms.enabled {
        let message = format!(
            "nobody is a {GUEST} here: sign in, or call with a key; `guest.enabled` opens the playground"
        );
        return Err(Fault::new(Kind::Unauthenticated, Blame::Caller, message));
    }
    Ok(Visit {
        caller: gateway.guests.caller(gateway).await?,
        guest: Some(Guest {
            output_tokens_max: terms.output_tokens_max,
        }),
    })
}
