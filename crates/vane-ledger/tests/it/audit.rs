//! Corruptions planted straight into the tables, around every constraint: the audit finds each.

use vane_ledger::book::{Act, Hold, Lease, Settlement, Source, Status};
use vane_ledger::{AccountId, Broken, Ingest, Store};

use crate::books::{START, attempt, cash, op, prepaid, usd};
use crate::{Folder, Vandal, blob};

/// Books with something of everything in them: four calls, of which the third is metered, and one
/// that runs in the second life of its instance.
fn books(store: &Store) {
    let account = prepaid(store, "team", "5");
    let metered = crate::account(store, "metered");
    let grant = |amount, source| Act::Grant {
        account,
        amount: usd(amount),
        source,
        reason: "planted".into(),
    };
    let lease = Lease {
        account,
        key: None,
        epoch: 1,
        amount: usd("2"),
        until: START + 60,
    };
    let paid = Source::TopUp {
        provider: "payments".into(),
        external: "pay_1".into(),
    };
    let given = Source::Promotion {
        expires_at: START + 60,
    };
    let of_metered = Settlement {
        account: metered,
        hold: None,
        ..settlement("three", account)
    };
    let first = [
        op("topup", grant("3", paid)),
        op("promotion", grant("1", given)),
        op("lease", Act::Lease(lease)),
        op("settle-1", Act::Settle(settlement("one", account))),
        op("settle-2", Act::Settle(settlement("two", account))),
        op("settle-3", Act::Settle(of_metered)),
    ];
    let second = [
        op("late", cash(account, usd("1"))),
        op("settle-4", Act::Settle(settlement("four", account))),
    ];
    for ops in [&first[..], &second[..]] {
        for outcome in store.apply(ops).unwrap() {
            outcome.unwrap();
        }
    }
    store.begin(1, START).unwrap();
    let life = store.begin(1, START).unwrap();
    let running = Ingest {
        instance: life.instance,
        epoch: life.epoch,
        from: 0,
        position: 1,
        ops: &[],
        opened: &[("running".to_owned(), vec![1])],
        closed: &[],
    };
    store.ingest(&running).unwrap();
}

/// A call that cost 0.3 dollars and for which 0.2 were held.
pub(crate) fn settlement(call: &str, account: AccountId) -> Settlement {
    Settlement {
        call: call.into(),
        account,
        key: "key".into(),
        hold: Some(Hold {
            lease: "lease".into(),
            amount: usd("0.2"),
        }),
        model: "m".into(),
        status: Status::Done,
        attempts: vec![attempt(100_000, 3_000_000)],
        pays_max: None,
        reported: None,
        stream: false,
        took_ms: 0,
    }
}

const CORRUPTIONS: &[(u8, &str, &str)] = &[
    (
        2,
        "a balance off by one",
        "UPDATE book SET posted = posted + 1 WHERE id = 8",
    ),
    (
        2,
        "an operator's balance off by one",
        "UPDATE book SET posted = posted + 1 WHERE id = 2",
    ),
    (
        9,
        "a missing entry",
        "DELETE FROM entry WHERE book = 8 AND seq = 2",
    ),
    (
        9,
        "a missing last entry",
        "DELETE FROM entry WHERE book = 1 AND seq = 3",
    ),
    (
        9,
        "a changed amount",
        "UPDATE entry SET amount = amount + 1 WHERE book = 8 AND seq = 1",
    ),
    (
        9,
        "a changed balance",
        "UPDATE entry SET balance = balance + 1 WHERE book = 8 AND seq = 1",
    ),
    (
        9,
        "an entry after another receipt",
        "UPDATE entry SET receipt = (SELECT min(n) FROM receipt) WHERE book = 8 AND seq = 6",
    ),
    (
        9,
        "another hash",
        "UPDATE entry SET hash = NOUGHT WHERE book = 8 AND seq = 3",
    ),
    (
        9,
        "another head",
        "UPDATE book SET head = NOUGHT WHERE id = 8",
    ),
    (
        9,
        "another newest receipt",
        "UPDATE book SET receipt = (SELECT min(n) FROM receipt) WHERE id = 8",
    ),
    (
        9,
        "a moved transaction",
        "UPDATE txn SET at = at + 1 WHERE id = 'topup'",
    ),
    (
        9,
        "another reason",
        "UPDATE txn SET reason = 'x' WHERE id = 'late'",
    ),
    (
        9,
        "a missing receipt",
        "DELETE FROM receipt WHERE call = 'one'",
    ),
    (
        9,
        "a missing last receipt",
        "DELETE FROM receipt WHERE call = 'four'",
    ),
    (
        9,
        "receipts that changed places",
        "UPDATE receipt SET n = 999999 WHERE call = 'one'",
    ),
    (
        9,
        "a receipt that follows another",
        "UPDATE receipt SET before = 1 WHERE call = 'four'",
    ),
    (
        9,
        "the details of another receipt",
        "UPDATE receipt SET details = (SELECT details FROM receipt WHERE call = 'three')
         WHERE call = 'one'",
    ),
    (
        9,
        "a receipt of another account",
        "UPDATE receipt SET account = 2 WHERE call = 'four'",
    ),
    (
        9,
        "a receipt of another time",
        "UPDATE receipt SET at = at + 1 WHERE call = 'one'",
    ),
    (
        9,
        "a receipt of another call",
        "UPDATE receipt SET call = 'x' WHERE call = 'one'",
    ),
    (
        9,
        "a changed charge",
        "UPDATE receipt SET charged = charged - 1 WHERE call = 'one'",
    ),
    (
        9,
        "a changed cost",
        "UPDATE receipt SET cost = cost + 1 WHERE call = 'one'",
    ),
    (
        1,
        "a receipt of nobody",
        "UPDATE receipt SET account = 9 WHERE call = 'four'",
    ),
    (
        1,
        "a missing transaction",
        "DELETE FROM txn WHERE id = 'topup'",
    ),
    (
        1,
        "a missing usage transaction",
        "DELETE FROM txn WHERE n = (SELECT min(n) FROM txn WHERE kind = 'usage')",
    ),
    (
        1,
        "a transaction of nothing",
        "INSERT INTO txn VALUES (999999, 'empty', 'grant', '', 1)",
    ),
    (
        1,
        "usage of nothing",
        "INSERT INTO txn VALUES (999999, NULL, 'usage', '', 1)",
    ),
    (1, "a missing book", "DELETE FROM book WHERE id = 1"),
    (
        2,
        "an account without a book",
        "INSERT INTO account VALUES (7, 'x', 'metered', 1)",
    ),
    (
        2,
        "a prepaid account made metered",
        "UPDATE account SET kind = 'metered'",
    ),
    (
        3,
        "a lease over its amount",
        "UPDATE lease SET amount = spent - 1",
    ),
    (
        3,
        "a lease over the balance",
        "UPDATE lease SET amount = amount + 9000000000000",
    ),
    (3, "a lost lease", "DELETE FROM lease"),
    (
        3,
        "more spent of a lease",
        "UPDATE lease SET spent = spent + 1",
    ),
    (
        3,
        "a lease of another account",
        "UPDATE lease SET account = 2",
    ),
    (3, "a lease of another key", "UPDATE lease SET key = 'x'"),
    (
        3,
        "a lease of nobody",
        "INSERT INTO lease VALUES ('x', 9, NULL, 0, 1, 0, 0, 0, 'open')",
    ),
    (
        3,
        "a returned lease that lends",
        "UPDATE lease SET state = 'returned'",
    ),
    (
        3,
        "money held for nothing",
        "UPDATE book SET held = held + 1 WHERE id = 8",
    ),
    (
        4,
        "promotional credit out of nothing",
        "UPDATE book SET promotional = promotional + 1 WHERE id = 8",
    ),
    (4, "a lot that grew", "UPDATE lot SET amount = amount + 1"),
    (
        6,
        "an open call that has ended",
        "INSERT INTO open_call VALUES (0, 'one', 0, NOUGHT)",
    ),
    (
        13,
        "an open call of nobody",
        "INSERT INTO open_call VALUES (7, 'five', 1, NOUGHT)",
    ),
    (
        13,
        "an open call of a life that never began",
        "INSERT INTO open_call VALUES (1, 'five', 3, NOUGHT)",
    ),
    (
        13,
        "an open call that was forgotten at the start of the next life",
        "INSERT INTO open_call VALUES (1, 'five', 1, NOUGHT);
         UPDATE instance SET cleared = 2 WHERE id = 1",
    ),
    (7, "a price of no rate", "UPDATE rate SET price = 7"),
    (
        10,
        "a double top-up",
        "INSERT INTO topup SELECT 'payments', 'pay_1', n, 1, 3000000000000 FROM txn WHERE id = 'topup'",
    ),
    (
        10,
        "a top-up of another amount",
        "UPDATE topup SET amount = 1",
    ),
    (10, "a top-up without a payment", "DELETE FROM topup"),
    (
        2,
        "a roll-up that differs",
        "UPDATE usage_hour SET charged = charged + 1",
    ),
    (
        2,
        "tokens out of nothing",
        "UPDATE usage_hour SET tokens_in = 1 WHERE account = 2",
    ),
    (
        2,
        "tokens out of no cache",
        "UPDATE usage_hour SET cached = cached + 1 WHERE account = 2",
    ),
    (2, "a roll-up that is missing", "DELETE FROM usage_hour"),
    (
        2,
        "a roll-up of nothing",
        "INSERT INTO usage_hour VALUES (1, 0, 'key', 'm', 1, 0, 0, 0, 0, 0)",
    ),
    (
        11,
        "a stray",
        "INSERT INTO stray VALUES (1, '{}', 'no such account', 1, 'open', '')",
    ),
    (
        11,
        "a stray that is said to be entered",
        "INSERT INTO stray VALUES (1, '{}', 'no such account', 1, 'entered', '')",
    ),
    (
        11,
        "a stray that was dropped without a reason",
        "INSERT INTO stray VALUES (1, '{}', 'no such account', 1, 'dropped', '')",
    ),
];

/// Books around whose guards `vandal` may write, and what the audit says then.
pub(crate) fn vandalised(vandal: impl FnOnce(&Store, &Vandal)) -> Option<Broken> {
    vandalised_in(books, vandal)
}

fn vandalised_in(
    make: impl FnOnce(&Store),
    vandal: impl FnOnce(&Store, &Vandal),
) -> Option<Broken> {
    let folder = Folder::new();
    let store = folder.store();
    make(&store);
    let connection = folder.vandal();
    connection.unguard();
    vandal(&store, &connection);
    store.audit().unwrap().err()
}

fn planted(sql: &str) -> Option<Broken> {
    planted_in(books, sql)
}

/// What the audit says of books that were made so, after some statements.
pub(crate) fn planted_in(make: impl FnOnce(&Store), sql: &str) -> Option<Broken> {
    let sql = sql.replace("NOUGHT", &blob(&[0; 32]));
    vandalised_in(make, |_, vandal| vandal.run(&sql).unwrap())
}

#[test]
fn sound_books_pass_and_are_counted() {
    let folder = Folder::new();
    let store = folder.store();
    books(&store);
    let audited = store.audit().unwrap().unwrap();
    assert_eq!((audited.books, audited.entries), (6, 12), "{audited:?}");
    assert_eq!(audited.transactions, 6, "{audited:?}");
    assert_eq!((audited.leases, audited.receipts), (1, 4), "{audited:?}");
    assert_eq!(audited.open_calls, 1, "{audited:?}");
    assert_eq!(
        planted(""),
        None,
        "without its guards the tables are still sound"
    );
}

#[test]
fn every_planted_corruption_is_found() {
    for (invariant, what, sql) in CORRUPTIONS {
        let broken = planted(sql);
        println!("{what}: {broken:?}");
        let found = broken.as_ref().map(|broken| broken.invariant);
        assert_eq!(found, Some(*invariant), "{what}: {broken:?}");
    }
}

#[test]
fn a_settlement_that_cannot_be_entered_is_kept_and_told() {
    let folder = Folder::new();
    let store = folder.store();
    books(&store);
    let ops = [op("lost", Act::Settle(settlement("five", AccountId(9))))];
    let outcomes = store.ingest(&Ingest {
        instance: 1,
        epoch: 2,
        from: 0,
        position: 2,
        ops: &ops,
        opened: &[],
        closed: &[],
    });
    assert!(outcomes.unwrap()[0].is_err());
    assert_eq!(
        store.audit().unwrap().unwrap_err().to_string(),
        "call five (there is no such account): it could not be settled and is paid for by nobody \
         (invariant 11)"
    );
}

#[test]
fn a_broken_line_is_told_in_words() {
    let broken = planted("UPDATE book SET posted = posted + 1 WHERE id = 8").unwrap();
    assert_eq!(
        broken.to_string(),
        "customer team: the balance is $9.400000000001, its entries come to $9.4 (invariant 2)"
    );
}

#[test]
fn s13_entries_are_only_ever_added() {
    let folder = Folder::new();
    books(&folder.store());
    let vandal = folder.vandal();
    for sql in [
        "UPDATE entry SET amount = 0",
        "DELETE FROM entry",
        "UPDATE txn SET at = 0",
        "DELETE FROM txn",
        "UPDATE receipt SET charged = 0",
        "DELETE FROM receipt",
        "UPDATE book SET held = posted + 1 WHERE id = 8",
        "UPDATE lease SET spent = amount + 1",
    ] {
        assert!(vandal.run(sql).is_err(), "{sql}");
    }
}
