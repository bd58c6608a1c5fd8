//! Several processes at one database: no more is lent than there is, and nobody waits in a circle.

use std::thread;

use vane_catalog::Money;
use vane_ledger::book::{Act, Hold, Lease, Op, Outcome, Period, Settlement, Status};
use vane_ledger::{AccountKind, BATCH_MAX, Clock, Ingest};

use crate::Folder;
use crate::books::{START, attempt, op, prepaid, usd};

const REPLICAS: i64 = 4;

#[test]
fn m5_leases_that_replicas_take_together_never_exceed_the_balance() {
    let folder = Folder::new();
    let account = prepaid(&folder.store(), "team", "0.0001");
    let budget = Act::SetBudget {
        key: "key".into(),
        budget: Some((usd("0.00005"), Period::Month)),
    };
    folder.store().apply(&[op("budget", budget)]).unwrap();
    let granted = |replica: i64| {
        let store = folder.store();
        let mut granted = [0, 0];
        for n in 0..100 {
            let key = (n % 2 == 0).then(|| "key".to_owned());
            let keyed = usize::from(key.is_some());
            let lease = Lease {
                account,
                key,
                epoch: 1,
                amount: usd("0.000001"),
                until: START,
            };
            let asked = Op {
                instance: replica,
                ..op(format!("l{replica}-{n}"), Act::Lease(lease))
            };
            if store.apply(&[asked]).unwrap().remove(0) == Ok(Outcome::Leased) {
                granted[keyed] += 1;
            }
        }
        granted
    };
    let granted = thread::scope(|scope| {
        let replicas = (1..=REPLICAS).map(|replica| scope.spawn(move || granted(replica)));
        let replicas: Vec<_> = replicas.collect();
        let granted = replicas.into_iter().map(|replica| replica.join().unwrap());
        granted.fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]])
    });
    assert_eq!(granted, [50, 50], "without the key, with it");
    let book = folder.store().balance(account).unwrap();
    assert_eq!(book.free().unwrap(), Money::ZERO);
    folder.store().audit().unwrap().unwrap();
}

#[test]
fn no_commit_needs_more_numbers_than_it_takes() {
    let folder = Folder::new();
    let _made = folder.store();
    let sql = "SELECT increment_by FROM pg_sequences WHERE schemaname = current_schema()
        AND sequencename IN ('receipt_n', 'txn_n')";
    let most = 2 * i64::try_from(BATCH_MAX).unwrap();
    let steps = folder.vandal().0.borrow_mut().query(sql, &[]).unwrap();
    assert_eq!(steps.len(), 2);
    assert!(steps.iter().all(|step| step.get::<_, i64>(0) >= most));
}

#[test]
fn replicas_that_settle_the_same_accounts_in_any_order_end() {
    let folder = Folder::new();
    let store = folder.store();
    let accounts: Vec<_> = (0..20)
        .map(|n| crate::account(&store, &format!("a{n}")))
        .collect();
    thread::scope(|scope| {
        for replica in 1..=REPLICAS {
            let (folder, accounts) = (&folder, &accounts);
            scope.spawn(move || {
                let store = folder.store();
                store.begin(replica, START).unwrap();
                for position in 1..=10_u64 {
                    let mut order = accounts.clone();
                    order.rotate_left(usize::try_from(replica).unwrap() * 5);
                    if position % 2 == 0 {
                        order.reverse();
                    }
                    let ops = order.iter().enumerate().map(|(n, account)| {
                        let settlement = Settlement {
                            call: format!("c{replica}-{position}-{n}"),
                            account: *account,
                            key: format!("k{}", account.0),
                            hold: None,
                            model: "m".into(),
                            status: Status::Done,
                            attempts: vec![attempt(1, 1)],
                            pays_max: None,
                            reported: None,
                            stream: false,
                            took_ms: 0,
                        };
                        let id = settlement.call.clone();
                        Op {
                            instance: replica,
                            ..op(id, Act::Settle(settlement))
                        }
                    });
                    let ops: Vec<_> = ops.collect();
                    let piece = Ingest {
                        instance: replica,
                        epoch: 1,
                        from: 0,
                        position,
                        ops: &ops,
                        opened: &[],
                        closed: &[],
                    };
                    for settled in store.ingest(&piece).unwrap() {
                        settled.unwrap();
                    }
                }
            });
        }
    });
    let audited = store.audit().unwrap().unwrap();
    assert_eq!(audited.receipts, 20 * 10 * REPLICAS);
}

#[test]
fn processes_that_start_together_migrate_once() {
    let folder = Folder::new();
    let stores = thread::scope(|scope| {
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| folder.store())).collect();
        let stores = starts.into_iter().map(|start| start.join().unwrap());
        stores.collect::<Vec<_>>()
    });
    for (n, store) in stores.iter().enumerate() {
        let name = format!("team-{n}");
        store
            .create_account(&name, AccountKind::Metered, 1)
            .unwrap();
    }
}

#[test]
fn what_a_settlement_takes() {
    const COMMITS: u64 = 60;
    // cargo test -p vane-ledger --features test-postgres --test postgres -- --nocapture takes ledger-bench
    if !std::env::args().any(|argument| argument == "ledger-bench") {
        return;
    }
    let folder = Folder::new();
    let store = folder.store();
    let account = prepaid(&store, "team", "9");
    store.begin(1, START).unwrap();
    let lent = Op {
        instance: 1,
        ..op("lease", crate::books::lease(account, "8"))
    };
    store.apply(&[lent]).unwrap();
    let pieces: Vec<Vec<Op>> = (0..COMMITS)
        .map(|position| {
            let calls = (0..512).map(|n| format!("c{position:06}-{n:03}"));
            let settle = |call: String| {
                let settlement = Settlement {
                    call: call.clone(),
                    account,
                    key: "key".into(),
                    hold: Some(Hold {
                        lease: "lease".into(),
                        amount: usd("0.0001"),
                    }),
                    model: "m".into(),
                    status: Status::Done,
                    attempts: vec![attempt(100, 1_000_000)],
                    pays_max: None,
                    reported: None,
                    stream: false,
                    took_ms: 0,
                };
                Op {
                    instance: 1,
                    ..op(call, Act::Settle(settlement))
                }
            };
            calls.map(settle).collect()
        })
        .collect();
    let clock = Clock::System;
    let begun = clock.elapsed();
    for (position, ops) in (1..).zip(&pieces) {
        let piece = Ingest {
            instance: 1,
            epoch: 1,
            from: 0,
            position,
            ops,
            opened: &[],
            closed: &[],
        };
        store.ingest(&piece).unwrap();
    }
    let took = clock.elapsed().saturating_sub(begun);
    println!("{} settlements in {took:?}, 512 a commit", COMMITS * 512);
    store.audit().unwrap().unwrap();
}
