//! A disk that takes nothing, and calls that panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Scene, call, caught_up, micro, on, settled, sound, until};
use crate::journal::{Durability, Model};
use crate::replica::{Replica, Short};

/// From now on nothing is written; what is submitted in `meanwhile` finds that out.
pub(super) fn fail(model: &Model) {
    let mut state = model.state();
    (state.full, state.write_fails_after) = (true, Some(0));
}

/// The writer mends the journal by itself, some time after it can.
pub(super) async fn mended(model: &Model, replica: &Replica) {
    {
        let mut state = model.state();
        (state.full, state.write_fails_after) = (false, None);
    }
    until("the journal to be mended", || replica.trouble().is_none()).await;
}

#[tokio::test]
async fn what_a_full_disk_did_not_take_is_written_later_and_charged_to_nobody() {
    let (scene, model) = (Scene::new(), Model::default());
    let replica = on(&model, &scene.store, &scene.folder, Durability::Crash);
    settled(&replica, scene.payer(), "req_0", 10).await;
    let mut holds = Vec::new();
    for _ in 0..3 {
        holds.push(replica.hold(scene.payer(), micro(100)).await.unwrap());
    }
    assert_eq!(replica.figures().holds, 3);
    fail(&model);
    // One whose write fails, and two that are refused at once, one of which nobody waits for.
    let mut settle = |id: &str| {
        let settlement = call(id, scene.payer, 10);
        replica.settle(holds.pop().unwrap(), settlement, micro(10))
    };
    settle("req_1").unwrap().await.unwrap_err();
    drop(settle("req_2"));
    assert!(settle("req_3").is_err());
    let short = replica.hold(scene.payer(), micro(1)).await.unwrap_err();
    assert!(
        matches!(&short, Short::Away(why) if why.contains("journal")),
        "{short}"
    );
    let unlimited = super::Payer {
        prepaid: false,
        ..scene.payer()
    };
    assert!(replica.hold(unlimited, micro(0)).await.is_err());
    assert!(replica.trouble().is_some());

    mended(&model, &replica).await;
    while scene.receipt("req_3").is_none() {
        caught_up(&replica).await;
    }
    for id in ["req_1", "req_2", "req_3"] {
        let receipt = scene.receipt(id).unwrap();
        assert_eq!(
            (receipt.charged, receipt.lost()),
            (micro(0), micro(10)),
            "{id}"
        );
    }
    assert_eq!(replica.figures().lost, micro(30));
    let left = micro(100_000_000).checked_sub(micro(10)).unwrap();
    assert_eq!(replica.balance(scene.payer), Some(left));
    // All of it may be held again.
    let all = replica.hold(scene.payer(), left).await.unwrap();
    drop(all);
    drop(replica);
    let book = scene.store.balance(scene.payer).unwrap();
    assert_eq!((book.posted, book.held), (left, micro(0)));
    sound(&scene.store);
}

#[tokio::test]
async fn m6_a_call_that_panics_gives_its_money_back() {
    let scene = Scene::new();
    let replica = scene.replica();
    let all = micro(100_000_000);
    let hold = replica.hold(scene.payer(), all).await.unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let _held = hold;
        panic!("planted");
    }));
    assert!(panicked.is_err());
    assert_eq!(replica.figures().holds, 0);
    assert_eq!(
        replica.hold(scene.payer(), all).await.unwrap().limit(),
        Some(all)
    );
}

#[tokio::test]
async fn a_replica_that_goes_leaves_no_lease_open() {
    let scene = Scene::new();
    let replica = scene.replica();
    settled(&replica, scene.payer(), "req_1", 10).await;
    drop(replica);
    assert_eq!(scene.store.open_leases(1).unwrap(), []);
    assert!(scene.receipt("req_1").is_some());
    sound(&scene.store);
}
