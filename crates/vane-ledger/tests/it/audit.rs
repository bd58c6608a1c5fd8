//! Corruptions planted straight into the tables, around every constraint: the audit finds each.

use rusqlite::Connection;
use vane_ledger::book::{Act, Hold, Lease, Settlement, Source, Status};
use vane_ledger::{Broken, Store};

use crate::Folder;
use crate::books::{START, attempt, op, prepaid, usd};

/// Books with something of everything in them.
fn books(store: &Store) {
    let account = prepaid(store, "team", "5");
    let grant = |amount, source| Act::Grant {
        account,
        amount: usd(amount),
        source,
        reason: "planted".into(),
    };
    let hold = |call: &str| Hold {
        call: call.into(),
        lease: "lease".into(),
        key: "key".into(),
        amount: usd("0.2"),
    };
    let settle = |call: &str| {
        Act::Settle(Settlement {
            call: call.into(),
            hold: None,
            model: "m".into(),
            status: Status::Done,
            attempts: vec![attempt(100_000, 3_000_000)],
        })
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
    let ops = [
        op("topup", grant("3", paid)),
        op("promotion", grant("1", given)),
        op("lease", Act::Lease(lease)),
        op("hold-1", Act::Hold(hold("one"))),
        op("hold-2", Act::Hold(hold("two"))),
        op("hold-3", Act::Hold(hold("three"))),
        op("settle-1", settle("one")),
        op("settle-2", settle("two")),
    ];
    for outcome in store.apply(&ops).unwrap() {
        outcome.unwrap();
    }
}

/// Every trigger, index and check out of the way.
const UNGUARD: &str = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
    DROP TRIGGER entry_stays; DROP TRIGGER entry_is_kept; DROP TRIGGER txn_stays;
    DROP TRIGGER txn_is_kept; DROP TRIGGER rate_stays; DROP INDEX topup_once;
    DROP INDEX txn_by_call; DROP INDEX entry_by_txn;";

const CORRUPTIONS: &[(u8, &str, &str)] = &[
    (
        2,
        "a balance off by one",
        "UPDATE book SET posted = posted + 1 WHERE id = 8",
    ),
    (
        9,
        "a missing entry",
        "DELETE FROM entry WHERE book = 8 AND seq = 2",
    ),
    (
        9,
        "a missing last entry",
        "DELETE FROM entry WHERE book = 8 AND seq = 5",
    ),
    (
        9,
        "a changed amount",
        "UPDATE entry SET amount = amount + 1 WHERE book = 8 AND seq = 1",
    ),
    (
        9,
        "a changed rate version",
        "UPDATE entry SET rate_version = 'x' WHERE book = 8 AND seq = 4",
    ),
    (
        9,
        "changed quantities",
        "UPDATE entry SET quantities = 'output:1@1' WHERE book = 8 AND seq = 4",
    ),
    (
        9,
        "a cut chain",
        "UPDATE entry SET previous = zeroblob(32) WHERE book = 8 AND seq = 3",
    ),
    (
        9,
        "another hash",
        "UPDATE entry SET hash = zeroblob(32) WHERE book = 8 AND seq = 3",
    ),
    (
        9,
        "another head",
        "UPDATE book SET head = zeroblob(32) WHERE id = 8",
    ),
    (
        9,
        "a moved transaction",
        "UPDATE txn SET at = at + 1 WHERE id = 'topup'",
    ),
    (
        1,
        "a missing transaction",
        "DELETE FROM txn WHERE id = 'topup'",
    ),
    (
        1,
        "a transaction of nothing",
        "INSERT INTO txn VALUES ('empty', 'grant', NULL, '', 1)",
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
        "UPDATE lease SET open = amount + 1",
    ),
    (
        3,
        "a lease over the balance",
        "UPDATE lease SET amount = amount + 9000000000000",
    ),
    (3, "a lost hold", "DELETE FROM hold WHERE call = 'three'"),
    (
        3,
        "a hold of nobody's lease",
        "INSERT INTO hold VALUES ('x', 'no', 1, 'key', 0, 0, 'open')",
    ),
    (
        3,
        "more spent of a lease",
        "UPDATE lease SET spent = spent + 1",
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
        9,
        "a transaction that pays for another call",
        "UPDATE txn SET call = 'two' WHERE id = 'settle-1'",
    ),
    (
        5,
        "an attempt without a receipt",
        "DELETE FROM attempt WHERE call = 'one'",
    ),
    (
        3,
        "an open hold of a finished call",
        "UPDATE hold SET state = 'open' WHERE call = 'one'",
    ),
    (
        6,
        "a finished call without a hold",
        "UPDATE hold SET call = 'other' WHERE call = 'one'",
    ),
    (
        6,
        "a settled hold without a receipt",
        "INSERT INTO hold VALUES ('x', 'lease', 1, 'key', 0, 0, 'posted')",
    ),
    (
        7,
        "a line that does not multiply",
        "UPDATE line SET amount = amount + 1 WHERE call = 'one'",
    ),
    (7, "a price of no rate", "UPDATE rate SET price = 7"),
    (7, "a line left out", "DELETE FROM line WHERE call = 'one'"),
    (
        7,
        "an attempt that cost more",
        "UPDATE attempt SET cost = cost + 1 WHERE call = 'one'",
    ),
    (
        7,
        "a receipt that cost more",
        "UPDATE receipt SET cost = cost + 1 WHERE call = 'one'",
    ),
    (
        6,
        "a receipt that charged less",
        "UPDATE receipt SET charged = charged - 1, lost = lost + 1 WHERE call = 'one'",
    ),
    (
        7,
        "a loss that nobody paid",
        "UPDATE receipt SET lost = lost + 1 WHERE call = 'one'",
    ),
    (
        7,
        "a negative quantity",
        "UPDATE line SET quantity = -quantity, amount = -amount WHERE call = 'one'",
    ),
    (
        8,
        "an impossible quantity",
        "UPDATE attempt SET quantity_max = 1 WHERE call = 'one'",
    ),
    (
        10,
        "a double top-up",
        "INSERT INTO topup VALUES ('payments', 'pay_1', 'topup', 1, 3000000000000)",
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
    (2, "a roll-up that is missing", "DELETE FROM usage_hour"),
    (
        2,
        "a roll-up of nothing",
        "INSERT INTO usage_hour VALUES (0, 1, 'key', 'm', 1, 0, 0, 0)",
    ),
];

/// What the audit says after `sql` was run around every guard.
fn planted(sql: &str) -> Option<Broken> {
    let folder = Folder::new();
    let store = folder.store();
    books(&store);
    let vandal = Connection::open(folder.database()).unwrap();
    vandal.execute_batch(UNGUARD).unwrap();
    vandal.execute_batch(sql).unwrap();
    store.audit().unwrap().err()
}

#[test]
fn sound_books_pass_and_are_counted() {
    let folder = Folder::new();
    let store = folder.store();
    books(&store);
    let audited = store.audit().unwrap().unwrap();
    assert_eq!((audited.books, audited.entries), (5, 12), "{audited:?}");
    assert_eq!((audited.holds, audited.receipts), (3, 2), "{audited:?}");
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
fn m11_a_call_paid_for_twice_is_found() {
    let folder = Folder::new();
    let store = folder.store();
    books(&store);
    let vandal = Connection::open(folder.database()).unwrap();
    vandal.execute_batch(UNGUARD).unwrap();
    // As if the call had never been settled; its entries alone remember.
    let forgotten = "DELETE FROM line WHERE call = 'one'; DELETE FROM attempt WHERE call = 'one';
        DELETE FROM receipt WHERE call = 'one';
        UPDATE hold SET state = 'open', posted = 0 WHERE call = 'one';
        UPDATE lease SET spent = spent - 200000000000, open = open + 200000000000;
        UPDATE book SET held = held + 200000000000 WHERE id = 8";
    vandal.execute_batch(forgotten).unwrap();
    let again = Act::Settle(Settlement {
        call: "one".into(),
        hold: None,
        model: "m".into(),
        status: Status::Done,
        attempts: vec![attempt(100_000, 3_000_000)],
    });
    store.apply(&[op("again", again)]).unwrap()[0]
        .clone()
        .unwrap();
    let broken = store.audit().unwrap().unwrap_err();
    assert_eq!(
        broken.to_string(),
        "call one: it was paid for twice (invariant 5)"
    );
}

#[test]
fn a_broken_line_is_told_in_words() {
    let broken = planted("UPDATE book SET posted = posted + 1 WHERE id = 8").unwrap();
    assert_eq!(
        broken.to_string(),
        "customer team: the balance is $8.600000000001, its entries come to $8.6 (invariant 2)"
    );
}

#[test]
fn s13_entries_are_only_ever_added() {
    let folder = Folder::new();
    books(&folder.store());
    let vandal = Connection::open(folder.database()).unwrap();
    for sql in [
        "UPDATE entry SET amount = 0",
        "DELETE FROM entry",
        "UPDATE txn SET at = 0",
        "DELETE FROM txn",
        "UPDATE book SET held = posted + 1 WHERE id = 8",
        "UPDATE line SET quantity = -1, amount = -price",
    ] {
        assert!(vandal.execute_batch(sql).is_err(), "{sql}");
    }
}
