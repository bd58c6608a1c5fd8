//! What tests of replicas share: who pays, a call, its end, and the books behind it.

use std::time::Duration;

use vane_catalog::Money;
use vane_ledger::book::{Settlement, Status};
use vane_ledger::{AccountId, Hold, Payer, Replica, Store};

use crate::books::attempt;

/// The longest that anything may take; only a failing test ever waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks: who waits must not take the processor from what it waits for.
const LOOKS: Duration = Duration::from_millis(2);

/// Looks again and again until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(LOOKS).await;
        }
    };
    let done = tokio::time::timeout(PATIENCE, looking).await;
    assert!(done.is_ok(), "waited in vain for {what}");
}

pub(crate) const fn payer(account: AccountId) -> Payer<'static> {
    Payer {
        account,
        prepaid: true,
        key: "key",
        budget: None,
    }
}

/// A call that wrote so many micro-dollars' worth.
pub(crate) fn call(id: impl Into<String>, account: AccountId, micro: u64) -> Settlement {
    Settlement {
        call: id.into(),
        account,
        key: "key".into(),
        hold: None,
        model: "lab-m".into(),
        status: Status::Done,
        attempts: vec![attempt(micro, 1_000_000)],
        pays_max: None,
        reported: None,
        stream: false,
        took_ms: 0,
    }
}

pub(crate) async fn settle(replica: &Replica, hold: Hold, settlement: Settlement, cost: Money) {
    let settling = replica.settle(hold, settlement, cost).unwrap();
    settling.await.unwrap();
}

pub(crate) async fn caught_up(replica: &Replica) {
    replica.caught_up(PATIENCE).await.unwrap();
}

#[track_caller]
pub(crate) fn sound(store: &Store) {
    let audited = store.audit().unwrap();
    assert!(audited.is_ok(), "{audited:?}");
}
