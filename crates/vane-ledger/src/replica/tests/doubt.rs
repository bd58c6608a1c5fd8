//! Leases of which nobody knows what became of them.

use vane_catalog::Money;

use super::{NOW, Scene, micro, sound};
use crate::book::{Act, Lease, Op};
use crate::replica::{Payer, Replica, Short};

fn usd(text: &str) -> Money {
    Money::parse(text).unwrap()
}

/// A table that refuses what is done to leases, as one that cannot be reached would.
fn refuse(scene: &Scene, what: &str) {
    scene.sql(&format!(
        "CREATE TRIGGER planted BEFORE {what} ON lease
         BEGIN SELECT raise(ABORT, 'planted'); END"
    ));
}

fn mend(scene: &Scene) {
    scene.sql("DROP TRIGGER planted");
}

async fn lacks(replica: &Replica, payer: Payer<'_>, amount: Money) -> bool {
    let held = replica.hold(payer, amount).await;
    matches!(held, Err(Short::Balance { .. }))
}

#[tokio::test]
async fn what_was_returned_by_a_commit_that_nobody_heard_of_is_not_held_again() {
    let scene = Scene::new();
    let replica = scene.replica();
    let payer = scene.payer();
    drop(replica.hold(payer, usd("10")).await.unwrap());
    // The purse has more than was asked for, and a purse of another key lacks it.
    refuse(&scene, "UPDATE");
    let other = Payer {
        budget: Some(usd("1000")),
        ..payer
    };
    let short = replica.hold(other, usd("95")).await;
    assert!(matches!(short, Err(Short::Away(_))), "{short:?}");
    mend(&scene);
    // It had happened all the same.
    scene.sql(
        "UPDATE book SET held = 0 WHERE kind = 'customer';
         UPDATE lease SET amount = spent",
    );
    let hold = replica.hold(payer, usd("20")).await.unwrap();
    let rest = replica.hold(payer, usd("80")).await.unwrap();
    assert!(lacks(&replica, payer, micro(1)).await);
    let held = scene.store.balance(scene.payer).unwrap().held;
    assert_eq!(held, usd("100"));
    drop((hold, rest, replica));
    assert_eq!(scene.store.balance(scene.payer).unwrap().held, Money::ZERO);
    sound(&scene.store);
}

#[tokio::test]
async fn what_was_not_returned_by_a_commit_that_failed_is_lent_still() {
    let scene = Scene::new();
    let replica = scene.replica();
    let payer = scene.payer();
    let hold = replica.hold(payer, usd("10")).await.unwrap();
    let other = Payer {
        budget: Some(usd("1000")),
        ..payer
    };
    refuse(&scene, "UPDATE");
    let short = replica.hold(other, usd("90")).await;
    assert!(matches!(short, Err(Short::Away(_))), "{short:?}");
    mend(&scene);
    let rest = replica.hold(payer, usd("90")).await.unwrap();
    assert!(lacks(&replica, payer, micro(1)).await);
    drop((hold, rest, replica));
    assert_eq!(scene.store.balance(scene.payer).unwrap().held, Money::ZERO);
    sound(&scene.store);
}

#[tokio::test]
async fn a_lease_that_was_taken_by_a_commit_that_nobody_heard_of_is_used() {
    let scene = Scene::new();
    let replica = scene.replica();
    let payer = scene.payer();
    // The lender has looked at all purses when it answers one: it does not find out by itself.
    let other = Payer {
        budget: Some(usd("1000")),
        ..payer
    };
    drop(replica.hold(other, micro(1)).await.unwrap());
    refuse(&scene, "INSERT");
    let short = replica.hold(payer, usd("10")).await;
    assert!(matches!(short, Err(Short::Away(_))), "{short:?}");
    mend(&scene);
    let purse = replica.funds.purse(payer);
    let id = purse.doubted().unwrap();
    let taken = Lease {
        account: scene.payer,
        key: None,
        epoch: 1,
        amount: usd("60"),
        until: i64::MAX,
    };
    let taken = Op {
        id: id.clone(),
        at: NOW,
        instance: replica.instance(),
        act: Act::Lease(taken),
    };
    scene.store.apply(&[taken]).unwrap().remove(0).unwrap();
    // A smaller call is not answered by what the first was told.
    drop(replica.hold(payer, micro(1)).await.unwrap());
    // Nothing of it is locked away.
    let hold = replica.hold(payer, usd("100")).await.unwrap();
    assert_eq!(purse.lease(), Some(id));
    drop((hold, replica));
    assert_eq!(scene.store.balance(scene.payer).unwrap().held, Money::ZERO);
    sound(&scene.store);
}
