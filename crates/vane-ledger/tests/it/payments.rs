//! Payments: credited once, taken back by their claims, in whatever order they are told of; and
//! what is due by itself.

use std::path::Path;

use proptest::prelude::*;
use vane_catalog::Money;
use vane_ledger::book::{
    Act, BookKind, Checkout, CheckoutState, Claim, Lease, Op, Outcome, Pay, Refusal, Source,
};
use vane_ledger::replica::Settings;
use vane_ledger::{AccountId, Clock, KeyRing, Replica, Store};

use crate::books::{START, op, prepaid, usd};
use crate::{Folder, account, key, memory};

fn ask(id: &str, account: AccountId) -> Op {
    let checkout = Checkout {
        id: id.into(),
        account,
        provider: "payments".into(),
        amount: usd("25"),
        fee: usd("1.25"),
        asked_at: START,
        external: None,
        url: None,
        state: CheckoutState::Open,
    };
    op(format!("ask-{id}"), Act::Pay(Pay::Ask(checkout)))
}

fn paid(id: &str, n: u32) -> Op {
    let act = Pay::Paid {
        checkout: id.into(),
        external: format!("cs-{id}"),
        payment: format!("pi-{id}"),
        total: usd("26.25"),
    };
    op(format!("paid-{id}-{n}"), Act::Pay(act))
}

fn claim(checkout: &str, id: &str, stage: i64, due: &str) -> Op {
    let claim = Claim {
        provider: "payments".into(),
        payment: format!("pi-{checkout}"),
        id: id.into(),
        stage,
        due: usd(due),
    };
    op(format!("claim-{id}"), Act::Pay(Pay::Claim(claim)))
}

#[track_caller]
fn apply(store: &Store, ops: &[Op]) -> Vec<Outcome> {
    let outcomes = store.apply(ops).unwrap();
    outcomes.into_iter().map(Result::unwrap).collect()
}

/// The balance, the operator's loss by payments, and the fees.
fn standing(store: &Store, account: AccountId) -> [String; 3] {
    let posted = |kind| {
        let book = store.book(kind, 0).unwrap();
        book.map_or(Money::ZERO, |book| book.posted).to_string()
    };
    let balance = store.balance(account).unwrap().posted.to_string();
    [
        balance,
        posted(BookKind::OperatorLoss),
        posted(BookKind::TopUpFee),
    ]
}

fn lease(account: AccountId, amount: &str) -> Act {
    Act::Lease(Lease {
        account,
        key: None,
        epoch: 1,
        amount: usd(amount),
        until: START + 60,
    })
}

fn lease_returned() -> Act {
    Act::ReturnLease {
        lease: "lease".into(),
    }
}

#[test]
fn s10_a_payment_is_credited_once_and_only_as_it_was_asked_for() {
    let store = memory();
    let team = prepaid(&store, "team", "1");
    let asked = apply(&store, &[ask("one", team)]);
    assert_eq!(asked, [Outcome::Noted]);
    let other = |change: fn(&mut String, &mut String, &mut Money)| {
        let mut op = paid("one", 9);
        if let Act::Pay(Pay::Paid {
            checkout,
            external,
            total,
            ..
        }) = &mut op.act
        {
            change(checkout, external, total);
        }
        store.apply(&[op]).unwrap().remove(0)
    };
    assert_eq!(
        other(|_, _, total| *total = usd("26.24")),
        Err(Refusal::NotAsked)
    );
    assert_eq!(
        other(|_, _, total| *total = usd("2625")),
        Err(Refusal::NotAsked)
    );
    assert_eq!(
        other(|id, _, _| *id = "two".into()),
        Err(Refusal::NoSuchCheckout)
    );
    assert_eq!(
        other(|_, id, _| id.clear()),
        Err(Refusal::Malformed),
        "no id"
    );
    let begun = Pay::Begin {
        checkout: "one".into(),
        external: "cs-one".into(),
        url: "https://pay".into(),
    };
    apply(&store, &[op("begin", Act::Pay(begun))]);
    assert_eq!(
        other(|_, id, _| *id = "cs-x".into()),
        Err(Refusal::NotAsked)
    );
    assert_eq!(standing(&store, team), ["1", "0", "0"]);

    let outcomes = apply(&store, &[paid("one", 1), paid("one", 2)]);
    assert_eq!(
        outcomes,
        [Outcome::Credited(usd("26")), Outcome::CreditedBefore]
    );
    assert_eq!(standing(&store, team), ["26", "0", "1.25"]);
    let cash = store.book(BookKind::CashIn, 0).unwrap().unwrap();
    assert_eq!(cash.posted, usd("-27.25"));
    let late = Pay::End {
        checkout: "one".into(),
        state: CheckoutState::Expired,
    };
    apply(&store, &[op("late", Act::Pay(late))]);
    let checkout = store.checkout("one").unwrap().unwrap();
    assert_eq!(checkout.state, CheckoutState::Paid);
    assert_eq!(checkout.external.as_deref(), Some("cs-one"));
    store.audit().unwrap().unwrap();
}

#[test]
fn what_was_spent_before_it_was_taken_back_is_lost_freezes_and_is_made_good() {
    let store = memory();
    let team = prepaid(&store, "team", "1");
    let key = key(&store, team);
    let ring = KeyRing::open(&store).unwrap();
    apply(&store, &[ask("one", team), paid("one", 1)]);
    // All but a dollar is lent out; promotional credit is not taken for a payment.
    let gift = Act::Grant {
        account: team,
        amount: usd("3"),
        source: Source::Promotion {
            expires_at: i64::MAX,
        },
        reason: "hello".into(),
    };
    apply(&store, &[op("gift", gift), op("lease", lease(team, "25"))]);
    let outcomes = apply(&store, &[claim("one", "du", 1, "26.25")]);
    let (taken, lost) = (usd("1"), usd("24"));
    assert_eq!(outcomes[0], Outcome::Squared { taken, lost });
    assert_eq!(standing(&store, team), ["28", "-24", "0"]);
    let frozen = store.frozen(team).unwrap().unwrap();
    assert!(frozen.reason.contains("pi-one"), "{frozen:?}");
    assert!(ring.refresh().unwrap());
    assert!(ring.lookup(key.expose(), START).unwrap().frozen);

    // Nothing is free: nothing is due. Then the lease comes back unspent.
    assert_eq!(store.due(START).unwrap(), []);
    apply(&store, &[op("return", lease_returned())]);
    store.do_due(0, START).unwrap();
    store.do_due(1, START).unwrap();
    assert_eq!(standing(&store, team), ["4", "0", "0"]);
    // Won: all of it comes back, and the account stays frozen until somebody looks.
    let won = Op {
        id: "won".into(),
        ..claim("one", "du", 3, "0")
    };
    apply(&store, &[won]);
    assert_eq!(standing(&store, team), ["29", "0", "1.25"]);
    assert!(store.frozen(team).unwrap().is_some());
    let thaw = Act::Freeze {
        account: team,
        reason: None,
    };
    apply(&store, &[op("thaw", thaw)]);
    assert!(ring.refresh().unwrap());
    assert!(!ring.lookup(key.expose(), START).unwrap().frozen);
    store.audit().unwrap().unwrap();
}

#[test]
fn a_metered_balance_goes_below_zero_instead() {
    let store = memory();
    let metered = account(&store, "metered");
    let ops = [
        ask("one", metered),
        paid("one", 1),
        claim("one", "ch", 0, "30"),
    ];
    apply(&store, &ops);
    assert_eq!(standing(&store, metered), ["0", "0", "0"]);
    assert!(store.frozen(metered).unwrap().is_none());
    store.audit().unwrap().unwrap();
}

/// What is told of two payments of one account, of whose 10 dollars 8 are lent out.
fn told(n: usize, at: u32) -> Op {
    let claimed = |of: &str, id: &str, stage, due: &str| {
        let claim = claim(of, id, stage, due);
        let id = format!("{}-{at}", claim.id);
        Op { id, ..claim }
    };
    match n {
        0 => paid("one", at),
        1 => paid("two", at),
        2 => claimed("one", "ch_1", 0, "5"),
        3 => claimed("one", "ch_1", 0, "12"),
        4 => claimed("one", "du_1", 1, "26.25"),
        5 => claimed("one", "du_1", 3, "0"),
        6 => claimed("two", "du_2", 1, "26.25"),
        _ => claimed("two", "du_2", 4, "26.25"),
    }
}

fn balance_after(events: &[usize]) -> [String; 3] {
    let store = memory();
    let team = prepaid(&store, "team", "10");
    let lent = op("lease", lease(team, "8"));
    apply(&store, &[ask("one", team), ask("two", team), lent]);
    for (at, n) in (1..).zip(events) {
        apply(&store, &[told(*n, at)]);
    }
    store.do_due(0, START).unwrap();
    store.audit().unwrap().unwrap();
    standing(&store, team)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn s10_any_order_with_any_repetition_comes_to_the_same(
        of in proptest::sample::subsequence((0..8).collect::<Vec<usize>>(), 1..=8),
        shuffled in proptest::collection::vec(any::<proptest::sample::Index>(), 8..24),
    ) {
        // Everything at least once, in an order of its own, with repetitions anywhere.
        let mut events = of.clone();
        for index in &shuffled {
            let at = index.index(events.len());
            let one = events.remove(at);
            events.push(one);
            if at % 2 == 0 {
                events.insert(at / 2, one);
            }
        }
        prop_assert_eq!(balance_after(&events), balance_after(&of));
    }

    #[test]
    fn promotional_credit_ends_once_whatever_is_lent_meanwhile(
        steps in proptest::collection::vec((0_u8..5, 1_i64..400), 1..40),
    ) {
        let store = memory();
        let team = prepaid(&store, "team", "0.0000000001");
        let mut granted = 0;
        let (mut open, mut at) = (Vec::new(), START);
        for (n, (what, size)) in (0..).zip(steps) {
            at += 10;
            let amount = Money::from_pico(size);
            let act = match what {
                0 => {
                    granted += size;
                    let source = Source::Promotion { expires_at: at + size };
                    Act::Grant { account: team, amount, source, reason: "gift".into() }
                }
                1 | 2 => Act::Lease(Lease { account: team, key: None, epoch: 1, amount, until: at }),
                3 if !open.is_empty() => Act::ReturnLease { lease: open.remove(0) },
                _ => {
                    for replica in [1, 2] {
                        store.do_due(replica, at).unwrap();
                    }
                    continue;
                }
            };
            let made = Op { at, ..op(format!("o{n}"), act) };
            let is_lease = matches!(made.act, Act::Lease(_));
            if store.apply(&[made]).unwrap()[0].is_ok() && is_lease {
                open.push(format!("o{n}"));
            }
        }
        let back = open.into_iter().enumerate().map(|(n, lease)| {
            op(format!("back{n}"), Act::ReturnLease { lease })
        });
        store.apply(&back.collect::<Vec<_>>()).unwrap();
        for replica in [1, 2, 1] {
            store.do_due(replica, at + 1_000).unwrap();
        }
        let book = store.balance(team).unwrap();
        prop_assert_eq!((book.posted.pico(), book.promotional.pico()), (100, 0));
        let given = [0, 1, 2].map(|owner| store.book(BookKind::Promotion, owner).unwrap());
        let given: i64 = given.into_iter().flatten().map(|book| book.posted.pico()).sum();
        prop_assert_eq!(given, 0, "{} was granted", granted);
        store.audit().unwrap().unwrap();
    }
}

#[test]
fn a_running_replica_ends_credit_by_itself() {
    let folder = Folder::new();
    let store = folder.store();
    let team = prepaid(&store, "team", "1");
    let gift = Act::Grant {
        account: team,
        amount: usd("3"),
        source: Source::Promotion {
            expires_at: START + 5,
        },
        reason: "hello".into(),
    };
    apply(&store, &[op("gift", gift)]);
    let journal = format!("due-{}.journal", std::process::id());
    let journal = Path::new(env!("CARGO_TARGET_TMPDIR")).join(journal);
    let settings = Settings {
        journal: Some(journal.clone()),
        ..Settings::default()
    };
    let opened = |at| {
        let replica = Replica::open(&store, &settings, Clock::manual(at)).unwrap();
        // It has looked once when it has closed.
        drop(replica);
        store.balance(team).unwrap().posted
    };
    assert_eq!(opened(START + 4), usd("4"));
    assert_eq!(opened(START + 5), usd("1"));
    assert_eq!(opened(START + 6), usd("1"));
    let _gone = std::fs::remove_dir_all(journal);
}

#[test]
fn every_planted_corruption_of_payments_is_found() {
    for (what, sql) in [
        (
            "another amount",
            "UPDATE payment SET amount = amount + 1, taken = taken",
        ),
        ("another fee", "UPDATE payment SET fee = fee - 1"),
        ("another account", "UPDATE payment SET account = 2"),
        ("more taken", "UPDATE payment SET taken = taken + 1"),
        (
            "taken, not lost",
            "UPDATE payment SET taken = taken + 1, lost = lost - 1",
        ),
        (
            "a fee kept",
            "UPDATE payment SET fee_taken = 0, lost = lost + 1250000000000",
        ),
        ("a claim that is gone", "DELETE FROM claim"),
        ("a claim for less", "UPDATE claim SET due = due - 1"),
        (
            "a checkout of another",
            "UPDATE checkout SET account = 2 WHERE state = 'paid'",
        ),
        ("a payment that is gone", "DELETE FROM payment"),
        (
            "paid, and nobody paid",
            "UPDATE checkout SET state = 'paid', external = 'x' WHERE id = 'two'",
        ),
    ] {
        let folder = Folder::new();
        let store = folder.store();
        let team = prepaid(&store, "team", "1");
        account(&store, "other");
        let ops = [
            ask("one", team),
            ask("two", team),
            paid("one", 1),
            op("lease", lease(team, "20")),
            claim("one", "du", 1, "26.25"),
        ];
        apply(&store, &ops);
        store.audit().unwrap().unwrap();
        let vandal = folder.vandal();
        vandal.unguard();
        vandal.run(sql).unwrap();
        let broken = store.audit().unwrap().expect_err(what);
        assert_eq!(broken.invariant, 12, "{what}: {broken}");
    }
}
