//! Strays are entered or dropped, once, by whoever looks at them.

use std::thread;

use vane_ledger::book::{Act, Op};
use vane_ledger::{AccountId, LedgerError, Store, Stray, StrayEntry};

use crate::Folder;
use crate::books::{START, op, prepaid, settlement, usd};

/// The account that is made second.
const SECOND: AccountId = AccountId(2);

/// Keeps a record as a replica does that could not enter it.
fn stray(store: &Store, record: &str) {
    let life = store.begin(3, START).unwrap();
    store
        .keep_stray(&Stray {
            instance: life.instance,
            epoch: life.epoch,
            from: 0,
            position: life.ingested + 1,
            call: None,
            record,
            why: "there was no such account",
            at: START,
        })
        .unwrap();
}

fn of(call: &str, account: AccountId) -> String {
    let op = Op {
        instance: 3,
        ..op(call, Act::Settle(settlement(call, account)))
    };
    serde_json::to_string(&op).unwrap()
}

#[track_caller]
fn open(store: &Store) -> Vec<i64> {
    let open = store.open_strays(0, 10).unwrap();
    assert_eq!(store.strays().unwrap(), open.len() as u64);
    open.into_iter().map(|stray| stray.n).collect()
}

#[test]
fn m7_a_stray_is_entered_exactly_once_whoever_tries() {
    let folder = Folder::new();
    let store = folder.store();
    prepaid(&store, "team", "1");
    stray(&store, &of("lost", SECOND));
    let kept = store.open_strays(0, 10).unwrap();
    assert_eq!((kept[0].n, kept[0].at), (1, START));
    assert_eq!(kept[0].why, "there was no such account");
    assert_eq!(kept[0].record, of("lost", SECOND));
    assert!(store.open_strays(1, 10).unwrap().is_empty());

    // Nothing has changed: it stays, and so does the audit's word.
    let refused = StrayEntry::Refused("there is no such account".into());
    assert_eq!(store.enter_stray(1).unwrap(), refused);
    assert_eq!(open(&store), [1]);
    assert_eq!(store.audit().unwrap().unwrap_err().invariant, 11);

    assert_eq!(prepaid(&store, "late", "1"), SECOND);
    let other = folder.store();
    let tried = thread::scope(|scope| {
        let tries = [&store, &other].map(|store| scope.spawn(|| store.enter_stray(1)));
        tries.map(|one| one.join().unwrap())
    });
    let entered = StrayEntry::Entered {
        charged: usd("0.2"),
        lost: usd("0.1"),
    };
    let done = |tried: &&Result<_, _>| matches!(tried, Ok(done) if *done == entered);
    let late = |tried: &&Result<_, _>| matches!(tried, Err(LedgerError::StrayEnded { n: 1, state }) if state == "entered");
    assert_eq!(tried.iter().filter(done).count(), 1, "{tried:?}");
    assert_eq!(tried.iter().filter(late).count(), 1, "{tried:?}");
    assert!(open(&store).is_empty());
    assert_eq!(store.balance(SECOND).unwrap().posted, usd("0.8"));
    assert!(store.receipt(Some(SECOND), "lost").unwrap().is_some());
    store.audit().unwrap().unwrap();
}

#[test]
fn m7_a_stray_of_a_call_that_has_a_receipt_is_refused_as_repeated_and_marked() {
    let folder = Folder::new();
    let store = folder.store();
    let account = prepaid(&store, "team", "1");
    store
        .apply(&[op("call", Act::Settle(settlement("call", account)))])
        .unwrap()[0]
        .as_ref()
        .unwrap();
    let before = store.balance(account).unwrap();
    stray(&store, &of("call", account));
    assert_eq!(store.enter_stray(1).unwrap(), StrayEntry::Repeated);
    assert_eq!(store.balance(account).unwrap(), before);
    assert!(open(&store).is_empty());
    let again = store.enter_stray(1).unwrap_err().to_string();
    assert_eq!(again, "stray 1 is dropped already");
    store.audit().unwrap().unwrap();
}

#[test]
fn a_stray_is_dropped_for_a_reason_and_its_row_stays() {
    let folder = Folder::new();
    let store = folder.store();
    let account = prepaid(&store, "team", "1");
    stray(&store, &of("one", account));
    stray(&store, &of("two", account));
    assert!(store.drop_stray(1, "").is_err(), "without a reason");
    assert_eq!(open(&store), [1, 2]);
    store.drop_stray(1, "the provider never billed it").unwrap();
    assert_eq!(open(&store), [2]);
    for again in [
        store.drop_stray(1, "again"),
        store.enter_stray(1).map(|_| ()),
    ] {
        let said = again.unwrap_err().to_string();
        assert_eq!(said, "stray 1 is dropped already");
    }
    let missing = store.drop_stray(9, "x").unwrap_err().to_string();
    assert!(missing.starts_with("there is no stray 9"), "{missing}");
    assert!(folder.vandal().run("DELETE FROM stray").is_err());
    store.enter_stray(2).unwrap();
    assert_eq!(store.balance(account).unwrap().posted, usd("0.8"));
    store.audit().unwrap().unwrap();
}

#[test]
fn a_record_that_is_no_settlement_stays_open() {
    let folder = Folder::new();
    let store = folder.store();
    let account = prepaid(&store, "team", "1");
    let grant = op("gift", crate::books::cash(account, usd("9")));
    stray(&store, r#"{"kind":77,"payload":"AA=="}"#);
    stray(&store, &serde_json::to_string(&grant).unwrap());
    for n in [1, 2] {
        let tried = store.enter_stray(n).unwrap();
        assert!(matches!(tried, StrayEntry::Refused(_)), "{tried:?}");
    }
    assert_eq!(open(&store), [1, 2]);
    assert_eq!(store.balance(account).unwrap().posted, usd("1"));
}
