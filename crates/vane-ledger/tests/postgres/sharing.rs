//! Whole replicas at one database: all that is funded is granted, by whichever of them is asked, and
//! what one leaves is settled once.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use vane_catalog::Money;
use vane_ledger::book::{Act, Op, Period, Settlement};
use vane_ledger::journal::Durability;
use vane_ledger::replica::Settings;
use vane_ledger::{Clock, Hold, LedgerError, Payer, Replica, Short, Store};

use crate::books::{START, op, prepaid, usd};
use crate::fixture::{PATIENCE, call, caught_up, payer, settle, sound, until};
use crate::instances::{age, bury};
use crate::{Folder, aside};

/// A process of its own, but for the memory: a store, a journal, a replica.
struct Process {
    replica: Arc<Replica>,
    store: Store,
    journal: Journal,
}

/// The folder of a journal, gone with its owner.
struct Journal(PathBuf);

impl Journal {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("vane-sharing-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings {
            journal: Some(self.0.clone()),
            ..Settings::default()
        };
        settings.sizes.segment_bytes = 64 << 10;
        settings
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn start(folder: &Folder) -> Process {
    let (store, journal) = (folder.store(), Journal::new());
    let replica = Replica::open(&store, &journal.settings(), Clock::manual(START));
    Process {
        replica: Arc::new(replica.unwrap()),
        store,
        journal,
    }
}

/// Asks of all processes at once; those that get something hold it.
async fn ask_all(asking: Vec<(Arc<Replica>, Payer<'static>, Money)>) -> Vec<Hold> {
    let asking = asking.into_iter().map(|(replica, payer, amount)| {
        tokio::spawn(async move { replica.hold(payer, amount).await })
    });
    let mut held = Vec::new();
    for asked in asking.collect::<Vec<_>>() {
        match asked.await.unwrap() {
            Ok(hold) => held.push(hold),
            Err(short) => assert!(
                matches!(short, Short::Balance { .. } | Short::Budget { .. }),
                "{short}"
            ),
        }
    }
    held
}

#[expect(
    clippy::disallowed_methods,
    reason = "the length of a test is no setting of the product"
)]
fn long() -> bool {
    std::env::var_os("VANE_TEST_LONG").is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m5_of_n_funded_holds_two_replicas_grant_exactly_n() {
    let (seeds, calls) = if long() { (20, 10_000) } else { (4, 3_000) };
    for seed in 0..seeds {
        let folder = Folder::new();
        let account = prepaid(&folder.store(), "payer", "0.1");
        let processes = [start(&folder), start(&folder)];
        // Warm: each has a slice of the balance that it does not need.
        for process in &processes {
            let held = process.replica.hold(payer(account), usd("0.0001")).await;
            drop(held.unwrap());
        }
        // One of them is asked for half, or for less than it has.
        let few = [2, 100, 7, 1_000][seed % 4] + seed;
        let begun = Instant::now();
        let asking = (0..calls).map(|n| {
            let process = &processes[usize::from(n % few == 0)];
            let replica = Arc::clone(&process.replica);
            (replica, payer(account), usd("0.0001"))
        });
        let mut held = ask_all(asking.collect()).await;
        println!(
            "measured: {} of 1,000 were granted at once, all were answered in {:.2?}",
            held.len(),
            begun.elapsed()
        );
        assert!(
            !long() || held.len() == 1_000,
            "seed {seed}: {}",
            held.len()
        );
        // Who waits for another replica does not wait for long, and on a busy machine that one is
        // slow to return what it has: then it is there for who asks again.
        until("all that is funded", async || {
            let ask = |process: &Process| {
                let replica = Arc::clone(&process.replica);
                (replica, payer(account), usd("0.0001"))
            };
            held.extend(ask_all(processes.iter().map(ask).collect()).await);
            held.len() >= 1_000
        })
        .await;
        assert_eq!(held.len(), 1_000, "seed {seed}");
        let book = folder.store().balance(account).unwrap();
        assert_eq!(book.free().unwrap(), Money::ZERO);
        drop((held, processes));
        assert_eq!(folder.store().balance(account).unwrap().held, Money::ZERO);
        sound(&folder.store());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_idle_in_one_replica_is_there_for_a_call_of_another() {
    let folder = Folder::new();
    let store = folder.store();
    let account = prepaid(&store, "payer", "1");
    let budget = Act::SetBudget {
        key: "key".into(),
        budget: Some((usd("0.5"), Period::Month)),
    };
    store.apply(&[op("budget", budget)]).unwrap();
    let [first, second] = [start(&folder), start(&folder)];
    for budget in [None, Some(usd("0.5"))] {
        let payer = Payer {
            budget,
            ..payer(account)
        };
        let all = budget.unwrap_or(usd("1"));
        let small = first.replica.hold(payer, usd("0.001")).await;
        drop(small.unwrap());
        let mut hold = second.replica.hold(payer, all).await;
        assert!(!long() || hold.is_ok(), "{hold:?}");
        // Who has it may be slow to return it, where the machine is busy.
        until("what lies idle", async || {
            if hold.is_err() {
                hold = second.replica.hold(payer, all).await;
            }
            hold.is_ok()
        })
        .await;
        let hold = hold.unwrap();
        assert_eq!(hold.limit(), Some(all));
        // What is held comes back to nobody.
        let short = first.replica.hold(payer, usd("0.001")).await.unwrap_err();
        let lacks = matches!(short, Short::Balance { .. } | Short::Budget { .. });
        assert!(lacks, "{short}");
        drop(hold);
        // A refusal answers for a moment more.
        until("money", async || {
            first.replica.hold(payer, all).await.is_ok()
        })
        .await;
    }
    drop((first, second));
    sound(&store);
}

#[tokio::test]
async fn what_many_purses_return_is_returned_by_one_commit() {
    let folder = Folder::new();
    let store = folder.store();
    let account = prepaid(&store, "payer", "1");
    let keys: Vec<String> = (0..40).map(|n| format!("key-{n}")).collect();
    let budgets = keys.iter().map(|key| {
        let budget = Act::SetBudget {
            key: key.clone(),
            budget: Some((usd("0.01"), Period::Month)),
        };
        op(format!("budget-{key}"), budget)
    });
    store.apply(&budgets.collect::<Vec<_>>()).unwrap();
    let process = start(&folder);
    for key in &keys {
        let of_key = Payer {
            key,
            budget: Some(usd("0.01")),
            ..payer(account)
        };
        drop(process.replica.hold(of_key, usd("0.005")).await.unwrap());
    }
    let commits = || {
        let sql = "SELECT count(DISTINCT xmin::text) FROM lease WHERE key IS NOT NULL";
        aside(|| {
            let vandal = folder.vandal();
            let row = vandal.0.borrow_mut().query_one(sql, &[]).unwrap();
            row.get::<_, i64>(0)
        })
    };
    assert_eq!(commits(), 40);
    // Who lacks all of it has it at once.
    let hold = process
        .replica
        .hold(payer(account), usd("1"))
        .await
        .unwrap();
    assert_eq!(commits(), 1);
    drop((hold, process));
    sound(&store);
}

#[tokio::test]
async fn the_same_journal_is_the_same_instance_and_only_one_process_has_it() {
    let folder = Folder::new();
    let first = start(&folder);
    let store = folder.store();
    let same = Replica::open(&store, &first.journal.settings(), Clock::manual(START));
    let error = same.err().unwrap().to_string();
    assert!(error.contains("in use by process"), "{error}");
    let second = start(&folder);
    let numbers = [first.replica.instance(), second.replica.instance()];
    assert_eq!(numbers, [1, 2]);
    let Process {
        replica, journal, ..
    } = second;
    drop(replica);
    let again = Replica::open(&store, &journal.settings(), Clock::manual(START));
    assert_eq!(again.unwrap().instance(), 2);
    // The first one lives on: to be refused costs it nothing.
    let account = prepaid(&store, "payer", "1");
    let held = first.replica.hold(payer(account), usd("1")).await;
    assert_eq!(held.unwrap().limit(), Some(usd("1")));
}

/// Ends the life of an instance as others do that believe it dead.
async fn sweep(folder: &Folder, instance: i64) {
    let store = folder.store();
    let judge = store.begin_of("judge", START).unwrap();
    age(folder, judge.instance);
    let word = |_: &[u8]| -> Option<Op> { None };
    // It may say that it lives at any moment.
    until("a sweep", async || {
        bury(folder, instance);
        store.sweep(&judge, START, word).unwrap() > 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_taken_for_dead_begins_anew_and_nobody_pays_twice() {
    let folder = Folder::new();
    let store = folder.store();
    let account = prepaid(&store, "payer", "1");
    let process = start(&folder);
    let replica = &process.replica;
    let early = replica.hold(payer(account), usd("0.4")).await.unwrap();
    let late = replica.hold(payer(account), usd("0.4")).await.unwrap();
    settle(replica, early, call("early", account, 300_000), usd("0.3")).await;
    caught_up(replica).await;

    sweep(&folder, replica.instance()).await;
    assert_eq!(store.balance(account).unwrap().held, Money::ZERO);
    // Another is lent what was returned, before this one knows.
    let other = start(&folder);
    let lent = other
        .replica
        .hold(payer(account), usd("0.6"))
        .await
        .unwrap();
    settle(replica, late, call("late", account, 200_000), usd("0.2")).await;

    until("another life", async || {
        store.receipt(None, "late").unwrap().is_some()
    })
    .await;
    let late = store.receipt(None, "late").unwrap().unwrap();
    assert_eq!(
        (late.charged, late.lost()),
        (usd("0.1"), usd("0.1")),
        "what was lent to another is not this one's any more"
    );
    drop(lent);
    until("money", async || {
        let held = replica.hold(payer(account), usd("0.6")).await;
        held.is_ok()
    })
    .await;
    assert_eq!(replica.balance(account), Some(usd("0.6")));
    assert_eq!(replica.trouble(), None);
    drop((process, other));
    let book = store.balance(account).unwrap();
    assert_eq!((book.posted, book.held), (usd("0.6"), Money::ZERO));
    assert_eq!(store.strays().unwrap(), 0);
    sound(&store);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_share_a_journals_name_the_first_serves_no_money_and_says_why() {
    let folder = Folder::new();
    let store = folder.store();
    let account = prepaid(&store, "payer", "1");
    let process = start(&folder);
    let name = std::fs::read_to_string(process.journal.0.join("name")).unwrap();
    let copy = store.begin_of(&name, START).unwrap();
    assert_eq!(copy.instance, process.replica.instance());
    until("the end", async || process.replica.trouble().is_some()).await;
    let short = process.replica.hold(payer(account), usd("0.1")).await;
    let Short::Away(why) = short.unwrap_err() else {
        panic!("money is held")
    };
    assert!(why.contains("journal copied"), "{why}");
    let over = process.store.renew_instance(&copy);
    assert!(!matches!(over, Err(LedgerError::LifeOver { .. })));
}

#[tokio::test]
async fn under_power_a_settlement_is_in_the_database_before_it_is_told() {
    let folder = Folder::new();
    let account = prepaid(&folder.store(), "team", "1");
    let (store, journal) = (folder.store(), Journal::new());
    let settings = Settings {
        durability: Durability::Power,
        ..journal.settings()
    };
    let replica = Replica::open(&store, &settings, Clock::manual(START)).unwrap();
    for n in 0..3 {
        let hold = replica.hold(payer(account), usd("0.1")).await.unwrap();
        let id = format!("power-{n}");
        settle(&replica, hold, call(&id, account, 10), usd("0.00001")).await;
        // Nobody has asked for it to be there.
        assert!(store.receipt(Some(account), &id).unwrap().is_some(), "{id}");
    }
    drop(replica);
    sound(&store);
}

#[tokio::test]
async fn a_name_that_no_index_holds_is_a_stray_and_holds_up_nothing() {
    let folder = Folder::new();
    let account = prepaid(&folder.store(), "payer", "1");
    let process = start(&folder);
    // Of no pattern, so that no index makes it small.
    let digits = (1..=8_192_u64).map(|n| n.wrapping_mul(n).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let long: String = digits
        .map(|digit| char::from(b'!' + (digit >> 57) as u8 % 90))
        .collect();
    for (id, model) in [
        ("req_1", "lab-m"),
        ("req_2", &long),
        ("req_3", "lab\0m"),
        ("req_4", "m"),
    ] {
        let hold = process.replica.hold(payer(account), usd("0.01")).await;
        let settlement = Settlement {
            model: model.to_owned(),
            ..call(id, account, 10)
        };
        settle(&process.replica, hold.unwrap(), settlement, usd("0.00001")).await;
    }
    let caught = process.replica.caught_up(PATIENCE).await;
    assert!(caught.is_ok(), "{:?}", process.replica.trouble());
    assert_eq!(process.store.strays().unwrap(), 2);
    for (id, is_there) in [
        ("req_1", true),
        ("req_2", false),
        ("req_3", false),
        ("req_4", true),
    ] {
        let receipt = process.store.receipt(None, id).unwrap();
        assert_eq!(receipt.is_some(), is_there, "{id}");
    }
}
