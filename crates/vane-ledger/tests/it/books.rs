//! What operations do to balances, case by case.

use vane_catalog::Money;
use vane_ledger::book::{
    Act, Attempt, BookKind, Ended, Hold, Lease, Line, Op, Outcome, Period, Refusal, Settlement,
    Source, Status, Times,
};
use vane_ledger::{AccountId, Store};

use crate::memory;

pub(crate) const START: i64 = 1_796_000_000;

pub(crate) fn op(id: impl Into<String>, act: Act) -> Op {
    Op {
        id: id.into(),
        at: START,
        instance: 0,
        act,
    }
}

pub(crate) fn usd(text: &str) -> Money {
    Money::parse(text).unwrap()
}

pub(crate) fn prepaid(store: &Store, name: &str, amount: &str) -> AccountId {
    let amount = usd(amount);
    let credit = |account| op(format!("open-{name}"), cash(account, amount));
    store.create_credited(name, credit, START).unwrap().id
}

pub(crate) fn cash(account: AccountId, amount: Money) -> Act {
    Act::Grant {
        account,
        amount,
        source: Source::Cash,
        reason: "paid".into(),
    }
}

pub(crate) fn attempt(quantity: u64, price: i64) -> Attempt {
    Attempt {
        provider: "lab".into(),
        model: "lab-m".into(),
        rate_version: "2026-01-01".into(),
        outcome: Ended::Done,
        method: "reported".into(),
        fault: String::new(),
        times: Times::default(),
        dropped: String::new(),
        quantity_max: 1_000_000,
        lines: vec![Line {
            bucket: "output".into(),
            quantity,
            price: Money::from_pico(price),
        }],
    }
}

#[test]
fn what_no_table_takes_is_refused_without_its_batch() {
    let store = memory();
    let account = prepaid(&store, "team", "5");
    let grant = |id: &str| op(id, cash(account, usd("1")));
    let elsewhere = Op {
        instance: -1,
        ..grant("elsewhere")
    };
    let ops = [grant(""), grant(&"x".repeat(65)), elsewhere, grant("good")];
    let outcomes = store.apply(&ops).unwrap();
    let (last, bad) = outcomes.split_last().unwrap();
    assert!(
        bad.iter().all(|said| *said == Err(Refusal::Malformed)),
        "{bad:?}"
    );
    assert_eq!(*last, Ok(Outcome::Credited(usd("6"))));
}

#[test]
fn m5_leases_of_a_balance_never_exceed_it() {
    let store = memory();
    let account = prepaid(&store, "team", "5");
    let ask = |n: u32| {
        let lease = Lease {
            account,
            key: None,
            epoch: 1,
            amount: usd("0.1"),
            until: START + 60,
        };
        op(format!("lease-{n}"), Act::Lease(lease))
    };
    let granted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let (store, ask) = (&store, &ask);
                scope.spawn(move || {
                    let mine = (0..250).map(|n| ask(thread * 250 + n));
                    let outcomes = mine.flat_map(|op| store.apply(&[op]).unwrap());
                    outcomes.filter(Result::is_ok).count()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(granted, 50);
    let book = store.balance(account).unwrap();
    assert_eq!((book.posted, book.held), (usd("5"), usd("5")));
    store.audit().unwrap().unwrap();
}

/// A call of the account `a` that cost 0.3 dollars and for which 0.2 were held.
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

pub(crate) fn lease(account: AccountId, amount: &str) -> Act {
    Act::Lease(Lease {
        account,
        key: None,
        epoch: 1,
        amount: usd(amount),
        until: START + 60,
    })
}

fn settled(charged: &str, lost: &str, balance: &str) -> Result<Outcome, Refusal> {
    let [charged, lost, balance] = [charged, lost, balance].map(usd);
    Ok(Outcome::Settled {
        charged,
        lost,
        balance,
    })
}

/// What is said to settlements of an account that has a dollar, after what `before` does.
fn said(before: &[Op], settlements: Vec<Settlement>) -> Vec<Result<Outcome, Refusal>> {
    let store = memory();
    let account = prepaid(&store, "team", "1");
    assert_eq!(account, AccountId(1));
    let acts = settlements.into_iter().enumerate();
    let settle = acts.map(|(n, one)| op(format!("settle-{n}"), Act::Settle(one)));
    let ops: Vec<Op> = before.iter().cloned().chain(settle).collect();
    let outcomes = store.apply(&ops).unwrap();
    store.audit().unwrap().unwrap();
    outcomes.into_iter().skip(before.len()).collect()
}

#[test]
fn what_a_call_costs_beyond_its_hold_is_the_operators_loss() {
    let store = memory();
    let account = prepaid(&store, "team", "1");
    let settle = op("settle", Act::Settle(settlement("call", account)));
    let ops = [op("lease", lease(account, "0.5")), settle.clone(), settle];
    let outcomes = store.apply(&ops).unwrap();
    assert_eq!(outcomes[1], settled("0.2", "0.1", "0.8"));
    assert_eq!(outcomes[2], Err(Refusal::Repeated));
    let book = store.balance(account).unwrap();
    assert_eq!((book.posted, book.held), (usd("0.8"), usd("0.3")));
    let loss = store.book(BookKind::OperatorLoss, 0).unwrap().unwrap();
    assert_eq!(loss.posted, usd("-0.1"));
    store.audit().unwrap().unwrap();
}

#[test]
fn m6_a_settlement_after_its_lease_was_returned_is_paid_from_what_is_free() {
    let a = AccountId(1);
    let returned = Act::ReturnLease {
        lease: "lease".into(),
    };
    let elsewhere = |amount| {
        [
            op("lease", lease(a, "0.5")),
            op("return", returned.clone()),
            op("elsewhere", lease(a, amount)),
        ]
    };
    let late = || vec![settlement("call", a)];
    assert_eq!(
        said(&elsewhere("0.5"), late()),
        [settled("0.2", "0.1", "0.8")]
    );
    assert_eq!(
        said(&elsewhere("0.9"), late()),
        [settled("0.1", "0.2", "0.9")]
    );
    assert_eq!(said(&elsewhere("1"), late()), [settled("0", "0.3", "1")]);
    assert_eq!(
        said(&[], late()),
        [settled("0.2", "0.1", "0.8")],
        "no lease"
    );
}

#[test]
fn what_its_lease_lacks_of_a_hold_is_paid_as_if_late() {
    let a = AccountId(1);
    let before = [op("lease", lease(a, "0.3")), op("other", lease(a, "0.65"))];
    let calls = vec![settlement("one", a), settlement("two", a)];
    let expected = [
        settled("0.2", "0.1", "0.8"),
        settled("0.15", "0.15", "0.65"),
    ];
    assert_eq!(said(&before, calls), expected);
}

#[test]
fn nobody_pays_more_than_was_delivered() {
    let a = AccountId(1);
    let most = |amount| Settlement {
        pays_max: Some(usd(amount)),
        ..settlement("call", a)
    };
    let before = [op("lease", lease(a, "0.5"))];
    assert_eq!(
        said(&before, vec![most("0.05")]),
        [settled("0.05", "0.25", "0.95")]
    );
    assert_eq!(said(&before, vec![most("0")]), [settled("0", "0.3", "1")]);
    let store = memory();
    let metered = crate::account(&store, "metered");
    let call = Settlement {
        account: metered,
        hold: None,
        ..most("0.25")
    };
    let outcomes = store.apply(&[op("settle", Act::Settle(call))]).unwrap();
    assert_eq!(outcomes, [settled("0.25", "0.05", "-0.25")]);
    store.audit().unwrap().unwrap();
}

#[test]
fn a_renewed_lease_keeps_what_is_spent_of_it() {
    let store = memory();
    let account = prepaid(&store, "team", "1");
    let renew = |id: &str, by: &str| {
        let act = Act::Renew {
            lease: "lease".into(),
            by: usd(by),
            until: START + 120,
        };
        op(id, act)
    };
    let ops = [
        op("lease", lease(account, "0.5")),
        op("settle", Act::Settle(settlement("call", account))),
        renew("more", "0.4"),
        renew("too-much", "0.2"),
        renew("less", "-5"),
        renew("longer", "0"),
    ];
    let outcomes = store.apply(&ops).unwrap();
    let missing = usd("0.1");
    assert_eq!(outcomes[2], Ok(Outcome::Renewed(usd("0.9"))));
    assert_eq!(outcomes[3], Err(Refusal::Balance { missing }));
    assert_eq!(outcomes[4], Ok(Outcome::Renewed(usd("0.2"))));
    assert_eq!(outcomes[5], Ok(Outcome::Renewed(usd("0.2"))));
    assert_eq!(store.balance(account).unwrap().held, Money::ZERO);
    store.audit().unwrap().unwrap();
}

#[test]
fn a_spent_budget_lends_again_in_its_next_period() {
    let store = memory();
    let account = crate::account(&store, "team");
    let lease = |id: &str, at| Op {
        at,
        ..op(
            id,
            Act::Lease(Lease {
                account,
                key: Some("key".into()),
                epoch: 1,
                amount: usd("2"),
                until: at + 60,
            }),
        )
    };
    let budget = |budget| Act::SetBudget {
        key: "key".into(),
        budget,
    };
    let call = Settlement {
        hold: Some(Hold {
            lease: "first".into(),
            amount: usd("2"),
        }),
        attempts: vec![attempt(1_000_000, 2_000_000)],
        ..settlement("call", account)
    };
    let tomorrow = Period::Day.end(START);
    let outcomes = store
        .apply(&[
            op("budget", budget(Some((usd("3"), Period::Day)))),
            lease("first", START),
            op("settle", Act::Settle(call)),
            lease("second", tomorrow - 1),
            lease("third", tomorrow),
            lease("fourth", tomorrow),
            op("no-budget", budget(None)),
            lease("fifth", tomorrow),
        ])
        .unwrap();
    let refused = Refusal::Budget {
        missing: usd("1"),
        resets_at: tomorrow,
    };
    assert_eq!(outcomes[3], Err(refused));
    assert_eq!(outcomes[4], Ok(Outcome::Leased));
    assert!(matches!(outcomes[5], Err(Refusal::Budget { .. })));
    assert_eq!(outcomes[7], Ok(Outcome::Leased));
}
