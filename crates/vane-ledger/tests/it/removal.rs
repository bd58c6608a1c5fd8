//! Receipts that go, the oldest first: what is left is as sound as it was, and tells the same.

use std::thread;

use vane_ledger::book::{Act, BookKind, Hold, Op, Settlement, Source, Status, TxnKind};
use vane_ledger::{
    AccountId, Audited, By, Ingest, LedgerError, Posted, Removable, Removal, Store, Stray,
    StrayEntry,
};

use crate::books::{START, cash, lease, op, prepaid, settlement, usd};
use crate::{Folder, memory};

/// Between two commits.
const STEP: i64 = 600;
const ROUNDS: i64 = 120;
/// Of one commit, on average.
const CALLS: i64 = 5;
const END: i64 = START + ROUNDS * STEP;

pub(crate) struct Filled {
    pub(crate) team: AccountId,
    pub(crate) metered: AccountId,
}

pub(crate) fn at(round: i64) -> i64 {
    START + round * STEP
}

/// Books of some commits, with calls of two accounts and two instances, and credit in the midst.
pub(crate) fn fill(store: &Store, rounds: i64) -> Filled {
    let team = prepaid(store, "team", "1000");
    let metered = crate::account(store, "metered");
    let filled = Filled { team, metered };
    let first = [
        op("lease", lease(team, "400")),
        op("spare", lease(team, "400")),
    ];
    for outcome in store.apply(&first).unwrap() {
        outcome.unwrap();
    }
    for round in 0..rounds {
        for outcome in store.apply(&commit(&filled, round)).unwrap() {
            outcome.unwrap();
        }
    }
    filled
}

fn commit(filled: &Filled, round: i64) -> Vec<Op> {
    let call = |n: i64| settlement(&format!("c{round}-{n}"), filled.team);
    let of_metered = |n: i64| Settlement {
        account: filled.metered,
        hold: None,
        key: format!("key{}", n % 2),
        ..call(n)
    };
    let spare = Settlement {
        hold: Some(Hold {
            lease: "spare".into(),
            amount: usd("0.1"),
        }),
        model: "m2".into(),
        ..call(2)
    };
    let mut acts: Vec<Act> = [call(0), of_metered(1), spare, of_metered(3), call(4)]
        .into_iter()
        .map(Act::Settle)
        .collect();
    match round % 6 {
        1 => acts.insert(2, cash(filled.team, usd("1"))),
        3 => acts.insert(
            3,
            Act::Grant {
                account: filled.team,
                amount: usd("0.5"),
                source: Source::Promotion {
                    expires_at: END + 90,
                },
                reason: "given".into(),
            },
        ),
        5 => acts.insert(
            1,
            Act::Refund {
                account: filled.team,
                amount: usd("0.25"),
                reason: "asked for".into(),
            },
        ),
        _ => {}
    }
    let numbered = acts.into_iter().enumerate();
    let ops = numbered.map(|(n, act)| Op {
        id: format!("op{round}-{n}"),
        at: at(round),
        // The last of a commit is sometimes another's.
        instance: i64::from(round % 4 == 2 && n == 4),
        act,
    });
    ops.collect()
}

fn sound(store: &Store) -> Audited {
    store.audit().unwrap().unwrap()
}

/// Removes all that is older, in chunks; how many there were.
pub(crate) fn remove(store: &Store, before: i64, most: usize) -> usize {
    let mut chunks = 0;
    while let Some(removal) = store.next_removal(before, most).unwrap() {
        assert!(store.remove(&removal).unwrap());
        chunks += 1;
    }
    chunks
}

fn next(store: &Store, before: i64, most: usize) -> Removal {
    store.next_removal(before, most).unwrap().unwrap()
}

fn usage(store: &Store) -> Vec<vane_ledger::UsageRow> {
    let all = [By::Day, By::Model, By::Key, By::DayModel];
    all.iter()
        .flat_map(|by| store.usage(None, None, 0, END + STEP, *by).unwrap())
        .collect()
}

#[test]
fn m14_receipts_go_in_chunks_and_the_books_hold_before_between_and_after() {
    let store = memory();
    let Filled { team, metered } = fill(&store, ROUNDS);
    let before = sound(&store);
    let all = ROUNDS * CALLS;
    assert_eq!((before.receipts, before.gone), (all, 0));
    let (used, balance) = (usage(&store), store.balance(team).unwrap());
    let loss = store.book(BookKind::OperatorLoss, 0).unwrap();
    let until = at(ROUNDS / 2);
    let old = Removable {
        receipts: all / 2,
        oldest_at: START,
        newest_at: until - STEP,
    };
    assert_eq!(store.removable(until).unwrap(), old);

    let mut left = all;
    let mut chunks = 0;
    while let Some(removal) = store.next_removal(until, 20).unwrap() {
        let gone = i64::try_from(removal.receipts().len()).unwrap();
        assert!((1..=20).contains(&gone), "{gone}");
        assert_eq!(sound(&store).receipts, left, "planning changes nothing");
        assert!(store.remove(&removal).unwrap());
        left -= gone;
        chunks += 1;
        let audited = sound(&store);
        assert_eq!((audited.receipts, audited.gone), (left, all - left));
    }
    assert_eq!((left, chunks), (all / 2, 15));
    assert_eq!(store.removable(until).unwrap(), Removable::default());

    let after = sound(&store);
    // Of usage nothing is left of before, of credit all is.
    assert!(after.transactions < before.transactions, "{after:?}");
    assert_eq!(usage(&store), used);
    assert_eq!(store.balance(team).unwrap(), balance);
    assert_eq!(store.book(BookKind::OperatorLoss, 0).unwrap(), loss);
    let hour = |at: i64| at - at % 3_600 + 3_600;
    let gone_until = store.gone_until(Some(metered)).unwrap();
    assert_eq!(gone_until, Some(hour(until - STEP)));
    assert_eq!(store.gone_until(Some(AccountId(77))).unwrap(), None);
    assert!(store.receipt(None, "c59-4").unwrap().is_none());
    assert!(store.receipt(None, "c60-0").unwrap().is_some());
}

#[test]
fn m14_calls_are_settled_while_receipts_are_removed() {
    let folder = Folder::new();
    let store = folder.store();
    let filled = fill(&store, ROUNDS);
    let other = folder.store();
    thread::scope(|scope| {
        let settling = scope.spawn(|| {
            for round in ROUNDS..2 * ROUNDS {
                for outcome in store.apply(&commit(&filled, round)).unwrap() {
                    outcome.unwrap();
                }
            }
        });
        let removing = scope.spawn(|| remove(&other, END, 10));
        // At any moment.
        while !(settling.is_finished() && removing.is_finished()) {
            sound(&folder.store());
        }
        assert!(removing.join().unwrap() >= 60);
    });
    let audited = sound(&store);
    assert_eq!(audited.gone, ROUNDS * CALLS);
    assert_eq!(audited.receipts, ROUNDS * CALLS);
}

#[test]
fn a_removal_that_never_happened_leaves_all_as_it_was_and_of_two_one_happens() {
    let folder = Folder::new();
    let store = folder.store();
    fill(&store, ROUNDS);
    let other = folder.store();
    // As of a process that was killed before it removed what it had looked for.
    drop(next(&store, END, 50));
    assert_eq!(sound(&store).gone, 0);

    let (mine, theirs) = (next(&store, END, 50), next(&other, END, 30));
    assert!(other.remove(&theirs).unwrap());
    assert!(!store.remove(&mine).unwrap(), "the oldest are gone already");
    assert_eq!(sound(&store).gone, 30);
    let (mine, theirs) = (next(&store, END, 50), next(&other, END, 50));
    let removed = thread::scope(|scope| {
        let tries = [(&store, &mine), (&other, &theirs)];
        tries
            .map(|(store, removal)| scope.spawn(|| store.remove(removal).unwrap()))
            .map(|one| one.join().unwrap())
    });
    assert_eq!(removed.iter().filter(|removed| **removed).count(), 1);
    assert_eq!(sound(&store).gone, 80);
    remove(&store, END, 50);
    // The newest commit stays, for numbers to go on from.
    assert_eq!(sound(&store).receipts, CALLS);
}

#[test]
fn a_receipt_that_is_young_keeps_all_that_came_after_it() {
    let store = memory();
    let filled = fill(&store, 10);
    let late = Op {
        at: END,
        ..commit(&filled, 10).remove(0)
    };
    store.apply(&[late]).unwrap().remove(0).unwrap();
    // Entered after it, and settled before: as from the journal of who was away.
    for op in commit(&filled, 11) {
        store.apply(&[op]).unwrap().remove(0).unwrap();
    }
    assert_eq!(store.removable(END).unwrap().receipts, 10 * CALLS);
    remove(&store, END, 7);
    let audited = sound(&store);
    assert_eq!((audited.gone, audited.receipts), (10 * CALLS, CALLS + 1));
    assert_eq!(store.removable(START).unwrap(), Removable::default());
    assert!(store.next_removal(START, 7).unwrap().is_none());
}

#[test]
fn a_commit_of_more_than_a_chunk_goes_whole() {
    let store = memory();
    fill(&store, 2);
    let removal = next(&store, END, 2);
    let calls = removal.receipts().iter();
    let calls: Vec<_> = calls.map(|one| one.settlement.call.as_str()).collect();
    assert_eq!(calls, ["c0-0", "c0-1", "c0-2", "c0-3", "c0-4"]);
    assert_eq!(remove(&store, END, 2), 1);
    assert_eq!(sound(&store).gone, CALLS);
}

#[test]
fn lists_end_where_receipts_are_gone_and_credit_is_told_on() {
    let store = memory();
    let Filled { team, .. } = fill(&store, 24);
    let whole = store.statement(team, None, 1_000).unwrap();
    let pages = store.receipts(team, None, 6).unwrap();
    // A page that was read before its last receipt went.
    let middle = store.receipts(team, None, 40).unwrap().pop().unwrap().n;
    let oldest = store.receipts(team, None, 1_000).unwrap().pop().unwrap().n;
    remove(&store, at(12), 15);

    assert_eq!(store.receipts(team, None, 6).unwrap(), pages);
    let left = store.receipts(team, None, 1_000).unwrap();
    assert_eq!(left.len(), 36);
    let last = left.last().unwrap();
    assert_eq!(last.settlement.call, "c12-0");
    for gone in [last.n, middle, oldest] {
        assert_eq!(store.receipts(team, Some(gone), 9).unwrap(), []);
    }

    let credit = |line: &&vane_ledger::StatementLine| matches!(line.posted, Posted::Credit { .. });
    let kept: Vec<_> = whole
        .iter()
        .filter(|line| credit(line) || line.at >= at(12))
        .cloned()
        .collect();
    assert_eq!(store.statement(team, None, 1_000).unwrap(), kept);
    for size in [1, 5] {
        let mut paged = Vec::new();
        loop {
            let before = paged
                .last()
                .map(|line: &vane_ledger::StatementLine| line.cursor);
            let page = store.statement(team, before, size).unwrap();
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, kept, "{size} a page");
    }
    // From a receipt that is gone the credit before it is told, and nothing twice.
    let below = store.statement(team, Some(middle), 1_000).unwrap();
    assert!(below.iter().all(|line| credit(&line)));
    assert!(kept.ends_with(&below) && !below.is_empty());
    let newest = store.newest(team, 1_000, None, 0, END).unwrap();
    assert_eq!(newest.calls, 36);
    let first = whole.last().unwrap();
    let opening = store.posted_as(team, "open-team").unwrap();
    assert_eq!(opening.as_ref(), Some(first));
    assert!(matches!(
        &first.posted,
        Posted::Credit {
            kind: TxnKind::Grant,
            ..
        }
    ));
}

#[test]
fn a_call_whose_receipt_is_gone_is_not_paid_for_again() {
    let folder = Folder::new();
    let store = folder.store();
    let filled = fill(&store, 4);
    let life = store.begin(3, START).unwrap();
    // One is kept as a stray twice, and entered once; one was settled by its last word.
    let record = |call: &str| {
        let settlement = settlement(call, filled.team);
        serde_json::to_string(&op(call, Act::Settle(settlement))).unwrap()
    };
    for (n, call) in [(1, "lost"), (2, "lost")] {
        let record = record(call);
        let stray = Stray {
            instance: 3,
            epoch: life.epoch,
            from: 0,
            position: n,
            call: None,
            record: &record,
            why: "planted",
            at: START,
        };
        store.keep_stray(&stray).unwrap();
    }
    assert!(matches!(
        store.enter_stray(1).unwrap(),
        StrayEntry::Entered { .. }
    ));
    let mut cut = settlement("cut off", filled.team);
    cut.status = Status::Interrupted;
    cut.attempts[0].outcome = vane_ledger::book::Ended::Interrupted;
    let cut = Op {
        instance: 3,
        ..op("cut off", Act::Settle(cut))
    };
    store
        .apply(std::slice::from_ref(&cut))
        .unwrap()
        .remove(0)
        .unwrap();
    for outcome in store.apply(&commit(&filled, 5)).unwrap() {
        outcome.unwrap();
    }
    remove(&store, at(5), 100);
    assert!(store.receipt(None, "lost").unwrap().is_none());
    let posted = store.balance(filled.team).unwrap().posted;

    assert_eq!(store.enter_stray(2).unwrap(), StrayEntry::Repeated);
    // The journal of a life that others ended says it again, and that it runs.
    let again = store.ingest(&Ingest {
        instance: 3,
        epoch: life.epoch,
        from: 0,
        position: 3,
        ops: &again(&store, &cut),
        opened: &opened(&store),
        closed: &[],
    });
    assert!(
        again
            .unwrap()
            .iter()
            .all(|said| *said == Err(vane_ledger::book::Refusal::Repeated))
    );
    assert_eq!(store.open_calls(3).unwrap(), []);
    assert_eq!(store.balance(filled.team).unwrap().posted, posted);
    sound(&store);
}

/// Only where several processes serve one database can a call be settled for another.
fn again(store: &Store, cut: &Op) -> Vec<Op> {
    match store {
        Store::Postgres(_) => vec![cut.clone()],
        Store::Sqlite(_) => Vec::new(),
    }
}

fn opened(store: &Store) -> Vec<(String, Vec<u8>)> {
    match store {
        Store::Postgres(_) => vec![("cut off".to_owned(), vec![1])],
        Store::Sqlite(_) => Vec::new(),
    }
}

#[test]
fn what_does_not_hold_is_not_removed() {
    let folder = Folder::new();
    let store = folder.store();
    fill(&store, 12);
    let vandal = folder.vandal();
    vandal.unguard();
    vandal
        .run("UPDATE receipt SET charged = charged - 1 WHERE call = 'c3-1'")
        .unwrap();
    let first = next(&store, END, 15);
    assert!(store.remove(&first).unwrap(), "what is older holds");
    let refused = store.next_removal(END, 15).err().unwrap();
    assert!(
        matches!(&refused, LedgerError::Unsound(broken) if broken.invariant == 9),
        "{refused}"
    );
    assert!(
        refused.to_string().contains("nothing is removed"),
        "{refused}"
    );
}

#[test]
fn s13_only_usage_from_before_its_opening_can_go() {
    let folder = Folder::new();
    let store = folder.store();
    fill(&store, 12);
    remove(&store, at(6), 15);
    let vandal = folder.vandal();
    for sql in [
        "DELETE FROM receipt",
        "DELETE FROM receipt WHERE call = 'c6-0'",
        "DELETE FROM entry WHERE book = 8 AND seq = 1",
        "DELETE FROM entry WHERE book = 2",
        "DELETE FROM txn WHERE id = 'open-team'",
        "DELETE FROM txn WHERE kind = 'usage'",
        "DELETE FROM opening",
        "UPDATE opening SET seq = seq - 1",
        "UPDATE opening SET balance = 0",
        "UPDATE opening SET book = 4 WHERE book = 8",
        "DELETE FROM gone_hour",
        "DELETE FROM gone_lease",
    ] {
        assert!(vandal.run(sql).is_err(), "{sql}");
    }
    sound(&store);
}
