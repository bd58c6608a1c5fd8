//! Instances: who lives as what, and what is left of the dead.

use vane_catalog::Money;
use vane_ledger::book::{Act, Op, Refusal, Settlement, Status};
use vane_ledger::{AccountId, Ingest, LedgerError, Life};

use crate::books::{START, attempt, lease, op, prepaid, usd};
use crate::{Folder, aside};

fn instance(folder: &Folder, journal: &str) -> Life {
    folder.store().begin_of(journal, START).unwrap()
}

/// Silent for so long that nobody believes that they live.
pub(crate) fn bury(folder: &Folder, instance: i64) {
    let sql = format!("UPDATE instance SET lease_until = 1 WHERE id = {instance}");
    aside(|| folder.vandal().run(&sql)).unwrap();
}

/// Seen for so long that what it does not see is dead.
pub(crate) fn age(folder: &Folder, instance: i64) {
    let sql = format!("UPDATE instance SET seen_since = 1 WHERE id = {instance}");
    aside(|| folder.vandal().run(&sql)).unwrap();
}

#[test]
fn each_living_process_is_an_instance_of_its_own() {
    let folder = Folder::new();
    let first = instance(&folder, "a");
    let second = instance(&folder, "b");
    assert_eq!((first.instance, second.instance), (1, 2));
    let store = folder.store();
    store.renew_instance(&first).unwrap();

    // The number of the dead stays that of their journal, which may still have something to say.
    bury(&folder, 1);
    assert_eq!(instance(&folder, "c").instance, 3);
    let again = instance(&folder, "a");
    assert_eq!((again.instance, again.epoch), (1, 2));
    let over = store.renew_instance(&first).unwrap_err();
    assert!(
        matches!(over, LedgerError::LifeOver { instance: 1 }),
        "{over}"
    );
    store.renew_instance(&again).unwrap();
}

#[test]
fn a_life_that_is_over_begins_again_unless_another_process_lives_as_it() {
    let folder = Folder::new();
    let store = folder.store();
    let first = instance(&folder, "a");
    let copy = instance(&folder, "a");
    let over = store.begin_again(&first, START).unwrap_err();
    assert!(
        matches!(over, LedgerError::LifeOver { instance: 1 }),
        "{over}"
    );
    store.renew_instance(&copy).unwrap();
    bury(&folder, 1);
    let again = store.begin_again(&first, START).unwrap();
    assert_eq!((again.instance, again.epoch), (1, 3));
    store.renew_instance(&again).unwrap();
    assert!(store.renew_instance(&copy).is_err());
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
        stream: false,
        took_ms: 40,
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
    let life = instance(&folder, "a");
    let other = instance(&folder, "b");
    let lent = Op {
        instance: life.instance,
        ..op("lease", lease(account, "0.9"))
    };
    let call = running("cut off", account);
    let opened = [("cut off".to_owned(), serde_json::to_vec(&call).unwrap())];
    store
        .ingest(&Ingest {
            instance: life.instance,
            epoch: 1,
            from: 0,
            position: 1,
            ops: &[lent],
            opened: &opened,
            closed: &[],
        })
        .unwrap();

    let word = |state: &[u8]| serde_json::from_slice(state).ok();
    let sweep = |life: &Life| store.sweep(life, START, word).unwrap();
    age(&folder, other.instance);
    assert_eq!(sweep(&other), 0, "it lives");
    bury(&folder, life.instance);
    let new = instance(&folder, "c");
    assert_eq!(sweep(&new), 0, "who is new cannot know who is dead");
    assert_eq!(sweep(&other), 1, "the call");
    assert_eq!(sweep(&other), 1, "the lease");
    assert_eq!(sweep(&other), 0);
    let receipt = store.receipt(None, "cut off").unwrap().unwrap();
    assert_eq!(receipt.settlement.status, Status::Interrupted);
    assert_eq!(receipt.settlement.took_ms, 40);
    let book = store.balance(account).unwrap();
    assert_eq!((book.posted, book.held), (usd("0.999999"), Money::ZERO));

    // Should it come back, nothing of its life comes in, and another finds its call settled.
    let ops = [call];
    let late = |life: &Life| {
        store.ingest(&Ingest {
            instance: life.instance,
            epoch: life.epoch,
            from: 0,
            position: 2,
            ops: &ops,
            opened: &[],
            closed: &[],
        })
    };
    let over = late(&life).unwrap_err();
    assert!(matches!(over, LedgerError::LifeOver { .. }), "{over}");
    assert!(store.renew_instance(&life).is_err());
    let again = store.begin_again(&life, START).unwrap();
    assert_eq!(again.ingested, 1);
    assert_eq!(late(&again).unwrap(), [Err(Refusal::Repeated)]);
    assert_eq!(store.balance(account).unwrap().posted, usd("0.999999"));
    assert_eq!(store.strays().unwrap(), 0);
    store.audit().unwrap().unwrap();
}

#[test]
fn m6_a_call_of_the_dead_that_nobody_sweeps_is_found_and_none_that_runs_or_is_being_swept() {
    let folder = Folder::new();
    let store = folder.store();
    let life = instance(&folder, "a");
    let other = instance(&folder, "b");
    store
        .ingest(&Ingest {
            instance: life.instance,
            epoch: life.epoch,
            from: 0,
            position: 1,
            ops: &[],
            opened: &[("cut off".to_owned(), vec![1])],
            closed: &[],
        })
        .unwrap();
    let sound = |when: &str| {
        let audited = store.audit().unwrap();
        assert_eq!(audited.map(|sound| sound.open_calls), Ok(1), "{when}");
    };
    age(&folder, other.instance);
    sound("it runs");
    let silent = "UPDATE instance SET lease_until =
        CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) - 60000000 WHERE id = 1";
    aside(|| folder.vandal().run(silent)).unwrap();
    sound("it is being swept");
    bury(&folder, life.instance);
    bury(&folder, other.instance);
    sound("nobody lives who could sweep it");
    instance(&folder, "c");
    sound("who lives cannot know yet who is dead");

    store.renew_instance(&other).unwrap();
    age(&folder, other.instance);
    assert_eq!(
        store.audit().unwrap().unwrap_err().to_string(),
        "call cut off: somebody was asked for it in a process that is gone, and nobody has settled \
         it (invariant 13)"
    );
}
