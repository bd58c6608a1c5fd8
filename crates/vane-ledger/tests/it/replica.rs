//! One process's part of the ledger, on real files: holds in memory, settlements in the journal,
//! and what is found after it is gone.

use std::sync::Arc;

use vane_catalog::Money;
use vane_ledger::book::{Act, BookKind, Period, Settlement, Status, Times};
use vane_ledger::replica::Settings;
use vane_ledger::{Clock, Payer, Replica, Short, Store};

use crate::books::{START, op, prepaid, usd};
use crate::fixture::{call, caught_up, payer, settle, sound, until};
use crate::{Folder, account};

fn open(store: &Store) -> Replica {
    Replica::open(store, &Settings::default(), Clock::manual(START)).unwrap()
}

/// What is known of a call after so long, its only attempt begun 3 ms after it.
fn after(took_ms: u32, first_content_ms: Option<u32>, mut call: Settlement) -> Settlement {
    call.took_ms = took_ms;
    call.attempts[0].times = Times {
        began_ms: 3,
        first_content_ms,
        took_ms: took_ms - 3,
    };
    call
}

fn micro(micro: u64) -> Money {
    Money::from_pico(i64::try_from(micro).unwrap() * 1_000_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m5_ten_thousand_holds_on_funds_for_a_thousand_are_granted_a_thousand_times() {
    let folder = Folder::new();
    let store = folder.store();
    let payer_id = prepaid(&store, "payer", "0.1");
    let replica = Arc::new(open(&store));
    let asking = (0..10_000).map(|_| {
        let replica = Arc::clone(&replica);
        tokio::spawn(async move { replica.hold(payer(payer_id), usd("0.0001")).await })
    });
    let mut held = Vec::new();
    for asked in asking.collect::<Vec<_>>() {
        match asked.await.unwrap() {
            Ok(hold) => held.push(hold),
            Err(short) => assert!(matches!(short, Short::Balance { .. }), "{short}"),
        }
    }
    assert_eq!(held.len(), 1_000);
    assert_eq!(
        store.balance(payer_id).unwrap().free().unwrap(),
        Money::ZERO
    );
    drop(held);
    let again = replica.hold(payer(payer_id), usd("0.1")).await;
    assert_eq!(again.unwrap().limit(), Some(usd("0.1")));
    drop(replica);
    assert_eq!(store.balance(payer_id).unwrap().free().unwrap(), usd("0.1"));
    sound(&store);
}

#[tokio::test]
async fn a_settled_call_is_in_the_store_with_what_it_cost() {
    let folder = Folder::new();
    let store = folder.store();
    let payer_id = prepaid(&store, "payer", "5");
    let replica = open(&store);
    let hold = replica.hold(payer(payer_id), usd("0.01")).await.unwrap();
    replica.opened(&hold, call("req_1", payer_id, 100));
    settle(&replica, hold, call("req_1", payer_id, 2_000), micro(2_000)).await;
    assert_eq!(replica.balance(payer_id), Some(usd("4.998")));
    caught_up(&replica).await;
    assert_eq!(replica.balance(payer_id), Some(usd("4.998")));
    assert_eq!(store.balance(payer_id).unwrap().posted, usd("4.998"));
    let receipt = store.receipt(Some(payer_id), "req_1").unwrap().unwrap();
    assert_eq!(
        (receipt.charged, receipt.lost()),
        (usd("0.002"), Money::ZERO)
    );
    drop(replica);
    assert_eq!(store.balance(payer_id).unwrap().held, Money::ZERO);
    sound(&store);
}

#[tokio::test]
async fn a_prepaid_call_pays_its_hold_at_most_and_a_metered_one_all() {
    let folder = Folder::new();
    let store = folder.store();
    let payer_id = prepaid(&store, "payer", "5");
    let metered = account(&store, "team");
    let replica = open(&store);
    let hold = replica.hold(payer(payer_id), micro(100)).await.unwrap();
    settle(&replica, hold, call("req_1", payer_id, 150), micro(150)).await;
    let free = Payer {
        prepaid: false,
        ..payer(metered)
    };
    let hold = replica.hold(free, Money::ZERO).await.unwrap();
    assert_eq!(hold.limit(), None);
    settle(&replica, hold, call("req_2", metered, 150), micro(150)).await;
    caught_up(&replica).await;
    let lost = |call: &str| store.receipt(None, call).unwrap().unwrap().lost();
    assert_eq!([lost("req_1"), lost("req_2")], [micro(50), Money::ZERO]);
    let loss = store.book(BookKind::OperatorLoss, 1).unwrap().unwrap();
    assert_eq!(loss.posted, Money::from_pico(-50_000_000));
    assert_eq!(
        store.balance(metered).unwrap().posted,
        Money::from_pico(-150_000_000)
    );
    drop(replica);
    sound(&store);
}

#[tokio::test]
async fn a_budget_lends_what_it_has_and_its_keys_leave_the_rest_to_others() {
    let folder = Folder::new();
    let store = folder.store();
    let payer_id = prepaid(&store, "payer", "5");
    let budget = Act::SetBudget {
        key: "key".into(),
        budget: Some((usd("1"), Period::Day)),
    };
    store
        .apply(&[op("budget", budget)])
        .unwrap()
        .remove(0)
        .unwrap();
    let replica = open(&store);
    let budgeted = Payer {
        budget: Some(usd("1")),
        ..payer(payer_id)
    };
    let all = replica.hold(budgeted, usd("1")).await.unwrap();
    let over = replica.hold(budgeted, usd("0.01")).await.unwrap_err();
    assert!(
        matches!(&over, Short::Budget { missing, resets_at }
        if *missing == usd("0.01") && *resets_at > START),
        "{over}"
    );
    drop(all);
    // What that purse has and nobody holds is lent to the others of the account.
    let others = Payer {
        key: "other",
        ..payer(payer_id)
    };
    let hold = replica.hold(others, usd("5")).await.unwrap();
    assert_eq!(hold.limit(), Some(usd("5")));
    drop(replica);
    drop(hold);
    sound(&store);
}

#[tokio::test]
async fn m6_calls_of_a_process_that_died_are_settled_by_their_last_word() {
    let folder = Folder::new();
    let store = folder.store();
    let payer_id = prepaid(&store, "payer", "5");
    let replica = open(&store);
    let mut holds = Vec::new();
    for n in 0..20 {
        let hold = replica.hold(payer(payer_id), usd("0.01")).await.unwrap();
        let begun = Settlement {
            pays_max: Some(Money::ZERO),
            ..after(3, None, call(format!("req_{n}"), payer_id, 7))
        };
        replica.opened(&hold, begun);
        if n % 2 == 0 {
            let later = call(format!("req_{n}"), payer_id, 1_000);
            replica.opened(&hold, after(900, Some(250), later));
        }
        if n == 10 {
            caught_up(&replica).await;
        }
        holds.push(hold);
    }
    caught_up(&replica).await;
    // It goes without a word about its calls.
    drop(replica);
    drop(holds);
    assert_eq!(store.receipt(None, "req_0").unwrap(), None);
    assert_eq!(store.audit().unwrap().unwrap().open_calls, 20);

    let replica = open(&store);
    for n in 0..20 {
        let receipt = store.receipt(None, &format!("req_{n}")).unwrap().unwrap();
        let (expected, times) = if n % 2 == 0 {
            ([micro(1_000), Money::ZERO], (900, Some(253)))
        } else {
            ([Money::ZERO, micro(7)], (3, None))
        };
        assert_eq!([receipt.charged, receipt.lost()], expected, "{n}");
        let kept = &receipt.settlement;
        assert_eq!(kept.status, Status::Interrupted);
        assert_eq!((kept.took_ms, kept.first_content_ms()), times, "{n}");
    }
    let book = store.balance(payer_id).unwrap();
    assert_eq!((book.posted, book.held), (usd("4.99"), Money::ZERO));
    drop(replica);
    sound(&store);
    // And once only.
    drop(open(&store));
    assert_eq!(store.balance(payer_id).unwrap().posted, usd("4.99"));
    sound(&store);
    // One that it had forgotten would be found.
    let forgotten = "INSERT INTO open_call VALUES (1, 'req_20', 2, x'00')";
    folder.vandal().run(forgotten).unwrap();
    assert_eq!(store.audit().unwrap().unwrap_err().invariant, 13);
}

#[tokio::test]
async fn a_second_process_of_the_same_database_is_refused() {
    let folder = Folder::new();
    let store = folder.store();
    let first = open(&store);
    let second = Replica::open(&folder.store(), &Settings::default(), Clock::manual(START));
    let error = second.err().unwrap().to_string();
    assert!(error.contains("in use by process"), "{error}");
    drop(first);
    drop(open(&store));
}

/// Settings with the journal in a folder of that name.
fn at(folder: &Folder, name: &str) -> Settings {
    Settings {
        journal: Some(folder.0.join(name)),
        ..Settings::default()
    }
}

#[tokio::test]
async fn a_second_process_with_a_journal_of_its_own_is_refused_too() {
    let folder = Folder::new();
    let (store, clock) = (folder.store(), Clock::manual(START));
    let first = open(&store);
    let other = folder.0.join("other.db");
    for (of, name) in [(folder.database(), "db"), (folder.secret(), "secret")] {
        std::os::unix::fs::symlink(of, other.with_extension(name)).unwrap();
    }
    let other = Store::open(&format!("sqlite:{}", other.display())).unwrap();
    for store in [&store, &other] {
        let second = Replica::open(store, &at(&folder, "second"), clock.clone());
        let error = second.err().unwrap().to_string();
        assert!(error.contains("vane.db is in use by process"), "{error}");
    }
    drop(first);
    drop(Replica::open(&store, &at(&folder, "second"), clock).unwrap());
}

#[tokio::test]
async fn a_journal_with_what_the_database_lacks_is_not_passed_over_for_another() {
    let folder = Folder::new();
    let (store, clock) = (folder.store(), Clock::manual(START));
    let payer_id = prepaid(&store, "payer", "5");
    let open = |name: &str| Replica::open(&store, &at(&folder, name), clock.clone());
    // It ends as one that is killed does: with a call that runs.
    let first = open("first").unwrap();
    let hold = first.hold(payer(payer_id), usd("0.01")).await.unwrap();
    first.opened(&hold, call("req_1", payer_id, 1_000));
    drop(first);
    drop(hold);
    let error = open("second").err().unwrap().to_string();
    assert!(
        error.contains(&folder.0.join("first").display().to_string()),
        "{error}"
    );
    assert!(error.contains("name it again"), "{error}");
    // With its own it goes on, and ends with nothing left: then any other may follow.
    drop(open("first").unwrap());
    assert!(store.receipt(None, "req_1").unwrap().is_some());
    drop(open("second").unwrap());

    let third = open("third").unwrap();
    let hold = third.hold(payer(payer_id), usd("0.01")).await.unwrap();
    drop(third);
    drop(hold);
    assert!(open("fourth").is_err());
    // Who has lost it for good says so by moving it away.
    std::fs::rename(folder.0.join("third"), folder.0.join("gone")).unwrap();
    drop(open("fourth").unwrap());
    sound(&store);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_followed_by_another_at_its_database_serves_no_money_and_says_why() {
    let folder = Folder::new();
    let store = folder.store();
    let payer_id = prepaid(&store, "payer", "5");
    let team = account(&store, "team");
    let replica = open(&store);
    // As where locks do not reach.
    folder.store().begin(replica.instance(), START).unwrap();
    let free = Payer {
        prepaid: false,
        ..payer(team)
    };
    let hold = replica.hold(free, Money::ZERO).await.unwrap();
    settle(&replica, hold, call("req_1", team, 5), micro(5)).await;
    until("it to be told", async || {
        let held = replica.hold(payer(payer_id), usd("0.01")).await;
        matches!(held, Err(Short::Away(why)) if why.contains("another process"))
    })
    .await;
    assert!(replica.trouble().is_some());
}

#[tokio::test]
async fn a_journal_in_memory_goes_with_its_replica() {
    let store = crate::memory();
    let metered = account(&store, "team");
    let replica = open(&store);
    let free = Payer {
        prepaid: false,
        ..payer(metered)
    };
    let hold = replica.hold(free, Money::ZERO).await.unwrap();
    settle(&replica, hold, call("req_1", metered, 5), micro(5)).await;
    drop(replica);
    assert_eq!(
        store.balance(metered).unwrap().posted,
        Money::from_pico(-5_000_000)
    );
    sound(&store);
}

#[tokio::test]
async fn a_small_call_is_not_refused_for_a_large_one() {
    let folder = Folder::new();
    let store = folder.store();
    let payer_id = prepaid(&store, "payer", "5");
    let replica = open(&store);
    for _ in 0..20 {
        let large = replica.hold(payer(payer_id), usd("100")).await;
        assert!(matches!(large, Err(Short::Balance { .. })));
        let small = replica.hold(payer(payer_id), usd("0.2")).await;
        drop(small.unwrap());
    }
}
