//! Journals become books: exactly once, with the calls that are open.

use vane_ledger::book::{Act, Op, Outcome, Refusal};
use vane_ledger::{AccountId, Ingest, LedgerError, Life, Store};

use crate::Folder;
use crate::books::{START, lease, op, prepaid, settlement};

fn piece<'a>(position: u64, ops: &'a [Op]) -> Ingest<'a> {
    Ingest {
        instance: 3,
        epoch: 1,
        from: 0,
        position,
        ops,
        opened: &[],
        closed: &[],
    }
}

fn settle(call: &str, account: AccountId) -> Op {
    op(call, Act::Settle(settlement(call, account)))
}

fn life(store: &Store) -> (i64, u64) {
    let Life {
        epoch, ingested, ..
    } = store.begin(3, START).unwrap();
    (epoch, ingested)
}

#[test]
fn each_life_has_its_epoch_and_knows_how_far_the_last_was_ingested() {
    let folder = Folder::new();
    let store = folder.store();
    assert_eq!(life(&store), (1, 0));
    store.ingest(&piece(7, &[])).unwrap();
    assert_eq!(life(&folder.store()), (2, 7));
}

#[test]
fn m7_a_piece_that_comes_again_changes_nothing() {
    let store = crate::memory();
    let account = prepaid(&store, "team", "1");
    life(&store);
    let ops = [op("lease", lease(account, "0.5")), settle("call", account)];
    store.ingest(&piece(2, &ops)).unwrap();
    let book = store.balance(account).unwrap();

    let error = store.ingest(&piece(1, &ops)).unwrap_err();
    assert!(matches!(error, LedgerError::IngestedBefore), "{error}");
    let again = store.ingest(&piece(2, &ops)).unwrap();
    assert_eq!(again, [Err(Refusal::Repeated), Err(Refusal::Repeated)]);
    assert_eq!(store.balance(account).unwrap(), book);
    // Nor is what was repeated a stray.
    store.audit().unwrap().unwrap();
}

#[test]
fn an_instance_without_a_life_ingests_nothing() {
    let store = crate::memory();
    let account = prepaid(&store, "team", "1");
    let error = store
        .ingest(&piece(1, &[settle("call", account)]))
        .unwrap_err();
    assert!(
        matches!(error, LedgerError::NotBegun { instance: 3 }),
        "{error}"
    );
    assert_eq!(store.receipt(None, "call").unwrap(), None);
}

#[test]
fn open_calls_and_leases_are_found_again() {
    let folder = Folder::new();
    let store = folder.store();
    let account = prepaid(&store, "team", "1");
    life(&store);
    let call = |id: &str, state: u8| (id.to_owned(), vec![state]);
    let ops = [Op {
        instance: 3,
        ..op("lease", lease(account, "0.5"))
    }];
    let opened = [call("a", 1), call("b", 1)];
    let first = Ingest {
        opened: &opened,
        ..piece(1, &ops)
    };
    store.ingest(&first).unwrap();
    let opened = [call("b", 2), call("c", 1)];
    let second = Ingest {
        opened: &opened,
        closed: &["a".to_owned()],
        ..piece(2, &[])
    };
    store.ingest(&second).unwrap();

    let store = folder.store();
    assert_eq!(store.open_calls(3).unwrap(), [call("b", 2), call("c", 1)]);
    assert_eq!(store.open_leases(3).unwrap(), [("lease".to_owned(), 1)]);
    assert!(store.open_calls(4).unwrap().is_empty());
    let back = Act::ReturnLease {
        lease: "lease".into(),
    };
    store.apply(&[op("back", back)]).unwrap();
    assert!(store.open_leases(3).unwrap().is_empty());
}

#[test]
fn one_commit_settles_in_order_and_refuses_alone() {
    let store = crate::memory();
    let account = prepaid(&store, "team", "1");
    life(&store);
    let back = Act::ReturnLease {
        lease: "lease".into(),
    };
    let ops = [
        op("lease", lease(account, "0.4")),
        settle("one", account),
        settle("lost", AccountId(9)),
        settle("one", account),
        op("back", back),
        settle("two", account),
    ];
    let said = store.ingest(&piece(6, &ops)).unwrap();
    let settled =
        |outcome: &Result<Outcome, Refusal>| matches!(outcome, Ok(Outcome::Settled { .. }));
    assert!(settled(&said[1]) && settled(&said[5]), "{said:?}");
    assert_eq!(said[2], Err(Refusal::NoSuchAccount));
    assert_eq!(said[3], Err(Refusal::Repeated));
    let left = crate::books::usd("0.2");
    assert_eq!(said[4], Ok(Outcome::Returned(left)));
    let book = store.balance(account).unwrap();
    assert_eq!(book.posted, crate::books::usd("0.6"));
    // The stray alone is wrong.
    assert_eq!(store.audit().unwrap().unwrap_err().invariant, 11);
}

#[test]
fn what_another_process_wrote_is_not_overwritten_from_memory() {
    let folder = Folder::new();
    let (ours, theirs) = (folder.store(), folder.store());
    let account = prepaid(&ours, "team", "1");
    let cent = crate::books::usd("0.01");
    ours.apply(&[op("lease", lease(account, "0.8"))]).unwrap();
    for n in 0..4 {
        let (store, other) = if n % 2 == 0 {
            (&ours, &theirs)
        } else {
            (&theirs, &ours)
        };
        let said = store
            .apply(&[settle(&format!("call-{n}"), account)])
            .unwrap();
        assert!(matches!(said[0], Ok(Outcome::Settled { .. })), "{said:?}");
        let credit = crate::books::cash(account, cent);
        other.apply(&[op(format!("credit-{n}"), credit)]).unwrap();
    }
    let book = ours.balance(account).unwrap();
    assert_eq!(book.posted, crate::books::usd("0.24"));
    ours.audit().unwrap().unwrap();
}
