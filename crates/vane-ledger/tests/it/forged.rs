//! Receipts forged straight into the tables: whoever rewrote the hashes too is found by what does not
//! add up.

use vane_catalog::Money;
use vane_ledger::book::{Attempt, Ended, Receipt, Status, details_of};
use vane_ledger::{AccountId, Broken};

use crate::audit::{settlement, vandalised};
use crate::blob;
use crate::books::{attempt, usd};

/// An attempt that cost nothing.
fn unbilled(outcome: Ended) -> Attempt {
    Attempt {
        outcome,
        lines: Vec::new(),
        ..attempt(1, 1)
    }
}

fn costs_nothing(receipt: &mut Receipt) {
    receipt.cost = Money::ZERO;
    receipt.charged = Money::ZERO;
    receipt.spent = Money::ZERO;
}

/// A receipt that is not what it was, with hashes and balances as if it had always been so.
type Forgery = (u8, &'static str, &'static str, fn(&mut Receipt));

const FORGERIES: &[Forgery] = &[
    (7, "a cost that its lines do not make", "four", |r| {
        r.cost = usd("0.4");
    }),
    (7, "a price that was never billed", "four", |r| {
        r.settlement.attempts[0].lines[0].price = Money::from_pico(1);
    }),
    (7, "a failed attempt that cost something", "four", |r| {
        r.settlement.attempts[0].outcome = Ended::FailedUnbilled;
    }),
    (8, "more tokens than the model can", "four", |r| {
        r.settlement.attempts[0].quantity_max = 1;
    }),
    (8, "a line twice", "four", |r| {
        let line = r.settlement.attempts[0].lines[0].clone();
        r.settlement.attempts[0].lines.push(line);
    }),
    (6, "more charged than held", "four", |r| {
        r.charged = usd("0.25")
    }),
    (6, "more charged than delivered", "four", |r| {
        r.settlement.pays_max = Some(usd("0.1"));
    }),
    (6, "more charged than it cost", "three", |r| {
        r.charged = usd("0.4");
    }),
    (6, "less charged than delivered", "three", |r| {
        r.charged = usd("0.2");
    }),
    (6, "more out of the lease than charged", "four", |r| {
        r.spent = usd("0.3");
    }),
    (6, "a lease that nothing was held of", "four", |r| {
        r.settlement.hold = None;
    }),
    (3, "less out of the lease", "four", |r| r.spent = usd("0.1")),
    (3, "out of a lease that is not there", "four", |r| {
        r.settlement.hold.as_mut().unwrap().lease = "nobody".into();
    }),
    (3, "out of the lease of another account", "three", |r| {
        r.settlement.hold = settlement("three", AccountId(1)).hold;
        r.spent = usd("0.2");
    }),
    (13, "a call of which nobody was asked", "four", |r| {
        r.settlement.attempts.clear();
        costs_nothing(r);
    }),
    (
        13,
        "an attempt that does not say who was asked",
        "four",
        |r| {
            r.settlement.attempts[0] = Attempt {
                provider: String::new(),
                ..unbilled(Ended::Done)
            };
            costs_nothing(r);
        },
    ),
    (13, "an attempt without an outcome", "four", |r| {
        r.settlement.attempts[0].outcome = Ended::Interrupted;
    }),
    (
        13,
        "an attempt before another without an outcome",
        "four",
        |r| {
            r.settlement
                .attempts
                .insert(0, unbilled(Ended::Interrupted));
        },
    ),
    (13, "an attempt after one that was answered", "four", |r| {
        r.settlement.attempts.insert(0, unbilled(Ended::Done));
    }),
    (13, "attempts that changed places", "four", |r| {
        r.settlement.attempts.push(unbilled(Ended::FailedUnbilled));
    }),
    (13, "an answer to a call that failed", "four", |r| {
        r.settlement.status = Status::Failed;
    }),
    (13, "an answer to a call that was cut off", "four", |r| {
        r.settlement.status = Status::Interrupted;
    }),
    (13, "an answer to a client that was gone", "four", |r| {
        r.settlement.status = Status::ClientGone;
    }),
    (14, "an attempt that outlasts its call", "four", |r| {
        r.settlement.attempts[0].times.took_ms = 1;
    }),
    (14, "content after the end", "four", |r| {
        r.settlement.attempts[0].times.first_content_ms = Some(1);
    }),
    (
        14,
        "an attempt before the one before it ended",
        "four",
        |r| {
            let mut failed = unbilled(Ended::FailedUnbilled);
            failed.times.took_ms = 10;
            r.settlement.took_ms = 20;
            r.settlement.attempts.insert(0, failed);
        },
    ),
    (14, "an attempt after one that had content", "four", |r| {
        let mut failed = unbilled(Ended::FailedUnbilled);
        failed.times.first_content_ms = Some(0);
        r.settlement.attempts.insert(0, failed);
    }),
    (1, "a leg of no transaction", "four", |r| r.txn = 999_999),
    (1, "a leg of a grant", "four", |r| r.txn = 1),
    (1, "a leg of other usage", "four", |r| r.txn = 4),
    (5, "a call that was paid for twice", "four", |r| {
        r.settlement.call = "two".into();
    }),
    (2, "usage of another hour", "four", |r| r.at += 3_600),
    (2, "usage of another model", "four", |r| {
        r.settlement.model = "other".into();
    }),
];

/// The last receipt of its account, rewritten with all that follows from it in its chain.
fn forged(call: &str, change: fn(&mut Receipt)) -> Option<Broken> {
    vandalised(|store, vandal| {
        let mut receipt = store.receipt(None, call).unwrap().unwrap();
        let before = receipt.balance.checked_add(receipt.charged).unwrap();
        change(&mut receipt);
        receipt.balance = before.checked_sub(receipt.charged).unwrap();
        let book = receipt.book().0;
        let last = format!("SELECT hash FROM entry WHERE book = {book} ORDER BY seq DESC LIMIT 1");
        let previous = vandal.hash(&last).unwrap_or_default();
        let details = details_of(&receipt.settlement);
        let hash = blob(&receipt.hash_after(&previous, &details));
        let sql = format!(
            "UPDATE receipt SET call = '{}', txn = {}, at = {}, cost = {}, charged = {},
             spent = {}, balance = {}, details = {}, hash = {hash} WHERE n = {};
             UPDATE book SET head = {hash}, posted = {} WHERE id = {book}",
            receipt.settlement.call,
            receipt.txn,
            receipt.at,
            receipt.cost.pico(),
            receipt.charged.pico(),
            receipt.spent.pico(),
            receipt.balance.pico(),
            blob(&details),
            receipt.n,
            receipt.balance.pico(),
        );
        vandal.run(&sql).unwrap();
    })
}

#[test]
fn what_is_forged_back_is_sound() {
    assert_eq!(forged("four", |_| ()), None);
}

#[test]
fn every_forged_receipt_is_found() {
    for (invariant, what, call, change) in FORGERIES {
        let broken = forged(call, *change);
        println!("{what}: {broken:?}");
        let found = broken.as_ref().map(|broken| broken.invariant);
        assert_eq!(found, Some(*invariant), "{what}: {broken:?}");
    }
}

#[test]
fn m11_a_call_paid_for_twice_is_told_in_words() {
    let broken = forged("four", |r| r.settlement.call = "two".into()).unwrap();
    assert_eq!(
        broken.to_string(),
        "call two: it was paid for twice (invariant 5)"
    );
}
