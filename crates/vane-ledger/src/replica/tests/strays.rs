//! Records that cannot be entered.

use super::{Scene, call, caught_up, micro, on, settled, sound};
use crate::book::{Act, Op, Settlement, Status};
use crate::journal::{Durability, Model, Refused};
use crate::replica::{Replica, record};

/// A table that refuses the receipt of one call, as one that was damaged would.
fn refuse(scene: &Scene, id: &str) {
    scene.sql(&format!(
        "CREATE TRIGGER planted BEFORE INSERT ON receipt WHEN new.call = '{id}'
         BEGIN SELECT raise(ABORT, 'planted'); END"
    ));
}

async fn submit(replica: &Replica, kind: u8, payload: &[u8]) {
    let written = replica.journal.submit(kind, payload, Durability::Crash);
    written.unwrap().await.unwrap();
}

#[tokio::test]
async fn records_that_cannot_be_entered_are_kept_and_hold_up_nothing() {
    let scene = Scene::new();
    refuse(&scene, "req_7");
    let replica = scene.replica();
    for n in 0..40 {
        match n {
            11 => submit(&replica, 77, b"of a later version").await,
            19 => submit(&replica, record::SETTLED, b"no settlement").await,
            20 => submit(&replica, record::OPENED, b"").await,
            _ => {}
        }
        settled(&replica, scene.payer(), &format!("req_{n}"), 10).await;
    }
    caught_up(&replica).await;
    assert_eq!(replica.trouble(), None);
    assert_eq!(
        (replica.figures().strays, scene.store.strays().unwrap()),
        (4, 4)
    );
    for n in 0..40 {
        let receipt = scene.receipt(&format!("req_{n}"));
        assert_eq!(receipt.is_some(), n != 7, "{n}");
    }
    let said = scene.store.audit().unwrap().unwrap_err();
    assert!(
        said.invariant == 11 && said.what.contains("req_7"),
        "{said}"
    );
    // The money of the one that is kept is nobody's yet: neither charged nor held.
    drop(replica);
    let book = scene.store.balance(scene.payer).unwrap();
    let expected = micro(100_000_000).checked_sub(micro(390)).unwrap();
    assert_eq!((book.posted, book.held), (expected, micro(0)));
    // A new life does not read them again.
    assert_eq!(scene.replica().figures().strays, 4);
}

#[tokio::test]
async fn the_last_word_of_a_call_that_cannot_be_entered_does_not_stop_the_start() {
    let scene = Scene::new();
    let replica = scene.replica();
    let mut holds = Vec::new();
    for n in 0..9 {
        let hold = replica.hold(scene.payer(), micro(100)).await.unwrap();
        replica.opened(&hold, call(&format!("req_{n}"), scene.payer, 5));
        holds.push(hold);
    }
    let unreadable = [[5].as_slice(), b"req_x", b"no settlement"].concat();
    submit(&replica, record::OPENED, &unreadable).await;
    caught_up(&replica).await;
    drop(replica);
    drop(holds);
    refuse(&scene, "req_4");
    let replica = scene.replica();
    assert_eq!(replica.figures().strays, 2);
    assert_eq!(scene.store.open_calls(1).unwrap(), []);
    for n in 0..9 {
        let receipt = scene.receipt(&format!("req_{n}"));
        assert_eq!(receipt.is_some(), n != 4, "{n}");
        assert!(receipt.is_none_or(|one| one.settlement.status == Status::Interrupted));
    }
    drop(replica);
    assert_eq!(scene.store.balance(scene.payer).unwrap().held, micro(0));
}

#[tokio::test]
async fn a_settlement_that_the_books_refuse_is_a_stray_and_is_told() {
    let scene = Scene::new();
    let replica = scene.replica();
    let mut impossible = call("req_1", scene.payer, 5);
    impossible.attempts[0].quantity_max = 1;
    let op = Op {
        id: "req_1".into(),
        at: super::NOW,
        instance: 1,
        act: Act::Settle(impossible),
    };
    submit(&replica, record::SETTLED, &record::settled(&op)).await;
    settled(&replica, scene.payer(), "req_2", 5).await;
    caught_up(&replica).await;
    assert_eq!(
        (replica.figures().strays, scene.store.strays().unwrap()),
        (1, 1)
    );
    assert!(scene.receipt("req_2").is_some());
}

#[tokio::test]
async fn a_locked_database_is_waited_for_and_no_record_is_given_up() {
    let scene = Scene::new();
    let replica = scene.replica();
    settled(&replica, scene.payer(), "req_first", 10).await;
    caught_up(&replica).await;
    let locker = rusqlite::Connection::open(scene.folder.join("vane.db")).unwrap();
    locker.execute_batch("BEGIN EXCLUSIVE").unwrap();
    // What is lent goes on.
    for n in 0..30 {
        settled(&replica, scene.payer(), &format!("req_{n}"), 10).await;
    }
    assert!(scene.receipt("req_29").is_none());
    locker.execute_batch("COMMIT").unwrap();
    caught_up(&replica).await;
    assert!((0..30).all(|n| scene.receipt(&format!("req_{n}")).is_some()));
    assert_eq!(scene.store.strays().unwrap(), 0);
    drop(replica);
    sound(&scene.store);
}

#[tokio::test]
async fn a_settlement_too_large_for_the_journal_holds_up_no_other() {
    let (scene, model) = (Scene::new(), Model::default());
    let replica = on(&model, &scene.store, &scene.folder, Durability::Crash);
    let large = replica.hold(scene.payer(), micro(100)).await.unwrap();
    let other = replica.hold(scene.payer(), micro(100)).await.unwrap();
    replica.opened(&large, call("req_large", scene.payer, 5));
    let settlement = Settlement {
        model: "m".repeat(20 << 10),
        ..call("req_large", scene.payer, 10)
    };
    let refused = replica.settle(large, settlement, micro(10)).err();
    assert!(
        matches!(refused, Some(Refused::TooLarge { .. })),
        "{refused:?}"
    );
    super::disk::fail(&model);
    let settlement = call("req_other", scene.payer, 10);
    let unwritten = replica.settle(other, settlement, micro(10));
    unwritten.unwrap().await.unwrap_err();
    super::disk::mended(&model, &replica).await;
    drop(replica);
    assert!(scene.receipt("req_other").is_some());
    // The one that is too large is settled by its last word.
    assert!(scene.receipt("req_large").is_none());
    drop(on(&model, &scene.store, &scene.folder, Durability::Crash));
    let receipt = scene.receipt("req_large").unwrap();
    assert_eq!(receipt.settlement.status, Status::Interrupted);
    assert_eq!(scene.store.strays().unwrap(), 0);
    sound(&scene.store);
}
