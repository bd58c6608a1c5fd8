//! Whether the call may begin now: the limits of its key.

use crate::gateway::Gateway;
use crate::limits::Place;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::Caller;

/// Takes a place among the running calls of the key.
///
/// # Errors
/// If all are taken, the account is frozen, or the process is about to stop.
pub(super) fn admit(gateway: &Arc<Gateway>, caller: &Caller) -> Result<Place, Fault> {
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
    gateway.concurrency.enter(&caller.key_id).ok_or_else(|| {
        let max = gateway.concurrency.max();
        let message =
            format!("{max} calls of this key are running already: let one finish, or raise `limits.concurrent_per_key_max`");
        let fault = Fault::new(Kind::RateLimited, Blame::Caller, message);
        Fault { retry_after: Some(Duration::from_secs(1)), ..fault }
    })
}
