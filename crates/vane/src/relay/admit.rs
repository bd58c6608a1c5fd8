//! Whether the call may begin now: the limits of its key.

use super::decode::RawCall;
use super::settle::Record;
use crate::gateway::Gateway;
use crate::limits::{Place, Refusal, tokens_guessed};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::Caller;

/// Takes a place among the running calls of the key, within its limits.
///
/// # Errors
/// If there is none, the account is frozen, or the process is about to stop.
pub(super) async fn admit(
    gateway: &Arc<Gateway>,
    caller: &Caller,
    call: &RawCall,
    record: &mut Record,
) -> Result<Place, Fault> {
    if gateway.draining.load(Relaxed) {
        let message = "Vane is restarting: try again in a moment";
        let fault = Fault::new(Kind::Unavailable, Blame::Us, message);
        return Err(Fault {
            retry_after: Some(Duration::from_secs(2)),
            ..fault
        });
    }
    if caller.frozen {
        return Err(crate::payments::frozen(&caller.account_name));
    }
    let tokens = match caller.limits.tokens_per_minute {
        Some(_) => tokens_guessed(&call.head, call.dialect().task()),
        None => 0,
    };
    let now = gateway.clock.elapsed();
    let (standing, place) = gateway.traffic.enter(caller, tokens, now).await;
    record.stands(standing);
    place.map_err(Refusal::fault)
}
