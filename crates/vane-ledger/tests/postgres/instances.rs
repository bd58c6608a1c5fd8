//! Instances: who lives as what, and what is left of the dead.

use vane_catalog::Money;
use vane_ledger::book::{Act, Op, Settlement, Status};
use vane_ledger::{AccountId, Ingest, LedgerError, Life};

use crate::Folder;
use crate::books::{START, attempt, lease, op, prepaid, usd};

fn instance(folder: &Folder) -> Life {
    folder.store().begin(None, START).unwrap()
}

/// Silent for so long that nobody believes that they live.
fn bury(folder: &Folder, instance: i64) {
    let sql = format!("UPDATE instance SET lease_until = 1 WHERE id = {instance}");
    folder.vandal().run(&sql).unwrap();
}

#[test]
fn each_living_process_is_an_instance_of_its_own() {
    let folder = Folder::new();
    let first = instance(&folder);
    let second = instance(&folder);
    assert_eq!((first.instance, second.instance), (1, 2));
    let store = folder.store();
    store.renew_instance(&first).unwrap();

    bury(&folder, 1);
    let third = instance(&folder);
    assert_eq!((third.instance, third.epoch), (1, 2));
    let over = store.renew_instance(&first).unwrap_err();
    assert!(
        matches!(over, LedgerError::LifeOver { instance: 1 }),
        "{over}"
    );
    store.renew_instance(&third).unwrap();
    // Whoever is sure to be the same process says so, and need not wait.
    let again = store.begin(2, START).unwrap();
    assert_eq!((again.instance, again.epoch), (2, 2));
}

fn running(call: &str, account: AccountId) -> Op {
    let settlement = Settlement {
        call: call.into(),
        account,
        key: "key".into(),
        hold: Some(vane_ledger::book::Hold {
            lease: "lease".into(),
            amount: usd("0.2"),
        }),
        model: "m".into(),
        status: Status::Done,
        attempts: vec![attempt(1, 1_000_000)],
        pays_max: None,
        reported: None,
    };
    Op {
        instance: 1,
        ..op(call, Act::Settle(settlement))
    }
}

#[test]
fn what_the_dead_leave_is_settled_once_and_their_money_returns() {
    let folder = Folder::new();
    let store = folder.store();
    let account = prepaid(&store, "team", "1");
    let life = instance(&folder);
    let lent = Op {
        instance: life.instance,
        ..op("lease", lease(account, "0.9"))
    };
    let call = running("cut off", account);
    let opened = [("cut off".to_owned(), serde_json::to_vec(&call).unwrap())];
    store
        .ingest(&Ingest {
            instance: life.instance,
            position: 1,
            ops: &[lent],
            opened: &opened,
            closed: &[],
        })
        .unwrap();

    let word = |state: &[u8]| serde_json::from_slice(state).ok();
    assert_eq!(store.sweep(START, word).unwrap(), 0, "it lives");
    bury(&folder, life.instance);
    assert_eq!(store.sweep(START, word).unwrap(), 1, "the call");
    assert_eq!(store.sweep(START, word).unwrap(), 1, "the lease");
    assert_eq!(store.sweep(START, word).unwrap(), 0);
    let receipt = store.receipt(None, "cut off").unwrap().unwrap();
    assert_eq!(receipt.settlement.status, Status::Interrupted);
    let book = store.balance(account).unwrap();
    assert_eq!((book.posted, book.held), (usd("0.999999"), Money::ZERO));

    // Should it come back, it finds its call settled.
    let late = store.ingest(&Ingest {
        instance: life.instance,
        position: 2,
        ops: &[call],
        opened: &[],
        closed: &[],
    });
    assert!(late.unwrap()[0].is_err());
    store.audit().unwrap().unwrap();
}
