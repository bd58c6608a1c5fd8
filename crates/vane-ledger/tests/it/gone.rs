//! Corruptions planted into books of which receipts are gone: the audit finds each.

use vane_ledger::Store;

use crate::audit::planted_in;
use crate::removal::{at, fill, remove};

const CORRUPTIONS: &[(u8, &str, &str)] = &[
    (
        15,
        "an opening of another balance",
        "UPDATE opening SET balance = balance + 1 WHERE book = 8",
    ),
    (
        15,
        "an operator's opening of another balance",
        "UPDATE opening SET balance = balance + 1 WHERE book = 2",
    ),
    (
        15,
        "a loss moved to what is owed",
        "UPDATE opening SET balance = balance - 1 WHERE book = 3;
        UPDATE opening SET balance = balance + 1 WHERE book = 2",
    ),
    (
        9,
        "an opening of another head",
        "UPDATE opening SET head = NOUGHT WHERE book = 8",
    ),
    (
        9,
        "an operator's opening of another head",
        "UPDATE opening SET head = NOUGHT WHERE book = 2",
    ),
    (
        15,
        "an opening that counts one more",
        "UPDATE opening SET seq = seq + 1 WHERE book = 8",
    ),
    (
        15,
        "an opening that counts one less",
        "UPDATE opening SET seq = seq - 1 WHERE book = 8",
    ),
    (
        15,
        "an operator's opening that counts one more",
        "UPDATE opening SET seq = seq + 1 WHERE book = 2",
    ),
    (
        9,
        "an opening after another receipt",
        "UPDATE opening SET receipt = receipt + 1 WHERE book = 16",
    ),
    (
        15,
        "another opening's place",
        "UPDATE opening SET (seq, balance, receipt, head, kept) =
        (SELECT seq, balance, receipt, head, kept FROM opening WHERE book = 8) WHERE book = 16",
    ),
    (
        15,
        "a missing opening",
        "DELETE FROM opening WHERE book = 16",
    ),
    (
        15,
        "a missing operator's opening",
        "DELETE FROM opening WHERE book = 3",
    ),
    (
        15,
        "a doubled opening",
        "INSERT INTO opening SELECT * FROM opening WHERE book = 8",
    ),
    (
        15,
        "an opening of nobody",
        "INSERT INTO opening SELECT 800, 1, 0, 0, NOUGHT, NOUGHT",
    ),
    (
        15,
        "an opening of a book without usage",
        "INSERT INTO opening SELECT 1, 0 + 1, 0, 0, NOUGHT, NOUGHT",
    ),
    (
        9,
        "a receipt that went from above the opening",
        "DELETE FROM receipt WHERE call = 'c6-0'",
    ),
    (
        9,
        "a commit that went from above the opening",
        "DELETE FROM receipt WHERE call LIKE 'c6-%';
        DELETE FROM entry WHERE txn IN (SELECT n FROM txn WHERE kind = 'usage' AND at = AT6);
        DELETE FROM txn WHERE kind = 'usage' AND at = AT6",
    ),
    (
        9,
        "a receipt that came back",
        "INSERT INTO receipt SELECT n - 30, 'back', account, txn, 3, before, at,
        cost, charged, spent, balance, hash, details FROM receipt WHERE call = 'c6-0'",
    ),
    (
        15,
        "credit of before that was changed",
        "UPDATE txn SET reason = 'x' WHERE id = 'op1-2'",
    ),
    (
        15,
        "credit of before that grew",
        "UPDATE entry SET amount = amount + 1 WHERE book = 8 AND
        txn = (SELECT n FROM txn WHERE id = 'op1-2')",
    ),
    (
        15,
        "credit of before that is missing",
        "DELETE FROM entry WHERE book = 8 AND seq = 1",
    ),
    (
        1,
        "a transaction of before that is missing",
        "DELETE FROM txn WHERE id = 'op1-2'",
    ),
    (
        15,
        "usage of before an opening",
        "UPDATE txn SET kind = 'usage' WHERE id = 'op1-2'",
    ),
    (
        15,
        "calls that went out of nothing",
        "UPDATE gone_hour SET calls = calls + 1 WHERE account = 1",
    ),
    (
        15,
        "charges that went out of nothing",
        "UPDATE gone_hour SET charged = charged + 1 WHERE account = 1",
    ),
    (
        15,
        "a cost that went out of nothing",
        "UPDATE gone_hour SET cost = cost + 1;
        UPDATE usage_hour SET cost = cost + 1",
    ),
    (15, "hours that are forgotten", "DELETE FROM gone_hour"),
    (
        15,
        "hours that are forgotten twice",
        "DELETE FROM gone_hour WHERE account = 2;
        DELETE FROM usage_hour WHERE account = 2",
    ),
    (
        2,
        "tokens that went out of nothing",
        "UPDATE gone_hour SET tokens_out = tokens_out + 1",
    ),
    (
        2,
        "an hour of before that differs",
        "UPDATE usage_hour SET tokens_out = tokens_out + 1
        WHERE hour = (SELECT min(hour) FROM usage_hour)",
    ),
    (
        3,
        "more spent of a lease by what went",
        "UPDATE gone_lease SET spent = spent + 1",
    ),
    (
        3,
        "a lease of which it is forgotten",
        "DELETE FROM gone_lease WHERE lease = 'spare'",
    ),
    (
        5,
        "a call that was paid for again",
        "INSERT INTO gone_call VALUES ('c6-0')",
    ),
    (
        6,
        "a call that runs after its receipt went",
        "INSERT INTO gone_call VALUES ('x');
        INSERT INTO open_call VALUES (0, 'x', 0, NOUGHT)",
    ),
    (
        11,
        "a stray whose receipt was never removed",
        "INSERT INTO stray VALUES
        (1, '{}', 'no such account', 1, 'entered', '')",
    ),
];

#[test]
fn every_planted_corruption_of_what_is_gone_is_found() {
    let make = |store: &Store| {
        fill(store, 12);
        remove(store, at(6), 15);
    };
    let plant = |sql: &str| {
        let sql = sql.replace("AT6", &at(6).to_string());
        planted_in(make, &sql)
    };
    assert_eq!(
        plant(""),
        None,
        "without its guards the tables are still sound"
    );
    let mut missed = Vec::new();
    for (invariant, what, sql) in CORRUPTIONS {
        let broken = plant(sql);
        println!("{what}: {broken:?}");
        let found = broken.as_ref().map(|broken| broken.invariant);
        if found != Some(*invariant) {
            missed.push((what, broken));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}
