//! Connections that end at the worst moment: what was said to be done is done, and once.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::thread;

use vane_ledger::book::{Act, Hold, Op, Outcome, Refusal, Settlement, Status};
use vane_ledger::{AccountId, Ingest, LedgerError, Store};

use crate::books::{START, attempt, cash, lease, op, prepaid, usd};
use crate::fixture::sound;
use crate::proxy::{Cut, Proxy};
use crate::{Folder, address, admin, open};

/// A call of one micro-dollar, held against the lease.
fn settle(call: &str, account: AccountId) -> Op {
    let settlement = Settlement {
        call: call.into(),
        account,
        key: "key".into(),
        hold: Some(Hold {
            lease: "lease".into(),
            amount: usd("0.000001"),
        }),
        model: "m".into(),
        status: Status::Done,
        attempts: vec![attempt(1, 1_000_000)],
        pays_max: None,
        reported: None,
        stream: false,
        took_ms: 0,
    };
    op(call, Act::Settle(settlement))
}

fn piece<'a>(position: u64, ops: &'a [Op]) -> Ingest<'a> {
    Ingest {
        instance: 3,
        epoch: 1,
        from: 0,
        position,
        ops,
        opened: &[],
        closed: &[],
    }
}

/// A store whose wire can be cut, and one that is not cut.
fn wired(folder: &Folder) -> (Proxy, Store, Store) {
    let proxy = Proxy::to(address());
    let through = format!("127.0.0.1:{}", proxy.port);
    let url = folder.url().replace(&address(), &through);
    (proxy, open(&url), folder.store())
}

#[test]
fn a_commit_that_nobody_heard_of_is_found_to_have_happened() {
    let folder = Folder::new();
    let (proxy, store, plain) = wired(&folder);
    let account = prepaid(&plain, "team", "1");
    proxy.cut(Cut::After);
    let done = store.apply(&[op("more", cash(account, usd("1")))]).unwrap();
    assert_eq!(done, [Ok(Outcome::Credited(usd("2")))]);
    proxy.cut(Cut::After);
    store
        .create_account("other", vane_ledger::AccountKind::Metered, 1)
        .unwrap();
    assert_eq!(proxy.cuts(), 2);
    assert_eq!(plain.balance(account).unwrap().posted, usd("2"));
    sound(&plain);
}

#[test]
fn a_commit_that_the_server_never_heard_of_is_made_again() {
    let folder = Folder::new();
    let (proxy, store, plain) = wired(&folder);
    let account = prepaid(&plain, "team", "1");
    proxy.cut(Cut::Before);
    let done = store.apply(&[op("more", cash(account, usd("1")))]).unwrap();
    assert_eq!(done, [Ok(Outcome::Credited(usd("2")))]);
    assert_eq!(proxy.cuts(), 1);
    assert_eq!(plain.balance(account).unwrap().posted, usd("2"));
    sound(&plain);
}

#[test]
fn terminated_backends_lose_nothing_and_double_nothing() {
    const PIECES: u64 = 60;
    const PIECES_MAX: u64 = 2_000;
    const CALLS: u64 = 20;
    let folder = Folder::new();
    let store = folder.store();
    let account = prepaid(&store, "team", "1");
    store.begin(3, START).unwrap();
    store.apply(&[op("lease", lease(account, "0.9"))]).unwrap();
    let (reached, kills) = (AtomicU64::new(1), AtomicI64::new(0));
    let pieces = thread::scope(|scope| {
        scope.spawn(|| {
            let (mut admin, mut last) = (admin(), 0);
            let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE application_name = $1 AND state <> 'idle'";
            loop {
                // Once for each piece, wherever in it that is.
                let now = reached.load(Ordering::Relaxed);
                if now == 0 {
                    return;
                }
                if now != last {
                    let killed: i64 = admin.query_one(sql, &[&folder.0]).unwrap().get(0);
                    kills.fetch_add(killed, Ordering::Relaxed);
                    last = if killed > 0 { now } else { last };
                }
                thread::yield_now();
            }
        });
        let mut position = 0_u64;
        // Until one was met while it worked, which takes luck.
        while position < PIECES || (kills.load(Ordering::Relaxed) == 0 && position < PIECES_MAX) {
            position += 1;
            let calls = (0..CALLS).map(|n| settle(&format!("c{position}-{n}"), account));
            let ops: Vec<Op> = calls.collect();
            // As a replica does: until it is said to be done.
            loop {
                match store.ingest(&piece(position, &ops)) {
                    Ok(done) => {
                        let fine =
                            |one: &Result<_, _>| matches!(one, Ok(_) | Err(Refusal::Repeated));
                        assert!(done.iter().all(fine), "{done:?}");
                        break;
                    }
                    Err(LedgerError::ServerAway { .. } | LedgerError::CommitUnknown) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            reached.store(position + 1, Ordering::Relaxed);
        }
        reached.store(0, Ordering::Relaxed);
        position
    });
    assert!(kills.into_inner() > 0, "nothing was terminated");
    let calls = i64::try_from(pieces * CALLS).unwrap();
    let paid = calls * usd("0.000001").pico();
    let posted = store.balance(account).unwrap().posted;
    assert_eq!(posted.pico(), usd("1").pico() - paid);
    assert_eq!(store.audit().unwrap().unwrap().receipts, calls);
}

#[test]
fn a_server_that_comes_back_is_used_again() {
    let folder = Folder::new();
    let store = folder.store();
    let account = prepaid(&store, "team", "1");
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
    for n in 0..3 {
        // All that wait, as when the server restarts.
        admin().query(sql, &[&folder.0]).unwrap();
        assert_eq!(store.list_accounts().unwrap().len(), 1);
        admin().query(sql, &[&folder.0]).unwrap();
        let credit = op(format!("more-{n}"), cash(account, usd("1")));
        store.apply(&[credit]).unwrap().remove(0).unwrap();
    }
    assert_eq!(store.balance(account).unwrap().posted, usd("4"));
    sound(&store);
}
