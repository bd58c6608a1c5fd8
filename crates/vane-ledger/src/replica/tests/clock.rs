//! What a replica makes of the time, and of a clock that jumps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use vane_catalog::Money;

use super::{NOW, Scene, call, caught_up, micro, until};
use crate::book::{Act, Op, Period};
use crate::clock::Clock;
use crate::replica::{Payer, Replica, Settings};

const DAY: i64 = 24 * 60 * 60;

fn clock() -> (Clock, Arc<AtomicI64>) {
    let clock = Clock::manual(NOW);
    let Clock::Manual(hand) = &clock else {
        panic!("made manual")
    };
    let hand = Arc::clone(hand);
    (clock, hand)
}

fn open(scene: &Scene, clock: &Clock) -> Replica {
    Replica::open(&scene.store, &Settings::default(), clock.clone()).unwrap()
}

#[tokio::test]
async fn a_clock_that_jumped_ahead_and_back_puts_off_no_count_of_strays() {
    let scene = Scene::new();
    let (clock, hand) = clock();
    let replica = open(&scene, &clock);
    hand.store(NOW + 10 * DAY, Ordering::Relaxed);
    scene.sql("INSERT INTO stray (op, why, at) VALUES ('{}', 'planted', 1)");
    until("the count", || replica.figures().strays == 1).await;
    hand.store(NOW, Ordering::Relaxed);
    scene.sql("UPDATE stray SET state = 'dropped', reason = 'none'");
    until("the next count", || replica.figures().strays == 0).await;
}

#[tokio::test]
async fn a_budget_of_a_period_that_is_over_is_not_told() {
    let scene = Scene::new();
    let dollar = micro(1_000_000);
    let budget = Op {
        id: "budget".into(),
        at: NOW,
        instance: 0,
        act: Act::SetBudget {
            key: "key".into(),
            budget: Some((dollar, Period::Day)),
        },
    };
    scene.store.apply(&[budget]).unwrap().remove(0).unwrap();
    let (clock, hand) = clock();
    let replica = open(&scene, &clock);
    let payer = Payer {
        budget: Some(dollar),
        ..scene.payer()
    };
    let hold = replica.hold(payer, micro(100)).await.unwrap();
    let settled = replica.settle(hold, call("req_1", scene.payer, 40), micro(40));
    settled.unwrap().await.unwrap();
    caught_up(&replica).await;
    let told = replica.spent(payer).unwrap();
    assert_eq!((told.amount, told.spent), (dollar, micro(40)));

    hand.store(told.resets_at, Ordering::Relaxed);
    assert_eq!(replica.spent(payer), None);
    // The next call finds out.
    drop(replica.hold(payer, micro(100)).await.unwrap());
    let anew = replica.spent(payer).unwrap();
    assert_eq!((anew.amount, anew.spent), (dollar, Money::ZERO));
    assert_eq!(anew.resets_at, told.resets_at + DAY);
}

#[tokio::test]
async fn a_hold_of_another_lease_is_not_joined_and_says_so() {
    let scene = Scene::new();
    let replica = open(&scene, &clock().0);
    let mut hold = replica.hold(scene.payer(), micro(100)).await.unwrap();
    let more = replica.hold(scene.payer(), micro(50)).await.unwrap();
    assert!(hold.join(more));
    assert_eq!(hold.limit(), Some(micro(150)));
    // As another life does.
    replica.funds.renew();
    assert!(!hold.extend(micro(1)), "its lease is gone");
    let more = replica.hold(scene.payer(), micro(50)).await.unwrap();
    assert!(!hold.join(more));
    assert_eq!(hold.limit(), Some(micro(150)));
    assert_eq!(replica.figures().holds, 0, "what is not joined goes back");
}
