//! A database that falls back under a running replica, as where a standby takes over that lacked the
//! last commits: what the journal still has is brought in again.

use vane_catalog::Money;
use vane_ledger::book::{Act, Settlement};
use vane_ledger::journal::JournalError;
use vane_ledger::replica::{ReplicaError, Settings};
use vane_ledger::{AccountId, Clock, Payer, Replica, Short, Store};

use crate::Folder;
use crate::books::{START, op, prepaid, usd};
use crate::fixture::{self, caught_up, payer, until};

fn settings(folder: &Folder, segment_bytes: u64) -> Settings {
    let mut settings = Settings {
        journal: Some(folder.journal()),
        ..Settings::default()
    };
    settings.sizes.segment_bytes = segment_bytes;
    settings.sizes.backlog_bytes = 32 * segment_bytes;
    settings
}

fn call(id: &str, account: AccountId) -> Settlement {
    fixture::call(id, account, 1_000)
}

/// What each call costs.
fn cost() -> Money {
    usd("0.001")
}

async fn settle(replica: &Replica, account: AccountId, id: &str) {
    let hold = replica.hold(payer(account), usd("0.002")).await.unwrap();
    fixture::settle(replica, hold, call(id, account), cost()).await;
}

fn has(store: &Store, call: &str) -> bool {
    store.receipt(None, call).unwrap().is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m7_what_a_database_that_fell_back_lacks_is_brought_in_again() {
    let folder = Folder::new();
    let store = folder.store();
    let account = prepaid(&store, "payer", "1");
    let team = crate::account(&store, "team");
    let replica = Replica::open(&store, &settings(&folder, 64 << 10), Clock::manual(START));
    let replica = replica.unwrap();
    settle(&replica, account, "early").await;
    let hold = replica.hold(payer(account), usd("0.002")).await.unwrap();
    replica.opened(&hold, call("running", account));
    caught_up(&replica).await;
    folder.keep();
    for n in 0..15 {
        settle(&replica, account, &format!("lost-{n}")).await;
    }
    let settling = replica.settle(hold, call("running", account), cost());
    settling.unwrap().await.unwrap();
    caught_up(&replica).await;
    assert!(has(&store, "running"));
    folder.fall_back();
    assert!(has(&store, "early") && !has(&store, "lost-14"));

    // A process that does something finds out.
    let unlimited = Payer {
        prepaid: false,
        ..payer(team)
    };
    let hold = replica.hold(unlimited, Money::ZERO).await.unwrap();
    let settling = replica.settle(hold, call("late", team), cost());
    settling.unwrap().await.unwrap();
    until("what was lost", async || has(&store, "late")).await;
    for n in 0..15 {
        assert!(has(&store, &format!("lost-{n}")), "{n}");
    }
    assert!(has(&store, "running"));
    until("money", async || {
        replica.hold(payer(account), usd("0.9")).await.is_ok()
    })
    .await;
    assert_eq!(replica.trouble(), None);
    let left = usd("0.983");
    assert_eq!(replica.balance(account), Some(left));
    assert_eq!(store.open_calls(replica.instance()).unwrap(), []);
    assert_eq!(store.strays().unwrap(), 0);
    settle(&replica, account, "last").await;
    drop(replica);
    let book = store.balance(account).unwrap();
    let left = left.checked_sub(cost()).unwrap();
    assert_eq!((book.posted, book.held), (left, Money::ZERO));
    store.audit().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_journal_does_not_have_any_more_is_told_and_nothing_is_passed_over() {
    let folder = Folder::new();
    let store = folder.store();
    let account = prepaid(&store, "payer", "1");
    let mut small = settings(&folder, 4 << 10);
    // So little that nothing is kept of what is in the database.
    small.sizes.backlog_bytes = 8 << 10;
    let open = || Replica::open(&store, &small, Clock::manual(START));
    let replica = open().unwrap();
    settle(&replica, account, "early").await;
    caught_up(&replica).await;
    folder.keep();
    for n in 0..40 {
        settle(&replica, account, &format!("lost-{n}")).await;
        caught_up(&replica).await;
    }
    folder.fall_back();
    let hold = replica.hold(payer(account), usd("0.002")).await.unwrap();
    let settling = replica.settle(hold, call("late", account), cost());
    settling.unwrap().await.unwrap();
    let told = || replica.trouble().unwrap_or_default();
    until("the word of it", async || {
        told().contains("no longer in the journal")
    })
    .await;
    let short = replica.hold(payer(account), usd("0.002")).await;
    assert!(matches!(short, Err(Short::Away(_))), "{short:?}");
    assert!(!has(&store, "late"));
    drop(replica);

    // As docs/operations.md says: the rest is brought in from behind the gap.
    let Some(ReplicaError::Journal(JournalError::Gap { until, .. })) = open().err() else {
        panic!("it opens");
    };
    folder.run(&format!(
        "UPDATE instance SET ingested = {until} WHERE id = 1"
    ));
    let replica = open().unwrap();
    assert!(has(&store, "late") && has(&store, "lost-39") && !has(&store, "lost-0"));
    settle(&replica, account, "last").await;
    drop(replica);
    store.audit().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_the_database_does_not_have_costs_no_call_its_money() {
    let folder = Folder::new();
    let store = folder.store();
    let account = prepaid(&store, "payer", "1");
    let replica = Replica::open(&store, &settings(&folder, 64 << 10), Clock::manual(START));
    let replica = replica.unwrap();
    folder.keep();
    let early = replica.hold(payer(account), usd("0.1")).await.unwrap();
    let gone = |store: &Store| store.open_leases(replica.instance()).unwrap().is_empty();
    assert!(!gone(&store));
    folder.fall_back();
    assert!(gone(&store));
    // It has more of it than is held. What it does not have is lent anew.
    let more = replica.hold(payer(account), usd("0.9")).await.unwrap();
    let settling = replica.settle(early, call("early", account), cost());
    settling.unwrap().await.unwrap();
    caught_up(&replica).await;
    assert_eq!(
        store.receipt(None, "early").unwrap().unwrap().charged,
        cost()
    );
    drop(more);

    // The same where somebody has returned it.
    for (lease, _) in store.open_leases(replica.instance()).unwrap() {
        let back = Act::ReturnLease { lease };
        store.apply(&[op("back", back)]).unwrap().remove(0).unwrap();
    }
    let all = replica.hold(payer(account), usd("0.999")).await.unwrap();
    let over = replica.hold(payer(account), usd("0.001")).await;
    assert!(matches!(over, Err(Short::Balance { .. })), "{over:?}");
    drop((all, replica));
    assert_eq!(store.balance(account).unwrap().held, Money::ZERO);
    store.audit().unwrap().unwrap();
}
